"""One rollup in one zone: which of its parts are there and up to date, and what becomes of those that are not."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from cuboid.errors import CuboidError, NotStored, QueryFailed
from cuboid.run.data_source import DataSource
from cuboid.run.rollups.builds import Builds, Failure, Progress
from cuboid.run.rollups.parts import REST, WHOLE, Part
from cuboid.run.rollups.ranges import Parts, PartsOf
from cuboid.run.rollups.versions import Version
from cuboid.run.store import BuiltPart, BuiltTable, NewPart, RollupStore, check_same
from cuboid.run.stored import Bounds, Refreshed, StoredRollup
from cuboid.types import Pending

log = logging.getLogger(__name__)

CHECK_SECONDS = 10.0
"""How often the version of a part that is read is held against the one that it should have; Cube's threshold."""

TAIL_SECONDS = 86400.0
"""How long rows that follow the parts are kept after they were read: they are read again and again, or not needed."""

ROUNDS = 2
"""How often whoever wants the newest rows waits for a build: versions may move on meanwhile, for ever."""


class RollupTable:
    """What this process knows of it. The rows are the store's; other processes may change them.

    :param changed: when somebody has said of a cube that its data changed.
    """

    def __init__(
        self,
        stored: StoredRollup,
        source: DataSource,
        store: RollupStore,
        builds: Builds,
        version: Version,
        changed: Mapping[str, datetime],
    ) -> None:
        self.stored = stored
        self.parts = PartsOf(stored, source)
        self._store = store
        self._builds = builds
        self._version = version
        self._changed = changed
        self._looking: set[asyncio.Task[None]] = set()
        self._looked: dict[str, float] = {}
        self._dropped_for: datetime | None = None

    async def ready(
        self, bounds: Bounds | None, deadline: float, *, renew: bool, build: bool
    ) -> Pending | Refreshed:
        """What the rows within ``bounds`` are. :class:`Pending` at ``deadline`` (the loop's clock).

        :param renew: parts that are out of date are waited for too.
        :param build: whether this process builds what is missing or out of date.

        Raises :class:`CuboidError` if a part is not there and cannot be built.
        """
        parts = await self.now(deadline, renew=renew, build=build)
        if isinstance(parts, Pending):
            return parts
        self.check(parts, bounds)
        wanted = parts.within(bounds)
        pending = await self.hold(wanted, deadline, renew=renew, build=build)
        if pending is not None:
            return pending
        labels = None if bounds is None else [part.label for part in wanted]
        return refreshed(await self.built(), labels)

    async def now(self, deadline: float, *, renew: bool, build: bool) -> Pending | Parts:
        """The parts that there are to be, as known; see :meth:`ready`."""
        began = asyncio.get_running_loop().time()
        await self._store.used(self.stored.table)
        self.parts.suppose(await self.built())
        parts = await self.parts.known(deadline, younger=CHECK_SECONDS if renew else None)
        if parts is None:
            elapsed = asyncio.get_running_loop().time() - began
            return Pending(f"Asking for the range of pre-aggregation {self.stored.name}", elapsed)
        if build:
            await self._drop_gone(parts)
        return parts

    async def built(self) -> BuiltTable | None:
        """What is stored. Raises :class:`NotStored` if those are the rows of another rollup."""
        table = await self._store.table(self.stored.table)
        check_same(self.stored, None if table is None else table.definition)
        return table

    def check(self, parts: Parts, bounds: Bounds | None) -> None:
        """Raises :class:`NotStored` if rows within the bounds are not to be stored."""
        if parts.lacks(bounds):
            raise NotStored(
                f"The pre-aggregation {self.stored.name} does not have all rows that the query needs: its"
                " build_range_start and build_range_end leave some out.",
                hint="Ask for a range that they hold, or build more.",
            )

    async def hold(
        self, wanted: Sequence[Part], deadline: float, *, renew: bool, build: bool
    ) -> Pending | None:
        """None once these parts can be read; see :meth:`ready`."""
        _, missing = await self._missing(wanted)
        if missing and not build:
            raise QueryFailed(
                f"No parts of the pre-aggregation {self.stored.name} were built yet.",
                hint="A worker builds them: see whether one runs.",
            )
        if missing:
            pending = await self._build(missing, deadline, max(len(wanted), 1))
            if pending is not None:
                return pending
        if renew and build:
            return await self._renew(wanted, deadline)
        if build and not missing:
            self._look(wanted)
        return None

    async def refresh(self, bounds: Bounds | None = None, *, since: datetime | None = None) -> Sequence[Part]:
        """Builds what is missing or out of date within ``bounds``, and removes parts that the source has no longer; all
        parts that there are.

        :param since: parts that are up to date are built too, unless they were built since then (aware).

        Raises :class:`CuboidError` for the first part that could not be built, after all others.
        """
        await self._store.used(self.stored.table)
        parts = await self.parts.known(math.inf, younger=CHECK_SECONDS)
        assert parts is not None
        await self._drop_gone(parts)
        wanted = parts.within(bounds)
        _, missing = await self._missing(wanted)
        if since is None:
            due = list(dict.fromkeys([*missing, *await self._stale(wanted)]))
        else:
            due = list(dict.fromkeys([*missing, *await self._older(wanted, since)]))
        for _ in range(ROUNDS):  # one of them may have been begun earlier, for somebody else
            if due:
                await self._build(due, math.inf, len(due), since=since)
            due = [] if since is None else await self._older(due, since)
        return wanted

    async def all_parts(self, bounds: Bounds | None) -> Sequence[Part]:
        """The parts within ``bounds``, as the source says now."""
        parts = await self.parts.known(math.inf, younger=CHECK_SECONDS)
        assert parts is not None
        return parts.within(bounds)

    def follow(self, stored: StoredRollup, source: DataSource, store: RollupStore) -> None:
        """Where the rows are and come from, and what tells from now on that they are out of date: a model may say it
        anew of the same rows, and a data source may be replaced by one of the same database."""
        self._store = store
        self.parts.follow(source)
        if (stored.refresh_key, stored.keys, stored.cubes) != (
            self.stored.refresh_key,
            self.stored.keys,
            self.stored.cubes,
        ):
            self.stored = stored

    def look_at_once(self) -> None:
        """The next reader has all parts looked at."""
        self._looked.clear()

    async def close(self) -> None:
        """Stops looking; builds are stopped elsewhere."""
        for task in list(self._looking):
            task.cancel()
        if self._looking:
            await asyncio.wait(self._looking)
        await self.parts.close()

    # ------------------------------------------------------------ what is there

    async def _missing(self, wanted: Sequence[Part]) -> tuple[BuiltTable | None, list[Part]]:
        """The table and those parts that it has not."""
        table = await self.built()
        if table is None:
            # Without any part there is still a table to read, which has no rows.
            return None, list(wanted) or [Part(REST if self.stored.parts else WHOLE)]
        return table, [part for part in wanted if part.label not in table.parts]

    async def _stale(self, wanted: Sequence[Part]) -> list[Part]:
        """Those of the parts that are missing or out of date."""
        table = await self.built()
        have = {} if table is None else table.parts
        found = []
        for part in wanted:
            built = have.get(part.label)
            if (
                built is None
                or self._is_void(built)
                or built.version != await self._version(self.stored, part)
            ):
                found.append(part)
        return found

    async def _older(self, parts: Sequence[Part], since: datetime) -> list[Part]:
        """Those of the parts that are there, from before that moment."""
        table = await self.built()
        have = {} if table is None else table.parts
        return [part for part in parts if part.label in have and have[part.label].built_at < since]

    def _is_void(self, built: BuiltPart | None) -> bool:
        """Whether somebody has said since it was built that its data changed."""
        changed = self._changed_at
        return built is not None and changed is not None and built.built_at < changed

    @property
    def _changed_at(self) -> datetime | None:
        """When somebody has last said that its data changed."""
        return max((self._changed[cube] for cube in self.stored.cubes if cube in self._changed), default=None)

    async def _drop_gone(self, parts: Parts) -> None:
        """Removes what was built before the source said that there are no such times any more. A range that is only
        supposed says nothing of that."""
        if not parts.is_asked or parts.asked_at == self._dropped_for:
            return
        table = await self.built()
        labels = {part.label for part in parts.within(None)} | {REST}
        have = {} if table is None else table.parts
        gone = [
            label
            for label, part in have.items()
            if label not in labels
            and (parts.asked_at - part.built_at).total_seconds() > (0 if part.tail is None else TAIL_SECONDS)
        ]
        if gone:
            await self._store.drop_parts(self.stored.table, gone)
        self._dropped_for = parts.asked_at

    # ------------------------------------------------------------ what is built

    async def _build(
        self, parts: Sequence[Part], deadline: float, total: int, *, since: datetime | None = None
    ) -> Pending | None:
        """None once all are there. Raises for the first that failed, after all have ended."""
        loop = asyncio.get_running_loop()
        begun: list[Progress] = []
        table = await self.built()
        for part in parts:
            started = self._builds.start(
                self.stored, part, await self._new(part), since=since or self._void_since(table, part)
            )
            if isinstance(started, Failure):
                raise started.error.with_traceback(None)
            begun.append(started)
        timeout = None if deadline == math.inf else max(0.0, deadline - loop.time())
        _, going_on = await asyncio.wait({each.task for each in begun}, timeout=timeout)
        for progress in begun:
            progress.check()
        if not going_on:
            return None
        stage = f"Building pre-aggregation {self.stored.name} {total - len(going_on)}/{total}"
        return Pending(stage, loop.time() - min(each.began for each in begun))

    def _void_since(self, table: BuiltTable | None, part: Part) -> datetime | None:
        """Since when the part must have been built, if what there is of it is void."""
        void = table is not None and self._is_void(table.parts.get(part.label))
        return self._changed_at if void else None

    async def _new(self, part: Part) -> NewPart:
        version = await self._version(self.stored, part)
        return NewPart(part.label, version, self.parts.range, part.bounds, part.tail)

    async def _renew(self, wanted: Sequence[Part], deadline: float) -> Pending | None:
        for _ in range(ROUNDS):
            stale = await self._stale(wanted)
            if not stale:
                return None
            pending = await self._build(stale, deadline, len(wanted))
            if pending is not None:
                return pending
        return None

    def _look(self, parts: Sequence[Part]) -> None:
        """Has those parts refreshed behind the scenes that are out of date and were not looked at lately."""
        now = asyncio.get_running_loop().time()
        due = [part for part in parts if now - self._looked.get(part.label, -math.inf) >= CHECK_SECONDS]
        if due:
            self._looked.update((part.label, now) for part in due)
            task = asyncio.get_running_loop().create_task(self._start_stale(due))
            self._looking.add(task)
            task.add_done_callback(self._looking.discard)

    async def _start_stale(self, parts: Sequence[Part]) -> None:
        try:
            table = await self.built()
            for part in await self._stale(parts):
                since = self._void_since(table, part)
                self._builds.start(self.stored, part, await self._new(part), since=since)
        except CuboidError as error:
            log.warning("The pre-aggregation %s cannot be refreshed: %s", self.stored.name, error)


def refreshed(table: BuiltTable | None, labels: Sequence[str] | None) -> Refreshed:
    """What is read of these parts of the table, of all that it shows itself by default."""
    if table is None:
        now = datetime.now(UTC)
        return Refreshed(now, str(now))
    shown = sorted(label for label, part in table.parts.items() if part.tail is None)
    read = [
        table.parts[label] for label in (shown if labels is None else sorted(labels)) if label in table.parts
    ]
    moments = [part.built_at for part in read]
    moments += [table.dropped_at] if table.dropped_at is not None else []
    what = repr([(part.label, part.version, part.built_at) for part in read] + [table.dropped_at])
    rows = hashlib.blake2b(what.encode(), digest_size=8).hexdigest()
    return Refreshed(max(moments) if moments else max(part.built_at for part in table.parts.values()), rows)
