"""Rollups in the source's own database: the rows never leave it, and keep its types and the order of its texts.

A part is a table that is made by one statement and never changes. Which parts a rollup has is said by the
:class:`~cuboid.run.source_store.ledger.Ledger`; a part is there for readers from the moment in which it names it.
"""

from __future__ import annotations

import asyncio
import logging
import math
import re
import time
import uuid
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime

from cuboid.errors import ConnectionFailed, DriverError, NotStored, QueryFailed, UnsupportedFeature
from cuboid.run.data_source import DataSource
from cuboid.run.driver import Driver
from cuboid.run.source_store.contents import Contents
from cuboid.run.source_store.ledger import STATEMENT_SECONDS, Known, Ledger, build_name
from cuboid.run.store import BuiltPart, BuiltTable, NewPart, RollupStore, SourceStoreSettings
from cuboid.run.stored import StoredRollup
from cuboid.run.streams import Batch
from cuboid.types import Job, Result, Statement

log = logging.getLogger(__name__)

KNOWN_SECONDS = 1.0
"""How old what is known of a table may be; what is replaced stays readable for much longer."""

USED_SECONDS = 60.0
"""How often a table that is read again and again is noted as used."""

LOOK_SECONDS = 5.0
"""How often to look whether another process has made the schema."""

SWEEP_SECONDS = 60.0
"""How often what is no longer needed is dropped, while parts are built: the newest rows of a lambda are made every few
seconds."""


_STORED = re.compile(r'(?P<quote>["`])(?P<table>\w+_[0-9a-f]{12})(?P=quote)(?= AS )')
"""The name of a rollup's table, where FROM has it."""


class SourceStore(RollupStore):
    """The store in one data source.

    :param source: its database; a second driver writes there, as most may only read.
    """

    name = "source"

    def __init__(self, source: DataSource, settings: SourceStoreSettings) -> None:
        self._source = source
        self._settings = settings
        self._writer: Driver | None = None
        dialect = source.dialect
        now = dialect.epoch().sql(dialect=dialect.sqlglot)
        self._ledger = Ledger(settings.schema, self._run, now, dialect.sqlglot, dialect.placeholders)
        self._opening = asyncio.Lock()
        self._opened = self._made = False
        self._looked = self._swept = -math.inf
        self._known: dict[str, tuple[float, Known | None]] = {}
        self._shown: dict[str, tuple[str, ...]] = {}
        self._columns: dict[str, str] = {}
        self._used: dict[str, float] = {}

    @property
    def reader(self) -> Driver:
        return self._source.driver

    async def open(self) -> None:
        """Connects and finds out whether something is stored; the schema is made with the first part."""
        async with self._opening:
            if not self._opened:
                try:
                    self._writer = self._source.driver.writer()
                except UnsupportedFeature as error:
                    raise NotStored(error.message, hint=error.hint) from None
                if self._writer is self._source.driver:
                    await self._source.ping()
                else:
                    await self._writer.open()
                self._opened = True
        await self._tidy()

    async def close(self) -> None:
        writer, self._writer, self._opened = self._writer, None, False
        if writer is not None and writer is not self._source.driver:
            await writer.close()

    async def table(self, name: str) -> BuiltTable | None:
        known = await self._know(name)
        return None if known is None else known.contents.built(name, known.used_at)

    async def tables(self) -> tuple[BuiltTable, ...]:
        found = await self._ledger.all() if await self._is_made() else {}
        tables = (known.contents.built(name, known.used_at) for name, known in found.items())
        return tuple(sorted(tables, key=lambda each: (each.rollup, each.zone, each.name)))

    def read(self, statement: Statement) -> Statement:
        """The statement over what is there, for one that names rollups."""

        def rows(match: re.Match[str]) -> str:
            return self._rows_of(match["table"]) or match.group()

        return replace(statement, sql=_STORED.sub(rows, statement.sql))

    def _rows_of(self, table: str) -> str | None:
        """What is read of a table, as FROM has it, as of the last :meth:`table`; None if there is no such table."""
        builds = self._shown.get(table)
        if builds is None:
            return None
        if not builds:
            return f"(SELECT * FROM {self._columns[table]} WHERE 1 = 0)"
        if len(builds) == 1:
            return self._ledger.named(builds[0])
        return f"({' UNION ALL '.join(f'SELECT * FROM {self._ledger.named(each)}' for each in builds)})"

    @asynccontextmanager
    async def building(self, table: str, label: str) -> AsyncIterator[bool]:
        await self._make()
        holder = uuid.uuid4().hex
        mine = await self._ledger.lease(f"{table}/{label}", holder, self._settings.lease)
        self._known.pop(table, None)
        try:
            yield mine
        finally:
            if mine:
                with suppress(DriverError):  # it runs out
                    await asyncio.shield(self._ledger.release(holder))

    async def make(self, stored: StoredRollup, part: NewPart, statement: Statement | None) -> BuiltPart:
        began, clock = datetime.now(UTC), time.monotonic()
        build = build_name(stored.table, part.label)
        await self._ledger.drop_after([build], self._settings.lease)
        keeping = asyncio.create_task(self._keep_alive(f"{stored.table}/{part.label}", build))
        try:
            await self._run(self._filled(build, stored, statement), self._settings.timeout)
            counted = await self._run(Statement(f"SELECT COUNT(*) FROM {self._ledger.named(build)}"))
            rows, seconds = int(counted.rows[0][0]), time.monotonic() - clock  # type: ignore[arg-type]
            built = BuiltPart(
                part.label, part.version, rows, 0, began, seconds, part.range, part.bounds, part.tail
            )
            known = await self._ledger.change(
                stored.table,
                Contents.of(stored),
                lambda before: before.put(stored, built, build),
                self._settings.replaced_for,
                build,
            )
            await self._ledger.keep(build)
        except BaseException:
            with suppress(DriverError):  # swept later
                await asyncio.shield(self._ledger.drop_after([build], 0))
            raise
        finally:
            keeping.cancel()
        self._show(stored.table, known, time.monotonic())
        await self._tidy()
        return built

    async def write(self, stored: StoredRollup, part: NewPart, batches: AsyncIterator[Batch]) -> BuiltPart:
        raise UnsupportedFeature("Rows of elsewhere are not kept in a source's database.")

    async def used(self, table: str) -> None:
        now = time.monotonic()
        if self._made and now - self._used.get(table, -USED_SECONDS) >= USED_SECONDS:
            self._used[table] = now
            with suppress(QueryFailed):  # somebody else notes it in this moment
                await self._ledger.use(table)

    async def drop_parts(self, table: str, labels: Collection[str]) -> None:
        known = await self._know(table)
        if known is not None and not known.contents.parts.keys().isdisjoint(labels):
            now = datetime.now(UTC)
            changed = await self._ledger.change(
                table,
                known.contents,
                lambda before: before.without(labels, now),
                self._settings.replaced_for,
            )
            self._show(table, changed, time.monotonic())

    async def drop(self, table: str) -> bool:
        if await self._ledger.leased(table):
            return False
        known = await self._ledger.read(table)
        gone = True
        if known is not None:
            await self._ledger.drop_after(known.contents.builds, self._settings.replaced_for)
            gone = await self._ledger.remove(table, known)
        self._known.pop(table, None)
        return gone

    async def sweep(self) -> None:
        if await self._is_made():
            await self._ledger.sweep()

    async def _tidy(self) -> None:
        """Sweeps now and then; an account that may only read leaves that to others."""
        if time.monotonic() - self._swept >= SWEEP_SECONDS:
            self._swept = time.monotonic()
            try:
                await self.sweep()
            except DriverError as error:
                log.warning("data source %s: what is no longer needed stays: %s", self._source.shown, error)

    # ------------------------------------------------------------ what is there

    async def _know(self, name: str) -> Known | None:
        at, known = self._known.get(name, (-KNOWN_SECONDS, None))
        if time.monotonic() - at < KNOWN_SECONDS or not await self._is_made():
            return known
        asked = time.monotonic()
        return self._show(name, await self._ledger.read(name), asked)

    def _show(self, name: str, known: Known | None, at: float) -> Known | None:
        """What there is now, if it is not known how it was after ``at``: an answer may be late."""
        latest, newer = self._known.get(name, (at, known))
        if at < latest:
            return newer
        self._known[name] = (at, known)
        if known is not None and (sample := known.contents.sample) is not None:
            for table, builds in known.contents.shown(name):
                self._shown[table] = builds
                self._columns[table] = self._ledger.named(sample)
        return known

    async def _is_made(self) -> bool:
        """Whether the schema is there, by whichever process."""
        if not self._made and time.monotonic() - self._looked >= LOOK_SECONDS:
            self._looked = time.monotonic()
            self._made = await self._ledger.is_there()
        return self._made

    # ------------------------------------------------------------ what is done

    async def _make(self) -> None:
        """Makes the schema when it is first needed."""
        async with self._opening:
            if not self._made:
                try:
                    await self._ledger.make()
                except DriverError as error:
                    raise QueryFailed(
                        f"Data source '{self._source.shown}': its account may not keep rollups in the schema"
                        f" '{self._settings.schema}': {error.message}",
                        hint="Let it create tables there, or make the schema and give it to the account; or take the"
                        " pre-aggregation out, or its 'external: false'.",
                    ) from None
                self._made = True

    def _filled(self, build: str, stored: StoredRollup, statement: Statement | None) -> Statement:
        rows = self.read(stored.select(None) if statement is None else statement)
        quoted = self._ledger.quoted
        named = ", ".join(
            f"{quoted(given)} AS {quoted(column.name)}"
            for given, column in zip(stored.given, stored.columns, strict=True)
        )
        named = named or "*"
        nothing = " WHERE 1 = 0" if statement is None else ""
        return Statement(
            f"CREATE TABLE {self._ledger.named(build)} AS SELECT {named} FROM ({rows.sql}) AS made{nothing}",
            rows.parameters,
        )

    async def _keep_alive(self, part: str, build: str) -> None:
        """Puts off again and again what is done with the build of a process that is gone."""
        seconds = self._settings.lease
        while True:
            await asyncio.sleep(seconds / 4)
            with suppress(DriverError):
                await self._ledger.prolong(part, seconds)
                await self._ledger.drop_after([build], seconds)

    async def _run(self, statement: Statement, seconds: float = STATEMENT_SECONDS) -> Result:
        if self._writer is None:
            raise ConnectionFailed("The store in the source's database is closed.")
        job = Job(uuid.uuid4().hex, statement.sql, statement, timeout=seconds)
        try:
            async with asyncio.timeout(seconds):
                return await self._writer.execute(job)
        except TimeoutError:
            raise QueryFailed(f"The statement took longer than {seconds:g} s.") from None
