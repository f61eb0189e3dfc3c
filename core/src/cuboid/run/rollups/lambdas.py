"""Rollups that have their newest rows from elsewhere: what is stored of one, and after that rows that are read anew.

The rows that are read anew are a part of the other rollup's table, the tail. It begins where that rollup's last part
does, and the store shows it with all parts that end before it, under a name of its own. So whatever is built meanwhile,
each row is read once: what a reader sees is told by the tail that is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from cuboid.run.data_source import DataSource
from cuboid.run.rollups.builds import Builds
from cuboid.run.rollups.parts import Part
from cuboid.run.rollups.ranges import Parts, PartsOf
from cuboid.run.rollups.table import CHECK_SECONDS, RollupTable, refreshed
from cuboid.run.rollups.versions import Version
from cuboid.run.store import BuiltTable, RollupStore, check_same
from cuboid.run.stored import BEGINNING, Bounds, Refreshed, StoredRollup
from cuboid.types import Pending


class LambdaTable:
    """What this process knows of one rollup with a tail, in one zone.

    :param base: the table that holds the parts.
    :param source: of the tail.
    """

    def __init__(
        self,
        stored: StoredRollup,
        base: RollupTable,
        source: DataSource,
        store: RollupStore,
        builds: Builds,
        version: Version,
        changed: Mapping[str, datetime],
    ) -> None:
        self.base = base.stored.table
        self._base = base
        self._store = store
        self._version = version
        self.stored = stored
        self._label = f"tail-{stored.table.rpartition('_')[2]}"
        self._between = None if stored.between is None else PartsOf(stored.between, source)
        self._tail = RollupTable(_within(stored), source, store, builds, self._version_from, changed)

    async def ready(
        self, bounds: Bounds | None, deadline: float, *, renew: bool, build: bool
    ) -> Pending | Refreshed:
        """As :meth:`RollupTable.ready`; the tail is read by whoever needs it, whether he builds or not."""
        parts = await self._base.now(deadline, renew=renew, build=build)
        if isinstance(parts, Pending):
            return parts
        start = parts.last or BEGINNING
        end = await self._newest_from(start, deadline, renew=renew)
        if isinstance(end, Pending):
            return end
        self._base.check(
            parts, (datetime.min, start) if bounds is None else (bounds[0], min(bounds[1], start))
        )
        had = await self._begins()
        wanted = [each for each in parts.within(bounds) if each.bounds is None or each.bounds[1] <= start]
        if had is not None and bounds is not None and bounds[1] <= min(had, start):
            tail = None
        else:
            tail = Part(self._label, (start, end), self.stored.table)
        # Who reads nothing but older parts sees those up to the tail: when it moves on, what it leaves is there.
        between = () if had is None or tail is None else _between(parts, had, start)
        held = list(dict.fromkeys((*wanted, *between)))
        pending = await self._base.hold(held, deadline, renew=renew, build=build) if held else None
        if pending is None and tail is not None:
            pending = await self._tail.hold([tail], deadline, renew=True, build=True)
        if pending is not None:
            return pending
        labels = [part.label for part in wanted] + ([] if tail is None else [tail.label])
        table = await self._base.built()
        if tail is not None:
            self._check_tail(table)
        return refreshed(table, labels)

    def follow(self, stored: StoredRollup, source: DataSource, store: RollupStore) -> None:
        """As :meth:`RollupTable.follow`."""
        self._store = store
        self._tail.follow(_within(stored), source, store)
        if self._between is not None:
            self._between.follow(source)

    async def close(self) -> None:
        """As :meth:`RollupTable.close`."""
        await self._tail.close()
        if self._between is not None:
            await self._between.close()

    async def _begins(self) -> datetime | None:
        """Where the tail begins that is there."""
        table = await self._base.built()
        part = None if table is None else table.parts.get(self._label)
        return None if part is None or part.bounds is None else part.bounds[0]

    async def _version_from(self, stored: StoredRollup, part: Part) -> str:
        assert part.bounds is not None
        first, second = (each.isoformat() for each in part.bounds)
        return f"{first} {second} {await self._version(stored, part)} {self.stored.definition}"

    def _check_tail(self, table: BuiltTable | None) -> None:
        """Raises :class:`NotStored` if the newest rows that are there are those of another rollup."""
        part = None if table is None else table.parts.get(self._label)
        if part is not None:
            check_same(self.stored, part.version.rpartition(" ")[2])

    async def _newest_from(self, start: datetime, deadline: float, *, renew: bool) -> datetime | Pending:
        """Where the newest rows begin: after those of the rollup between, if there is one."""
        if self._between is None:
            return datetime.max
        parts = await self._between.known(deadline, younger=CHECK_SECONDS if renew else None)
        if parts is None:
            return Pending(f"Asking for the range of {self.stored.name}", 0.0)
        return max(start, parts.last or start)


def _within(stored: StoredRollup) -> StoredRollup:
    """The tail as a part of the table that it follows."""
    assert stored.follows is not None
    base = stored.follows
    return replace(stored, name=base.name, table=base.table, definition=base.definition)


def _between(parts: Parts, start: datetime, end: datetime) -> list[Part]:
    return [
        part
        for part in parts.cut
        if part.bounds is not None and start <= part.bounds[0] and part.bounds[1] <= end
    ]
