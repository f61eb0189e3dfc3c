"""Drivers for native asyncio clients: a session (a connection, set up) per running statement, idle ones used again.

Who may touch a session, and when:

- One run at a time uses it; ``cancel`` and ``hang_up`` are the exceptions, called while the run waits for the server.
- A session that was ever told to cancel is closed, never used again: some servers deliver a cancel late, and it
  would hit the next statement.
- So is one that is not ``fit`` after its statement.
- Sessions are opened when a statement needs one: how many run at once is the queue's to say.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import SecretStr

from cuboid.errors import ConnectionFailed, CuboidError, DriverError, QueryFailed
from cuboid.run.driver import GRACE_SECONDS, Driver, DriverConfig
from cuboid.types import Job, Result, Statement, Value

T = TypeVar("T")

BATCH_ROWS = 5000

CANCEL_SECONDS = 3.0
"""How long a statement may ignore that it was cancelled before its connection is broken; less than the queue's
patience, after which a run is given up."""


class Session(ABC):
    """A connection that runs one statement at a time. What its methods raise is the client library's own."""

    @abstractmethod
    async def begin(self, seconds: float) -> None:
        """Makes ready for a statement that the server itself should end after ``seconds``, should the queue fail to,
        which gives it a little less."""

    @abstractmethod
    async def fetch(self, statement: Statement) -> tuple[tuple[str, ...], Sequence[tuple[Value, ...]]]:
        """The names of the columns and all rows, in semantic types."""

    @abstractmethod
    def batches(self, statement: Statement, batch_rows: int) -> AsyncIterator[Sequence[tuple[Value, ...]]]:
        """The rows in semantic types, ``batch_rows`` at a time, none read before it is asked for.

        An async generator. When it is closed early the session is closed too, at once.
        """

    async def end(self) -> None:  # noqa: B027 - most have nothing to do
        """After a statement that was not stopped, failed or not."""

    @abstractmethod
    def fit(self) -> bool:
        """Whether the session can run another statement, as far as is known without asking the server."""

    @property
    @abstractmethod
    def lost(self) -> bool:
        """Whether the connection is gone."""

    @abstractmethod
    async def cancel(self, seconds: float) -> None:
        """Tells the server to stop what runs; returns when it was told, or could not be within ``seconds``.
        Raises nothing. May be called again, also when nothing runs."""

    @abstractmethod
    def hang_up(self) -> None:
        """Breaks the connection under a statement that ignores its cancel: whoever waits for it gets an error."""

    @abstractmethod
    async def close(self) -> None:
        """Releases the connection without waiting for the server. Raises nothing."""


@dataclass(eq=False, slots=True)
class _Run:
    """One statement, from the wish for a session to its end."""

    job: Job
    waiting: asyncio.Future[Session] | None = None
    session: Session | None = None
    stopped: bool = False
    over: asyncio.Event = field(default_factory=asyncio.Event)


class SessionDriver(Driver):
    """A driver over a native asyncio client. A subclass gives :meth:`connect` and :meth:`translate`."""

    def __init__(self, config: DriverConfig) -> None:
        self.config = config
        self._secrets = tuple(
            value.get_secret_value() for _, value in config if isinstance(value, SecretStr) and str(value)
        )
        self._idle: list[Session] = []
        self._runs: dict[str, _Run] = {}
        self._aftermath: set[asyncio.Task[Any]] = set()
        self._closed = False

    # ------------------------------------------------------------ hooks

    @abstractmethod
    async def connect(self) -> Session:
        """A new session. Ends in time by itself: it is cancelled only when :meth:`close` has waited in vain."""

    @abstractmethod
    def translate(self, error: Exception) -> DriverError:
        """The client library's error as :class:`ConnectionFailed` or :class:`QueryFailed`, in the database's words."""

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
            await self._idle.pop().close()

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
        self, job: Job, batch_rows: int = BATCH_ROWS
    ) -> AsyncIterator[Sequence[tuple[Value, ...]]]:
        run = self._begin(job)
        async with (
            self._running(run) as session,
            aclosing(session.batches(job.statement, batch_rows)) as batches,  # type: ignore[type-var]  # a generator
        ):
            async for batch in batches:
                yield batch

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
        async with self._running(run) as session:
            columns, rows = await session.fetch(run.job.statement)
            return Result(columns, rows, datetime.now(UTC))

    @asynccontextmanager
    async def _running(self, run: _Run) -> AsyncIterator[Session]:
        """A session that is ready for the run's statement; afterwards it is idle again, or closed."""
        try:
            session = run.session = await self._session(run)
            if not run.stopped:
                await session.begin(run.job.timeout + GRACE_SECONDS)
            if run.stopped:
                raise _interrupted()
            yield session
        except Exception as error:  # around the plugin's calls: whatever its client library raises
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
        opening = self._spawn(self.connect())
        run.waiting = asyncio.shield(opening)
        try:
            return await run.waiting
        except asyncio.CancelledError:
            # Not cancelled itself: client libraries leave a connection that is half open to the garbage collector.
            opening.add_done_callback(self._unwanted)
            if run.stopped:
                raise _interrupted() from None
            raise
        finally:
            run.waiting = None

    async def _end(self, run: _Run) -> None:
        session = run.session
        try:
            if session is not None and not run.stopped and not session.lost:
                with suppress(Exception):  # it is not fit, then
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
            self._spawn(opening.result().close())

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
            return _interrupted()
        failed = error if isinstance(error, CuboidError) else self.translate(error)
        if isinstance(failed, QueryFailed) and (run.session is None or run.session.lost):
            failed = ConnectionFailed(failed.message, hint=failed.hint)
        for secret in self._secrets:
            if secret in failed.message:
                failed.message = failed.message.replace(secret, "********")
                failed.args = (failed.message,)
        return failed


def _interrupted() -> QueryFailed:
    return QueryFailed("The statement was interrupted.")
