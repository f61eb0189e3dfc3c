"""Rollups of which nothing is made before a model has some: their store may load an engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from cuboid.run.asker import NOBODY, Asker
from cuboid.run.data_source import DataSource
from cuboid.run.rollups.builds import Counts
from cuboid.run.rollups.rollups import Rollups
from cuboid.run.stored import Refreshed, RollupUse
from cuboid.types import Pending


class LateRollups:
    """:class:`Rollups`, made when they are first needed.

    :param name: of the data source that they will have.
    """

    def __init__(self, name: str, make: Callable[[], Rollups]) -> None:
        self.name = name
        self._make = make
        self._made: Rollups | None = None
        self._changed: dict[str, datetime] = {}

    @property
    def made(self) -> Rollups:
        """The rollups; made now, if need be."""
        if self._made is None:
            self._made = self._make()
            self._made.invalidate(self._changed)
        return self._made

    @property
    def source(self) -> DataSource:
        """Where their rows are read."""
        return self.made.source

    def inside(self, source: DataSource) -> DataSource:
        """As :meth:`Rollups.inside`."""
        return self.made.inside(source)

    @property
    def counts(self) -> Counts:
        """What this process has built so far."""
        return Counts() if self._made is None else self._made.counts

    async def ready(
        self, uses: Sequence[RollupUse], *, wait: float, asker: Asker = NOBODY, renew: bool = False
    ) -> Pending | Mapping[str, Refreshed]:
        """As :meth:`Rollups.ready`."""
        return await self.made.ready(uses, wait=wait, asker=asker, renew=renew)

    def invalidate(self, changes: Mapping[str, datetime]) -> None:
        """As :meth:`Rollups.invalidate`."""
        if self._made is None:
            self._changed.update(changes)
        else:
            self._made.invalidate(changes)

    async def close(self) -> None:
        """As :meth:`Rollups.close`, if there is something to close."""
        if self._made is not None:
            await self._made.close()
