"""Drivers for PEP 249 modules: a thread and a connection per running statement.

Who may touch a connection, and when:

- A connection lives in a :class:`~cuboid.run.lane.Lane`; only that thread uses it, one statement at a time.
- ``cancel`` is the exception: it is called from another thread, holding the run's lock, while the run is
  live. The lane takes the same lock to end the run, so a run never ends while a cancel for it is in flight.
- A connection that was ever told to cancel is closed, never reused: some servers deliver a cancel late,
  and it would hit the next statement.
- So is one whose statement failed, or was not read to its end.
"""

from __future__ import annotations

import asyncio
import atexit
import threading
from abc import abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, ClassVar, Protocol, TypeVar

from cuboid.errors import ConnectionFailed, CuboidError
from cuboid.run.cells import Converter
from cuboid.run.clients import ClientDriver, interrupted
from cuboid.run.driver import GRACE_SECONDS, DriverConfig
from cuboid.run.lane import Lane, in_thread
from cuboid.types import Capability, Job, Result, Statement, Value

T = TypeVar("T")

Connection = Any
"""What the module's ``connect`` returns; core calls ``close`` and, by default, ``cursor``."""

FETCH_ROWS = 2000
"""Rows per fetch. A fetch builds its rows while it holds the interpreter lock: 5,000 rows are about 7 ms,
200,000 in one call stopped the event loop for 18 to 37 ms."""

CLOSE_SECONDS = 5.0
"""How long ``close`` waits for running statements and for connections to say goodbye."""


class Cursor(Protocol):
    """The part of PEP 249's cursor that core uses."""

    @property
    def description(self) -> Any: ...
    def fetchmany(self, size: int = ..., /) -> list[Any]: ...
    def close(self) -> object: ...


@dataclass(eq=False, slots=True)
class _Run:
    """One statement in its lane. ``live`` and ``told`` change under ``lock`` only."""

    job: Job
    lane: Lane
    lock: threading.Lock = field(default_factory=threading.Lock)
    live: Connection = None
    told: bool = False
    stopped: bool = False
    complete: bool = False
    lost: bool = False
    converters: Mapping[int, Converter] = field(default_factory=dict)
    over: asyncio.Event = field(default_factory=asyncio.Event)


class DBAPIDriver(ClientDriver):
    """A driver over a PEP 249 module.

    A subclass gives :meth:`connect`, :meth:`cancel` and :meth:`translate`; the other hooks have defaults. All
    run in threads, may block, and may raise whatever the module raises: it is translated.
    """

    capabilities: ClassVar[frozenset[Capability]] = frozenset({"stream", "interrupt"})

    def __init__(self, config: DriverConfig) -> None:
        super().__init__(config)
        self._idle: list[Lane] = []
        self._runs: dict[str, _Run] = {}
        self._retiring: set[asyncio.Future[None]] = set()
        self._closed = False

    # ------------------------------------------------------------ hooks

    @abstractmethod
    def connect(self) -> Connection:
        """A new connection, its session set up (UTC, read-only where the engine has it)."""

    @abstractmethod
    def cancel(self, connection: Connection) -> None:
        """Stops what ``connection`` is running; called from another thread, and perhaps again."""

    def check(self, connection: Connection) -> None:
        """Whether the server can do what the driver claims; called on ``open``. Raises."""

    def alive(self, connection: Connection) -> bool:
        """Whether an idle connection can be used again; a driver over a network asks the server."""
        return True

    def limit(self, connection: Connection, seconds: float) -> None:
        """Has the server itself end each further statement of ``connection`` after ``seconds``, should the queue fail
        to, which gives it a little less. Called before the first statement, and when the time is another one."""

    def start(self, connection: Connection, statement: Statement, *, streaming: bool) -> Cursor:
        """Runs the statement; ``streaming`` asks for a cursor that does not fetch everything at once."""
        cursor = connection.cursor()
        cursor.execute(statement.sql, [self.bind(value) for value in statement.parameters])
        return cursor  # type: ignore[no-any-return]

    def bind(self, value: Value) -> Any:
        """A parameter as the module takes it."""
        return value

    def finish(self, cursor: Cursor) -> None:
        """Releases a cursor that was read to its end."""
        cursor.close()

    def release(self) -> None:
        """Lets go of what connections share; called when all are closed, and when the database went away."""

    # ------------------------------------------------------------ the contract

    async def open(self) -> None:
        self._closed = False
        lane = Lane(f"{self.name}-statement")
        try:
            await lane.call(partial(self._open, lane))
        except BaseException:
            self._retire(lane)
            raise
        self._idle.append(lane)
        atexit.register(self._at_exit)

    async def close(self) -> None:
        self._closed = True
        atexit.unregister(self._at_exit)
        while self._idle:
            self._retire(self._idle.pop())
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await asyncio.gather(*map(self._interrupt, list(self._runs.values())), return_exceptions=True)
        if self._retiring:
            await asyncio.wait(self._retiring, timeout=CLOSE_SECONDS)
        await in_thread(f"{self.name}-close", self.release)

    async def execute(self, job: Job) -> Result:
        run = self._begin(job)
        return await self._in_lane(run, partial(self._run_to_end, run), over=partial(self._end, run))

    async def stream(
        self, job: Job, batch_rows: int = FETCH_ROWS
    ) -> AsyncIterator[Sequence[tuple[Value, ...]]]:
        run = self._begin(job)
        cursor: Cursor | None = None
        try:
            cursor = await self._in_lane(run, partial(self._start, run, streaming=True))
            while rows := await self._in_lane(run, partial(self._fetch, run, cursor, batch_rows)):
                yield rows
            run.complete = True
        finally:
            await run.lane.call(partial(self._finish, run, cursor), over=partial(self._end, run))

    async def interrupt(self, job: Job) -> None:
        run = self._runs.get(job.id)
        if run is not None:
            await self._interrupt(run)

    # ------------------------------------------------------------ on the event loop

    def _begin(self, job: Job) -> _Run:
        if self._closed:
            raise ConnectionFailed("The data source is closed.")
        # Last in, first out: connections that are not needed stay idle and can be closed by the server.
        lane = self._idle.pop() if self._idle else Lane(f"{self.name}-statement")
        run = self._runs[job.id] = _Run(job, lane)
        return run

    def _end(self, run: _Run) -> None:
        """The lane is done with ``run``: it goes back, or its connection is closed."""
        del self._runs[run.job.id]
        run.over.set()
        while run.lost and self._idle:  # what one connection found gone, the idle ones have lost too
            self._retire(self._idle.pop())
        if run.complete and not run.told and not self._closed:
            self._idle.append(run.lane)
        else:
            self._retire(run.lane)

    def _retire(self, lane: Lane) -> None:
        future = lane.call(partial(self._close_connection, lane))
        lane.stop()
        self._retiring.add(future)
        future.add_done_callback(self._retiring.discard)

    async def _in_lane(
        self, run: _Run, work: Callable[[], T], *, over: Callable[[], object] | None = None
    ) -> T:
        try:
            return await run.lane.call(work, over=over)
        except asyncio.CancelledError:
            self._abort(run)
            raise

    def _abort(self, run: _Run) -> None:
        """Nobody waits for the statement: tells the database, without waiting for it."""
        run.stopped = True
        in_thread(f"{self.name}-cancel", partial(self._tell, run)).add_done_callback(_retrieve)

    async def _interrupt(self, run: _Run) -> None:
        """Tells the database until the run is over: a cancel that arrives before the statement has begun is
        forgotten by most databases, and nobody can see from outside when it begins."""
        run.stopped = True
        delay = 0.02
        while delay < 3:
            await in_thread(f"{self.name}-cancel", partial(self._tell, run))
            with suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await run.over.wait()
                    return
            delay *= 2

    def _at_exit(self) -> None:
        """A process that ends without ``close``, while statements run: an engine in this process would call
        into a dying interpreter, which aborts (seen with a C++ engine's worker threads)."""
        runs = list(self._runs.values())
        for run in runs:
            run.stopped = True
            with suppress(Exception):
                self._tell(run)
            run.lane.stop()
        for run in runs:
            run.lane.thread.join(timeout=1.0)

    # ------------------------------------------------------------ in threads

    def _tell(self, run: _Run) -> None:
        with run.lock:
            if run.live is not None:
                run.told = True
                try:
                    self.cancel(run.live)
                except Exception as error:
                    raise self._translated(error, unreachable=False) from None

    def _open(self, lane: Lane) -> None:
        lane.connection = self._connect()
        try:
            self.check(lane.connection)
        except Exception as error:
            raise self._translated(error, unreachable=True) from None

    def _connect(self) -> Connection:
        try:
            return self.connect()
        except Exception as error:
            raise self._translated(error, unreachable=True) from None

    def _alive(self, connection: Connection) -> bool:
        try:
            return self.alive(connection)
        except Exception:
            return False  # whatever it says, a new connection will say it better

    def _close_connection(self, lane: Lane) -> None:
        connection, lane.connection, lane.limited = lane.connection, None, None
        if connection is not None:
            with suppress(Exception):  # a broken connection may fail to say goodbye
                connection.close()

    def _run_to_end(self, run: _Run) -> Result:
        cursor = None
        try:
            cursor = self._start(run, streaming=False)
            rows: list[tuple[Value, ...]] = []
            while batch := self._fetch(run, cursor, FETCH_ROWS):
                rows.extend(batch)
            columns = tuple(column[0] for column in cursor.description or ())
            run.complete = True
            return Result(columns, rows, datetime.now(UTC))
        finally:
            self._finish(run, cursor)

    def _start(self, run: _Run, *, streaming: bool) -> Cursor:
        lane = run.lane
        try:
            if lane.connection is not None and not self._alive(lane.connection):
                self._close_connection(lane)
            if lane.connection is None:
                lane.connection = self._connect()
            with run.lock:
                if run.stopped:
                    raise interrupted()
                run.live = lane.connection
            if lane.limited != (seconds := run.job.timeout + GRACE_SECONDS):
                self.limit(lane.connection, seconds)
                lane.limited = seconds
            cursor = self.start(lane.connection, run.job.statement, streaming=streaming)
            run.converters = self._converters(cursor.description, run.job.statement)
            return cursor
        except Exception as error:
            raise self._failed(run, error) from None

    def _fetch(self, run: _Run, cursor: Cursor, rows: int) -> Sequence[tuple[Value, ...]]:
        try:
            if run.stopped:
                raise interrupted()
            return self.convert(cursor.fetchmany(rows), run.converters) if cursor.description else ()
        except Exception as error:
            raise self._failed(run, error) from None

    def _finish(self, run: _Run, cursor: Cursor | None) -> None:
        try:
            if cursor is not None and run.complete:
                self.finish(cursor)
        except Exception:
            run.complete = False  # the rows are all there; only the connection is in doubt
        finally:
            with run.lock:
                run.live = None

    # ------------------------------------------------------------ errors

    def _failed(self, run: _Run, error: Exception) -> CuboidError:
        if run.stopped:
            return interrupted()
        translated = self._translated(error, unreachable=False)
        if isinstance(translated, ConnectionFailed):
            run.lost = True
            self.release()
        return translated


def _retrieve(future: asyncio.Future[Any]) -> None:
    """Marks an error as seen that nobody is left to see."""
    if not future.cancelled():
        future.exception()
