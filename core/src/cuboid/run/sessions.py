"""Drivers for native asyncio clients: a session (a connection, set up) per running statement, idle ones used again.

Who may touch a session, and when:

- One run at a time uses it; ``cancel`` and ``hang_up`` are the exceptions, called while the run waits for the server.
- A session that was ever told to cancel is closed, never used again: some servers deliver a cancel late, and it
  would hit the next statement.
- So is one whose statement was not read to its end, or failed so that it has not ``recovered``.
- Sessions are opened when a statement needs one: how many run at once is the queue's to say.
"""

from __future__ import annotations

import asyncio
import os
import select
import socket
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

from cuboid.errors import ConnectionFailed, CuboidError, QueryFailed
from cuboid.run.cells import Converter
from cuboid.run.clients import ClientDriver, interrupted
from cuboid.run.driver import GRACE_SECONDS, DriverConfig
from cuboid.types import Job, Result, Statement, Value

T = TypeVar("T")

FETCH_ROWS = 5000
"""Rows that are read without a pause for others on the event loop: about 5 ms."""

CANCEL_SECONDS = 3.0
"""How long a statement may ignore that it was cancelled before its connection is broken; less than the queue's
patience, after which a run is given up."""


class AsyncCursor(Protocol):
    """A result that is being read; ``description`` is as in PEP 249, and known at the latest when rows are."""

    @property
    def description(self) -> Any: ...
    def fetchmany(self, size: int, /) -> Awaitable[Sequence[tuple[Any, ...]]]: ...


class RowStream:
    """A cursor over rows that a client library hands out one by one, by an async generator.

    :param rows: begins to read, as many rows at a time as are first fetched.
    :param description: what is known of the columns, when rows are.
    """

    def __init__(
        self, rows: Callable[[int], AsyncGenerator[tuple[Any, ...], None]], description: Callable[[], Any]
    ) -> None:
        self._begin = rows
        self._description = description
        self._rows: AsyncGenerator[tuple[Any, ...], None] | None = None

    @property
    def description(self) -> Any:
        return self._description()

    async def fetchmany(self, size: int, /) -> Sequence[tuple[Any, ...]]:
        if self._rows is None:
            self._rows = self._begin(size)
        batch: list[tuple[Any, ...]] = []
        async for row in self._rows:
            batch.append(row)
            if len(batch) == size:
                break
        return batch

    async def close(self) -> None:
        """Ends the generator. Of a result that is not read to its end the connection is closed before: some libraries
        would read on to what was sent last."""
        if self._rows is not None:
            await self._rows.aclose()


class Session(ABC):
    """A connection that runs one statement at a time. What its methods raise is the client library's own."""

    forgetful = False
    """Settings hold for one statement only, as where a pooler is between: :meth:`limit` is called before each."""
    limited: float | None = None
    """The seconds of the last :meth:`limit`; core sets it."""

    @abstractmethod
    async def limit(self, seconds: float) -> None:
        """Has the server itself end each further statement after ``seconds``, should the queue fail to, which gives it
        a little less. Called before the first statement, and when the time is another one."""

    @abstractmethod
    async def start(self, statement: Statement, *, streaming: bool) -> AsyncCursor:
        """Runs the statement; rows are fetched from the cursor to the last one, or the session is closed before.

        :param streaming: the rows may be too many for memory: no more are read than are fetched.
        """

    async def end(self) -> None:  # noqa: B027 - most have nothing to do
        """After a statement that was read to its end, or failed."""

    def recovered(self) -> bool:
        """Whether the connection is ready for another statement after one failed; if in doubt, it is not."""
        return False

    @abstractmethod
    def fileno(self) -> int:
        """The connection's file descriptor; negative when there is none any more."""

    @property
    @abstractmethod
    def lost(self) -> bool:
        """Whether the connection is gone."""

    @abstractmethod
    async def cancel(self, seconds: float) -> None:
        """Tells the server to stop what runs; returns when it was told, or could not be within ``seconds``. Called
        again while it runs on, also when nothing runs."""

    @abstractmethod
    async def close(self) -> None:
        """Releases the connection without waiting for the server, whatever it is doing."""

    def silent(self) -> bool:
        """Whether there is nothing to read: to an idle connection a server says nothing but that it is closing it."""
        poll = select.poll()
        poll.register(self.fileno(), select.POLLIN)
        return not poll.poll(0)

    def hang_up(self) -> None:
        """Breaks the connection under a statement that ignores its cancel: whoever waits for it gets an error."""
        with suppress(OSError), socket.socket(fileno=os.dup(self.fileno())) as line:
            line.shutdown(socket.SHUT_RDWR)


@dataclass(eq=False, slots=True)
class _Run:
    """One statement, from the wish for a session to its end."""

    job: Job
    waiting: asyncio.Future[Session] | None = None
    session: Session | None = None
    stopped: bool = False
    complete: bool = False
    failed: bool = False
    converters: Mapping[int, Converter] | None = None
    over: asyncio.Event = field(default_factory=asyncio.Event)


class SessionDriver(ClientDriver):
    """A driver over a native asyncio client. A subclass gives :meth:`connect` and :meth:`translate`."""

    def __init__(self, config: DriverConfig) -> None:
        super().__init__(config)
        self._idle: list[Session] = []
        self._runs: dict[str, _Run] = {}
        self._aftermath: set[asyncio.Task[Any]] = set()
        self._closed = False

    # ------------------------------------------------------------ hooks

    @abstractmethod
    async def connect(self) -> Session:
        """A new session. Ends in time by itself: it is cancelled only when :meth:`close` has waited in vain."""

    async def check(self) -> None:
        """Whether the server can do what the driver claims; called on ``open``. Raises :class:`DriverError`."""

    # ------------------------------------------------------------ the contract

    async def open(self) -> None:
        self._closed = False
        try:
            await self.check()
        except QueryFailed as error:
            raise ConnectionFailed(error.message, hint=error.hint) from None

    async def close(self) -> None:
        self._closed = True
        await asyncio.gather(*(self._interrupt(run) for run in list(self._runs.values())))
        deadline = asyncio.get_running_loop().time() + CANCEL_SECONDS
        while self._aftermath and (left := deadline - asyncio.get_running_loop().time()) > 0:
            await asyncio.wait(self._aftermath, timeout=left)
        for task in self._aftermath:
            task.cancel()
        while self._idle:
            await _closed(self._idle.pop())

    async def execute(self, job: Job) -> Result:
        run = self._begin(job)
        # A task of its own, because who asked may be cancelled: the statement is then stopped in the database, and
        # the caller need not wait for that.
        task = self._spawn(self._fetch(run))
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
        async with self._running(run, streaming=True) as cursor:
            while batch := await self._batch(run, cursor, batch_rows):
                yield batch
            run.complete = True

    async def interrupt(self, job: Job) -> None:
        run = self._runs.get(job.id)
        if run is not None:
            await self._interrupt(run)

    # ------------------------------------------------------------ runs

    def _begin(self, job: Job) -> _Run:
        if self._closed:
            raise ConnectionFailed("The data source is closed.")
        run = self._runs[job.id] = _Run(job)
        return run

    async def _fetch(self, run: _Run) -> Result:
        rows: list[tuple[Value, ...]] = []
        async with self._running(run, streaming=False) as cursor:
            while cursor.description and (batch := await self._batch(run, cursor, FETCH_ROWS)):
                rows.extend(batch)
                await asyncio.sleep(0)
            run.complete = True
            columns = tuple(column[0] for column in cursor.description or ())
            return Result(columns, rows, datetime.now(UTC))

    async def _batch(self, run: _Run, cursor: AsyncCursor, size: int) -> Sequence[tuple[Value, ...]]:
        rows = await cursor.fetchmany(size)
        if run.converters is None:
            run.converters = self._converters(cursor.description, run.job.statement)
        return self.convert(rows, run.converters)

    @asynccontextmanager
    async def _running(self, run: _Run, *, streaming: bool) -> AsyncIterator[AsyncCursor]:
        """The run's statement in a session that is ready for it; afterwards it is idle again, or closed."""
        try:
            session = run.session = await self._session(run)
            seconds = run.job.timeout + GRACE_SECONDS
            if (session.forgetful or session.limited != seconds) and not run.stopped:
                await session.limit(seconds)
                session.limited = seconds
            if run.stopped:
                raise interrupted()
            yield await session.start(run.job.statement, streaming=streaming)
        except Exception as error:  # around the plugin's calls: whatever its client library raises
            run.failed = True
            raise self._failed(run, error) from None
        finally:
            await self._end(run)

    async def _session(self, run: _Run) -> Session:
        # Last in, first out: connections that are not needed stay idle and can be closed by the server.
        while self._idle:
            session = self._idle.pop()
            if _fit(session):
                return session
            await _closed(session)
        opening = self._spawn(self.connect())
        run.waiting = asyncio.shield(opening)
        try:
            return await run.waiting
        except asyncio.CancelledError:
            # Not cancelled itself: client libraries leave a connection that is half open to the garbage collector.
            opening.add_done_callback(self._unwanted)
            if run.stopped:
                raise interrupted() from None
            raise
        finally:
            run.waiting = None

    async def _end(self, run: _Run) -> None:
        session, fit = run.session, False
        try:
            if session is not None and not run.stopped:
                if not run.complete and not run.failed:  # left before its end
                    await session.cancel(CANCEL_SECONDS)
                elif not session.lost:
                    await session.end()
                    fit = _fit(session) and (run.complete or session.recovered())
        except Exception:
            fit = False  # the rows are all there; only the session is in doubt
        finally:
            del self._runs[run.job.id]
            if session is not None:
                if fit and not run.stopped and not self._closed:
                    self._idle.append(session)
                else:
                    await _closed(session)
            run.over.set()

    async def _interrupt(self, run: _Run) -> None:
        """Tells the database until the run is over: a cancel that arrives before the statement has begun is forgotten
        by most. A server that does not listen loses the connection."""
        run.stopped = True
        if run.waiting is not None:
            run.waiting.cancel()
        delay = 0.02
        try:
            async with asyncio.timeout(CANCEL_SECONDS):
                while not run.over.is_set():
                    if run.session is not None:
                        with suppress(Exception):  # no answer: it is asked again, and hung up in the end
                            await run.session.cancel(CANCEL_SECONDS)
                    with suppress(TimeoutError):
                        await asyncio.wait_for(run.over.wait(), delay)
                    delay *= 2
        except TimeoutError:
            pass
        finally:
            if run.session is not None and not run.over.is_set():
                run.session.hang_up()

    def _unwanted(self, opening: asyncio.Task[Session]) -> None:
        if not opening.cancelled() and opening.exception() is None:
            self._spawn(_closed(opening.result()))

    def _spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._aftermath.add(task)
        task.add_done_callback(self._seen)
        return task

    def _seen(self, task: asyncio.Task[Any]) -> None:
        self._aftermath.discard(task)
        if not task.cancelled():
            task.exception()  # the asker may be gone

    # ------------------------------------------------------------ errors

    def _failed(self, run: _Run, error: Exception) -> CuboidError:
        if run.stopped:
            return interrupted()
        return self._translated(error, unreachable=run.session is None or run.session.lost)


def _fit(session: Session) -> bool:
    """Whether an idle session can run another statement, as far as is known without asking the server."""
    return not session.lost and session.silent()


async def _closed(session: Session) -> None:
    with suppress(Exception):  # a broken connection may fail to say goodbye
        await session.close()
