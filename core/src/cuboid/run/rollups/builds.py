"""Builds: the rows of a part are read from its source and given to the store, once for all who wait for them."""

from __future__ import annotations

import asyncio
import logging
import math
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from cuboid.errors import CuboidError, NotStored, QueryCancelled, QueryFailed
from cuboid.run.data_source import DataSource
from cuboid.run.rollups.parts import Part, statement_of
from cuboid.run.store import NewPart, RollupStore, check_same
from cuboid.run.stored import StoredRollup
from cuboid.run.streams import Batch
from cuboid.types import Pending, Statement

log = logging.getLogger(__name__)

StoreOf = Callable[[StoredRollup], RollupStore]

Prepare = Callable[[StoredRollup], Awaitable[DataSource]]

PRIORITY = -10
"""Behind all requests (10) and streams (0)."""

FIRST_PAUSE = 30.0
LONGEST_PAUSE = 600.0
"""Seconds until a build that failed is tried again; twice as long each time."""

FOLDS_SECONDS = 600.0
"""How often to ask how texts are compared: a column keeps its collation for long."""

ELSEWHERE = 0.5
"""How often to look whether another process has built a part."""


@dataclass(slots=True)
class Counts:
    """What a process has built so far."""

    running: int = 0
    built: int = 0
    failed: int = 0
    rows: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a part is not there, since when (aware), and until when (the loop's clock) it is left alone."""

    error: CuboidError
    at: datetime
    pause: float
    until: float


@dataclass(slots=True)
class Progress:
    """A build that goes on, or its end.

    :param began: on the loop's clock.
    :param writing: it has a place, and nobody else builds the part; ``rows`` were read so far.
    :param failure: what went wrong; the task itself never raises.
    """

    began: float
    task: asyncio.Task[None] = field(init=False)
    writing: bool = False
    rows: int = 0
    failure: Failure | None = None

    def check(self) -> None:
        """Raises what went wrong, if the build is over and it did."""
        if self.task.cancelled():
            raise QueryCancelled("Rollups are no longer built.")
        if self.failure is not None:
            raise self.failure.error.with_traceback(None)
        if self.task.done():
            self.task.result()


class Builds:
    """All builds of this process.

    :param store: where the rows of a rollup are kept.
    :param prepare: sees to what a rollup is made of, and says where its rows are read.
    :param built: told of each part that was built.
    :param at_once: builds of one data source.
    :param timeout: seconds that reading the rows of a part may take.
    """

    def __init__(
        self, store: StoreOf, prepare: Prepare, built: Callable[[], None], *, at_once: int, timeout: float
    ) -> None:
        self.counts = Counts()
        self._built = built
        self._store = store
        self._prepare = prepare
        self._timeout = timeout
        self._places = defaultdict[str, asyncio.Semaphore](lambda: asyncio.Semaphore(at_once))
        self._running: dict[tuple[str, str], Progress] = {}
        self._failures: dict[tuple[str, str], Failure] = {}
        self._folds: dict[tuple[int, Statement], tuple[float, tuple[str, ...]]] = {}
        self._closed = False

    def start(
        self, stored: StoredRollup, part: Part, new: NewPart, *, since: datetime | None = None
    ) -> Progress | Failure:
        """The build of the part, begun now unless one goes on; what went wrong, if that was a short while ago.

        :param new: the part as the store is to know it.
        :param since: it is built though it has that version, unless it was built since then (aware), and though it has
            failed.
        """
        key = (stored.table, part.label)
        loop = asyncio.get_running_loop()
        failure = self._failures.get(key)
        if failure is not None and failure.until > loop.time() and since is None:
            return failure
        if self._closed:
            raise QueryCancelled("Rollups are no longer built.")
        progress = self._running.get(key)
        if progress is None:
            progress = self._running[key] = Progress(loop.time())
            progress.task = loop.create_task(self._run(stored, part, new, progress, since))
        return progress

    def running(self, stored: StoredRollup) -> Mapping[str, Progress]:
        """The builds of that table that have a place, by the label of the part."""
        return {
            label: each
            for (table, label), each in self._running.items()
            if table == stored.table and each.writing
        }

    def failure(self, stored: StoredRollup, label: str) -> Failure | None:
        """Why the last build of the part failed, if it did."""
        return self._failures.get((stored.table, label))

    async def close(self) -> None:
        """Stops all builds."""
        self._closed = True
        tasks = [each.task for each in self._running.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _run(
        self, stored: StoredRollup, part: Part, new: NewPart, progress: Progress, since: datetime | None
    ) -> None:
        key = (stored.table, part.label)
        try:
            await self._build(stored, part, new, progress, since)
        except CuboidError as error:
            progress.failure = self._failures[key] = self._failed(stored, part, error)
        else:
            self._failures.pop(key, None)
        finally:
            del self._running[key]

    async def _build(
        self, stored: StoredRollup, part: Part, new: NewPart, progress: Progress, since: datetime | None
    ) -> None:
        source = await self._prepare(stored)
        async with self._places[stored.data_source]:
            while True:
                store = self._store(stored)
                async with store.building(stored.table, part.label) as mine:
                    table = await store.table(stored.table)
                    check_same(stored, None if table is None else table.definition)
                    built = table.parts.get(part.label) if table is not None else None
                    if built is not None and (
                        built.version == new.version if since is None else built.built_at >= since
                    ):
                        return  # another process was quicker
                    if mine:
                        await self._write(source, stored, part, new, progress)
                        return
                await asyncio.sleep(ELSEWHERE)

    async def _write(
        self, source: DataSource, stored: StoredRollup, part: Part, new: NewPart, progress: Progress
    ) -> None:
        self.counts.running += 1
        progress.writing = True
        try:
            store = self._store(stored)
            built = await store.make(stored, new, statement_of(stored, part))
            if built is None:
                new = replace(new, folded=await self._folded(source, stored))
                built = await store.write(stored, new, self._rows(source, stored, part, progress))
        finally:
            self.counts.running -= 1
        self.counts.built += 1
        self.counts.rows += built.rows
        self.counts.seconds += built.seconds
        log.info(
            "built %s %s %s: %d rows, %.1f s", stored.name, stored.zone, part.label, built.rows, built.seconds
        )
        self._built()

    async def _rows(
        self, source: DataSource, stored: StoredRollup, part: Part, progress: Progress
    ) -> AsyncIterator[Batch]:
        statement = statement_of(stored, part)
        if statement is None:
            return
        rows = source.stream(statement, priority=PRIORITY, seconds=self._timeout)
        async with aclosing(rows) as batches:  # type: ignore[type-var]
            async for batch in batches:
                progress.rows += len(batch)
                _check_compared(stored, batch)
                yield batch

    async def _folded(self, source: DataSource, stored: StoredRollup) -> tuple[str, ...]:
        """The columns in which the source takes different texts for one; asked once for many parts."""
        if stored.folds is None:
            return ()
        now = asyncio.get_running_loop().time()
        key = (source.serial, stored.folds)
        at, known = self._folds.get(key, (-math.inf, ()))
        if now - at >= FOLDS_SECONDS:
            while isinstance(
                found := await source.submit(stored.folds, wait=60.0, priority=PRIORITY), Pending
            ):
                pass
            cells = (pair for row in found.rows for pair in zip(found.columns, row, strict=True))
            known = tuple(name for name, folds in cells if folds)
            self._folds[key] = now, known
        return known

    def _failed(self, stored: StoredRollup, part: Part, error: CuboidError) -> Failure:
        before = self._failures.get((stored.table, part.label))
        pause = FIRST_PAUSE if before is None else min(2 * before.pause, LONGEST_PAUSE)
        what = stored.name if part.bounds is None else f"{stored.name}, part {part.label},"
        kind = NotStored if isinstance(error, NotStored) else QueryFailed
        told = kind(
            f"The pre-aggregation {what} could not be built: {error.message}",
            hint=error.hint or f"It is tried again after {pause:g} s.",
        )
        self.counts.failed += 1
        log.warning("%s", told.message)
        return Failure(told, datetime.now(UTC), pause, asyncio.get_running_loop().time() + pause)


def _check_compared(stored: StoredRollup, batch: Batch) -> None:
    for measure, index in stored.compared:
        if any(isinstance(row[index], str | list | dict) for row in batch):
            raise NotStored(
                f"'{measure}' is the least or greatest of texts, which the store may order otherwise.",
                hint="Declare a dimension of type string with the same sql, or give the measure the type string and an"
                " aggregate as sql: then the rollup serves it for its own groups only.",
            )
