"""Postgres over psycopg's asyncio client: a connection per running statement, idle ones used again.

Who may touch a connection, and when:

- One run at a time uses a session; ``cancel`` is sent over a connection of its own.
- A session that was ever told to cancel is closed, never used again, so that no cancel can hit the next statement.
- Connections are opened when a statement needs one; how many run at once is the queue's to say. psycopg's own pool
  is not used: it hides why a connection failed behind a ``PoolTimeout``, and keeps waiting, up to minutes, between
  attempts to reach a server that is back already.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

import psycopg

from cuboid.errors import ConnectionFailed, DriverError, QueryFailed
from cuboid.run.driver import Driver, DriverConfig
from cuboid.run.queue import QueryQueue
from cuboid.types import Capability, Job, Result, Statement, TableInfo, Value
from cuboid_postgres import introspect
from cuboid_postgres.cells import semantic
from cuboid_postgres.config import PostgresConfig
from cuboid_postgres.errors import interrupted, translated
from cuboid_postgres.queue import PostgresQueue
from cuboid_postgres.session import Session

FETCH_ROWS = 5000
"""Rows that are read without a pause for others on the event loop: about 5 ms."""

CHUNK_ROWS = 1000
"""Rows that libpq hands out at once while a result streams."""

CANCEL_SECONDS = 3.0
"""How long a statement may ignore that it was cancelled before its connection is broken; less than the queue's
patience, after which a run is given up."""

OWN_LIMIT_SECONDS = 1.0
"""The server's limit comes this much after the queue's, whose word says why the statement was stopped."""

CHECK = "SELECT TIMESTAMPTZ '2024-07-01 00:00:00+00' AT TIME ZONE 'Asia/Kolkata'"


@dataclass(eq=False, slots=True)
class _Run:
    """One statement, from the wish for a connection to its end."""

    job: Job
    opening: asyncio.Task[Session] | None = None
    session: Session | None = None
    stopped: bool = False
    over: asyncio.Event = field(default_factory=asyncio.Event)


class PostgresDriver(Driver):
    """Sessions run in UTC, read only, one transaction a statement."""

    name = "postgres"
    dialect = "postgres"
    Config = PostgresConfig
    queue: ClassVar[type[QueryQueue]] = PostgresQueue
    capabilities: ClassVar[frozenset[Capability]] = frozenset(
        {"stream", "interrupt", "introspect", "exact_decimals", "zones_before_1970"}
    )

    def __init__(self, config: DriverConfig) -> None:
        assert isinstance(config, PostgresConfig)
        self.config = config
        self._idle: list[Session] = []
        self._runs: dict[str, _Run] = {}
        self._aftermath: set[asyncio.Task[Any]] = set()
        self._closed = False

    # ------------------------------------------------------------ the contract

    async def open(self) -> None:
        self._closed = False
        try:
            await self.execute(_job(CHECK))
        except QueryFailed as error:
            raise ConnectionFailed(f"The server has no time zones: {error.message}") from None

    async def close(self) -> None:
        self._closed = True
        await asyncio.gather(*(self._interrupt(run) for run in list(self._runs.values())))
        if self._aftermath:
            await asyncio.wait(self._aftermath, timeout=CANCEL_SECONDS)
        while self._idle:
            await self._idle.pop().close()

    async def execute(self, job: Job) -> Result:
        run = self._begin(job)
        # A task of its own, because who asked may be cancelled: the statement is then stopped in the database, and
        # the caller need not wait for that.
        task = self._spawn(self._run_to_end(run))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if not task.done():
                self._spawn(self._interrupt(run))
            raise

    async def stream(
        self, job: Job, batch_rows: int = FETCH_ROWS
    ) -> AsyncIterator[Sequence[tuple[Value, ...]]]:
        run = self._begin(job)
        async with self._running(run) as session:
            cursor = session.cursor()
            statement = job.statement
            size = min(batch_rows, CHUNK_ROWS)
            async with aclosing(cursor.stream(statement.sql, statement.parameters, size=size)) as rows:  # type: ignore[type-var]
                batch: list[tuple[Any, ...]] = []
                try:
                    async for row in rows:
                        batch.append(row)
                        if len(batch) == batch_rows:
                            yield semantic(batch, cursor.description or ())
                            batch = []
                except GeneratorExit:
                    # The consumer has enough. Closed first, or psycopg would read what the server still sends.
                    run.stopped = True
                    await session.cancel(CANCEL_SECONDS)
                    await session.close()
                    raise
            if batch:
                yield semantic(batch, cursor.description or ())

    async def interrupt(self, job: Job) -> None:
        run = self._runs.get(job.id)
        if run is not None:
            await self._interrupt(run)

    async def introspect(self) -> tuple[TableInfo, ...]:
        columns = await self.execute(_job(introspect.COLUMNS))
        keys = await self.execute(_job(introspect.KEYS))
        return introspect.tables(columns.rows, keys.rows)

    # ------------------------------------------------------------ runs

    def _begin(self, job: Job) -> _Run:
        if self._closed:
            raise ConnectionFailed("The data source is closed.")
        run = self._runs[job.id] = _Run(job)
        return run

    async def _run_to_end(self, run: _Run) -> Result:
        async with self._running(run) as session:
            cursor = session.cursor()
            await cursor.execute(run.job.statement.sql, run.job.statement.parameters)
            columns = cursor.description or ()
            rows: list[tuple[Value, ...]] = []
            while columns and (batch := await cursor.fetchmany(FETCH_ROWS)):
                rows.extend(semantic(batch, columns))
                await asyncio.sleep(0)
            return Result(tuple(column.name for column in columns), rows, datetime.now(UTC))

    @asynccontextmanager
    async def _running(self, run: _Run) -> AsyncIterator[Session]:
        """A session that is ready for the run's statement; afterwards it is idle again, or closed."""
        try:
            session = run.session = await self._session(run)
            await session.begin(run.job.timeout + OWN_LIMIT_SECONDS)
            if run.stopped:
                raise interrupted()
            yield session
        except Exception as error:  # whatever the client library raises
            raise self._failed(run, error) from None
        finally:
            await self._end(run)

    async def _session(self, run: _Run) -> Session:
        # Last in, first out: connections that are not needed stay idle and can be closed by the server.
        while self._idle:
            session = self._idle.pop()
            if session.fit():
                return session
            await session.close()
        parameters, pooled = self.config.parameters(), self.config.transaction_pooling
        run.opening = asyncio.create_task(Session.open(parameters, pooled=pooled))
        try:
            return await run.opening
        except asyncio.CancelledError:
            if run.stopped:
                raise interrupted() from None
            raise
        finally:
            run.opening = None

    async def _end(self, run: _Run) -> None:
        session = run.session
        try:
            if session is not None and not run.stopped:
                with suppress(psycopg.Error):
                    await session.end()
        finally:
            del self._runs[run.job.id]
            if session is not None:
                if session.fit() and not run.stopped and not self._closed:
                    self._idle.append(session)
                else:
                    await session.close()
            run.over.set()

    async def _interrupt(self, run: _Run) -> None:
        """Tells the database until the run is over: a cancel that arrives before the statement is forgotten. A server
        that does not listen loses the connection."""
        run.stopped = True
        if run.opening is not None:
            run.opening.cancel()
        delay = 0.02
        try:
            async with asyncio.timeout(CANCEL_SECONDS):
                while not run.over.is_set():
                    if run.session is not None:
                        await run.session.cancel(CANCEL_SECONDS)
                    with suppress(TimeoutError):
                        await asyncio.wait_for(run.over.wait(), delay)
                    delay *= 2
        except TimeoutError:
            pass
        finally:
            if run.session is not None and not run.over.is_set():
                run.session.hang_up()

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self._aftermath.add(task)
        task.add_done_callback(self._seen)
        return task

    def _seen(self, task: asyncio.Task[Any]) -> None:
        self._aftermath.discard(task)
        if not task.cancelled():
            task.exception()  # the asker may be gone

    # ------------------------------------------------------------ errors

    def _failed(self, run: _Run, error: Exception) -> DriverError:
        if run.stopped:
            return interrupted()
        if run.session is None:
            return translated(error, self.config, connecting=True)
        return translated(error, self.config, connecting=run.session.lost)


def _job(sql: str) -> Job:
    return Job(uuid.uuid4().hex, sql, Statement(sql), timeout=60.0)
