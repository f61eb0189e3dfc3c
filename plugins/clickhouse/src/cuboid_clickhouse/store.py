"""Rollups on a ClickHouse server, for when one machine is outgrown: any number of servers and workers use one store.

What a table holds follows from the :class:`~cuboid_clickhouse.store_log.BuildLog`; statements read the rows of the
builds that are there when they are sent.
"""

from __future__ import annotations

import asyncio
import logging
import math
import secrets
import time
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import aclosing, asynccontextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

from cuboid.errors import DriverError, QueryFailed
from cuboid.run.store import BuiltPart, BuiltTable, NewPart, RollupStore, StoreSettings, check_same
from cuboid.run.stored import StoredRollup
from cuboid.run.streams import Batch
from cuboid_clickhouse.config import ClickHouseConfig
from cuboid_clickhouse.store_contents import Build, Shard
from cuboid_clickhouse.store_log import BuildLog
from cuboid_clickhouse.store_reader import StoreReader
from cuboid_clickhouse.store_server import StoreServer
from cuboid_clickhouse.store_writer import PartWriter

log = logging.getLogger(__name__)

T = TypeVar("T")

Fill = Callable[[int], Awaitable[tuple[Shard, ...]]]
"""Makes the rows of the build of that number."""

KNOWN_SECONDS = 1.0
"""How old what is known of a table may be; what is replaced stays readable for much longer."""

USED_SECONDS = 60.0
"""How often a table that is read again and again is noted as used."""

LOOK_SECONDS = 5.0
"""How often to look whether another process has made the store's tables."""

SWEEP_SECONDS = 60.0
"""How often what is no longer needed is removed, while parts are built."""


class ClickHouseStore(RollupStore):
    """The tables in the database of one account."""

    name = "clickhouse"

    def __init__(self, config: ClickHouseConfig, settings: StoreSettings) -> None:
        self._settings = settings
        self._reader = StoreReader(config)
        self._server = StoreServer(config)
        self._log = BuildLog(self._server)
        self._schema: str | None = None
        self._making = asyncio.Lock()
        self._showing = defaultdict[str, asyncio.Lock](asyncio.Lock)
        self._made = False
        self._looked = self._swept = -math.inf
        self._known: dict[str, tuple[float, tuple[object, ...], BuiltTable | None]] = {}
        self._shown: dict[str, tuple[str, ...]] = {}
        self._used: dict[str, float] = {}

    @property
    def reader(self) -> StoreReader:
        return self._reader

    async def open(self) -> None:
        await self._tidy()

    async def close(self) -> None:
        await blocking(self._server.close)

    async def table(self, name: str) -> BuiltTable | None:
        async with self._showing[name]:  # what is shown never goes back to older rows
            at, stamp, built = self._known.get(name, (-math.inf, (), None))
            if time.monotonic() - at < KNOWN_SECONDS or not await self._is_made():
                return built
            now = await blocking(partial(self._log.stamp, name))
            if now != stamp:
                built = await blocking(partial(self._show, name))
            self._known[name] = (time.monotonic(), now, built)  # an older stamp is harmless: it is read again
            return built

    def _show(self, name: str) -> BuiltTable | None:
        contents = self._log.read(name)
        if contents is None:
            return None
        views = dict(contents.views(self._schema))
        for table, rows in views.items():
            self._reader.show(table, rows)
        self._shown[name] = tuple(views)
        return contents.built(self._log.used().get(name, datetime.now(UTC)))

    async def tables(self) -> tuple[BuiltTable, ...]:
        def read() -> list[BuiltTable]:
            used = self._log.used()
            found = (self._log.read(name) for name in self._log.names())
            return [each.built(used.get(each.name, datetime.now(UTC))) for each in found if each is not None]

        built = await blocking(read) if await self._is_made() else []
        return tuple(sorted(built, key=lambda each: (each.rollup, each.zone, each.name)))

    @asynccontextmanager
    async def building(self, table: str, label: str) -> AsyncIterator[bool]:
        await self._make()
        part, holder, seconds = f"{table}/{label}", uuid.uuid4().hex, self._settings.lease
        mine, again = True, self._again(lambda: self._log.prolong(part, holder, seconds))
        try:
            mine = await blocking(lambda: self._log.lease(part, holder, seconds))
            self._known.pop(table, None)
            yield mine
        finally:
            again.cancel()
            if mine:
                with suppress(DriverError):  # it runs out
                    await blocking(lambda: self._log.prolong(part, holder, 0))

    async def write(self, stored: StoredRollup, part: NewPart, batches: AsyncIterator[Batch]) -> BuiltPart:
        async def fill(number: int) -> tuple[Shard, ...]:
            writer = PartWriter(self._server, stored, number)
            async with aclosing(batches) as rows:  # type: ignore[type-var]
                async for batch in rows:
                    await blocking(partial(writer.add, batch))
            await blocking(writer.finish)
            return writer.shards

        return await self._build(stored, part, fill)

    async def _build(self, stored: StoredRollup, part: NewPart, fill: Fill) -> BuiltPart:
        """Has the rows of a new build made, and publishes it."""
        await self._make()
        began, clock = datetime.now(UTC), time.monotonic()
        number = secrets.randbits(48)
        await blocking(lambda: self._log.begin(stored.table, part.label, number))
        again = self._again(lambda: self._log.live(number))
        try:
            shards = await fill(number)
            size = await blocking(lambda: self._log.bytes_of(number))
            seconds = time.monotonic() - clock
            built = BuiltPart(
                part.label,
                part.version,
                sum(shard.rows for shard in shards),
                size,
                began,
                seconds,
                part.range,
                part.bounds,
                part.tail,
                part.folded,
            )
            told = (stored.name, stored.zone, stored.definition, stored.columns)
            await blocking(lambda: self._publish(stored, Build(number, *told, built, shards)))
        except BaseException:
            with suppress(DriverError):  # swept later
                await blocking(lambda: self._log.leave([number]))
            raise
        finally:
            again.cancel()
        self._known.pop(stored.table, None)
        await self._tidy()
        return built

    def _publish(self, stored: StoredRollup, build: Build) -> None:
        self._check(stored)
        self._log.publish(build)
        self._check(stored)  # in case another rollup of that name has done so at the same moment

    def _check(self, stored: StoredRollup) -> None:
        contents = self._log.read(stored.table)
        check_same(stored, None if contents is None else contents.definition)

    async def used(self, table: str) -> None:
        now = time.monotonic()
        if now - self._used.get(table, -USED_SECONDS) >= USED_SECONDS and await self._is_made():
            self._used[table] = now
            with suppress(QueryFailed):  # whoever may only read leaves that to others
                await blocking(lambda: self._log.use(table))

    async def drop_parts(self, table: str, labels: Collection[str]) -> None:
        def drop() -> None:
            contents = self._log.read(table)
            builds = () if contents is None else contents.builds
            self._log.drop(build.number for build in builds if build.part.label in labels)

        if await self._is_made():
            await blocking(drop)
            self._known.pop(table, None)

    async def drop(self, table: str) -> bool:
        if not await self._is_made():
            return True
        if await blocking(lambda: self._log.leased(table)):
            return False
        await blocking(lambda: self._log.forget(table))
        self._known.pop(table, None)
        self._reader.hide(self._shown.pop(table, ()))
        return True

    async def sweep(self) -> None:
        if await self._is_made():
            await blocking(lambda: self._log.sweep(self._settings.replaced_for, self._settings.lease))

    async def _tidy(self) -> None:
        """Sweeps now and then; an account that may only read leaves that to others."""
        if time.monotonic() - self._swept >= SWEEP_SECONDS:
            self._swept = time.monotonic()
            try:
                await self.sweep()
            except QueryFailed as error:
                log.warning("the rollup store: what is no longer needed stays: %s", error)

    async def _is_made(self) -> bool:
        """Whether the store's tables are there, by whichever process."""
        if not self._made and time.monotonic() - self._looked >= LOOK_SECONDS:
            self._looked = time.monotonic()
            self._made = await blocking(self._is_there)
        return self._made

    async def _make(self) -> None:
        """Makes them when they are first needed."""
        async with self._making:
            if not self._made:
                try:
                    await blocking(self._make_all)
                except QueryFailed as error:
                    raise QueryFailed(
                        f"The rollup store: its account may not keep rollups in its database: {error.message}",
                        hint="Let it read system.tables and system.parts, and in its database CREATE TABLE, DROP TABLE,"
                        " SELECT, INSERT, ALTER and DELETE.",
                    ) from None
                self._made = True

    def _is_there(self) -> bool:
        return self._log.is_there()

    def _make_all(self) -> None:
        self._log.make()

    def _again(self, work: Callable[[], None]) -> asyncio.Task[None]:
        """Does it again and again, so that nobody takes this process for dead; to be cancelled."""

        async def go() -> None:
            while True:
                await asyncio.sleep(self._settings.lease / 4)
                with suppress(DriverError):
                    await blocking(work)

        return asyncio.create_task(go())


async def blocking(work: Callable[[], T]) -> T:
    """``work`` in a thread, which is waited for even if the caller is cancelled: it may be half done."""
    task = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise
