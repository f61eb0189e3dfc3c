"""What keeps rollups, as the way of an answer sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from cuboid.run.asker import Asker
from cuboid.run.data_source import DataSource
from cuboid.run.stored import Refreshed, RollupUse
from cuboid.types import Pending


class StoredRollups(Protocol):
    """Rollups that are stored, and built when they are needed: in one data source, but for those that lie in their
    own."""

    @property
    def name(self) -> str:
        """The name of that data source; no model uses it."""
        ...

    @property
    def source(self) -> DataSource:
        """Where their rows are read."""
        ...

    def inside(self, source: DataSource) -> DataSource:
        """Where rows are read that are kept in the database of their source; the same as long as the source is."""
        ...

    async def ready(
        self, uses: Sequence[RollupUse], *, wait: float, asker: Asker, renew: bool = False
    ) -> Mapping[str, Refreshed] | Pending:
        """What is read of each table that is used; :class:`Pending` after ``wait`` seconds while it is being built.

        :param renew: what is out of date is refreshed first.

        Raises :class:`DriverError` for a build that failed.
        """
        ...

    async def close(self) -> None:
        """Stops what is being built and closes the data source."""
        ...
