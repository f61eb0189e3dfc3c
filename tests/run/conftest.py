"""A driver made of events, whose statements end when the test says so; coroutine tests; and a clock that jumps."""

from __future__ import annotations

import asyncio
import inspect
import itertools
import selectors
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from cuboid.errors import DriverError, QueryFailed
from cuboid.run.bounded import BoundedQueue
from cuboid.run.driver import Driver, DriverConfig
from cuboid.types import Job, Result, Statement


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Coroutine tests run on a loop of their own, which must be left without tasks or lost errors."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    arguments = {name: pyfuncitem.funcargs[name] for name in names}
    # What happens on events alone needs no real time; threads and servers do.
    jumps = any(isinstance(each, EventDriver) for each in pyfuncitem.funcargs.values())
    with asyncio.Runner(loop_factory=JumpingLoop if jumps else None) as runner:
        runner.run(_left_clean(pyfuncitem.obj(**arguments)))
    return True


class JumpingLoop(asyncio.SelectorEventLoop):
    """Its clock stands still while there is something to do, and jumps to the next timer when there is not: tests of
    timers take no time and know no slow machine."""

    def __init__(self) -> None:
        self._selector_that_jumps = JumpingSelector()
        super().__init__(self._selector_that_jumps)

    def time(self) -> float:
        return self._selector_that_jumps.now


class JumpingSelector(selectors.DefaultSelector):  # type: ignore[misc,valid-type]  # the platform's
    now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready:
            assert timeout is not None, "everybody waits, and for nothing"
            self.now += max(0.0, timeout)
        return ready


async def _left_clean(test: Any) -> None:
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    await test
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert complaints == []


class EventDriver(Driver):
    """Statements run until the test calls ``end`` or ``fail``; an interrupt fails them, unless ``deaf``."""

    name = "events"
    dialect = "events"
    Config = DriverConfig
    queue = BoundedQueue

    def __init__(self, config: DriverConfig | None = None) -> None:
        self.deaf = False
        self.openings = 0
        self.open_failures: list[DriverError] = []
        self.begun: list[str] = []
        self.interrupted: list[str] = []
        self.most_at_once = 0
        self.running: dict[str, asyncio.Future[Result]] = {}
        self._sql: dict[str, str] = {}

    async def open(self) -> None:
        self.openings += 1
        await asyncio.sleep(0.01)
        if self.open_failures:
            raise self.open_failures.pop(0)

    async def close(self) -> None:
        pass

    async def execute(self, job: Job) -> Result:
        self.begun.append(job.statement.sql)
        self._sql[job.id] = job.statement.sql
        self.running[job.id] = asyncio.get_running_loop().create_future()
        self.most_at_once = max(self.most_at_once, len(self.running))
        try:
            return await self.running[job.id]
        finally:
            del self.running[job.id]

    async def interrupt(self, job: Job) -> None:
        self.interrupted.append(job.statement.sql)
        future = self.running.get(job.id)
        if future is not None and not future.done() and not self.deaf:
            future.set_exception(QueryFailed("interrupted"))

    async def reached(self, sql: str) -> None:
        """Once a run of ``sql`` is in the database."""
        async with asyncio.timeout(50):
            while not any(self._sql[id] == sql for id in self.running):  # noqa: ASYNC110 - one loop, short
                await asyncio.sleep(0.001)

    def end(self, sql: str) -> None:
        """The oldest run of ``sql`` returns one row: the SQL and how many times it was begun."""
        row = (sql, self.begun.count(sql))
        self._oldest(sql).set_result(Result(("sql", "run"), [row], datetime.now(UTC)))

    def fail(self, sql: str, error: Exception) -> None:
        self._oldest(sql).set_exception(error)

    def _oldest(self, sql: str) -> asyncio.Future[Result]:
        return next(f for id, f in self.running.items() if self._sql[id] == sql and not f.done())


@pytest.fixture
def driver() -> EventDriver:
    return EventDriver()


@pytest.fixture
def job() -> Callable[..., Job]:
    """Makes jobs whose key is their SQL."""
    ids = itertools.count()

    def make(sql: str, **fields: Any) -> Job:
        return Job(id=f"{sql}#{next(ids)}", key=sql, statement=Statement(sql), **fields)

    return make


@pytest.fixture
def settle() -> Callable[[], Any]:
    """Lets everything that is ready happen."""

    async def settle() -> None:
        for _ in range(20):
            await asyncio.sleep(0)

    return settle
