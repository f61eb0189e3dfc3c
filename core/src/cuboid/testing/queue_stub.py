"""The plugin's queue on a driver made of events, where every order of things can be had."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest

from cuboid.errors import ConfigError, QueryCancelled, QueryFailed, QueryTimeout, QueueError, QueueFull
from cuboid.run.queue import QueryQueue, QueueSettings
from cuboid.testing.live import job, on_loop
from cuboid.testing.statements import until
from cuboid.testing.subject import Subject
from cuboid.types import Job, Pending, Result, Statement

LONG = 100.0
"""Seconds that a caller waits for what shall happen."""


class Stub:
    """Statements run until the test ends or fails them, or an interrupt does."""

    name: ClassVar[str] = "stub"

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.interrupted: list[str] = []
        self.most = 0
        self.deaf = False
        self._running: dict[str, tuple[str, asyncio.Future[Result]]] = {}

    async def execute(self, job: Job) -> Result:
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self.begun.append(job.statement.sql)
        self._running[job.id] = (job.statement.sql, future)
        self.most = max(self.most, len(self._running))
        try:
            return await future
        finally:
            del self._running[job.id]

    async def interrupt(self, job: Job) -> None:
        self.interrupted.append(job.statement.sql)
        _, future = self._running.get(job.id, ("", None))
        if future is not None and not future.done() and not self.deaf:
            future.set_exception(QueryFailed("interrupted"))

    def running(self) -> list[str]:
        return [sql for sql, future in self._running.values() if not future.done()]

    def end(self, sql: str, outcome: Exception | None = None) -> None:
        """The oldest run of ``sql`` returns which run of it this was, or fails."""
        future = next(each for name, each in self._running.values() if name == sql and not each.done())
        if outcome is not None:
            future.set_exception(outcome)
        else:
            future.set_result(Result(("run",), [(self.begun.count(sql),)], datetime.now(UTC)))

    async def begins(self) -> None:
        """Once anything runs."""

        async def there() -> bool:
            return bool(self.running())

        await until(there)

    async def reached(self, *sql: str) -> None:
        """Once exactly these run."""

        async def there() -> bool:
            return sorted(self.running()) == sorted(sql)

        await until(there)


class QueueOnStub(Subject):
    """``QueryQueue``: limit, order, sharing, ends."""

    def _queue(self, stub: Stub, **settings: Any) -> QueryQueue:
        return self.driver_class.queue(stub, QueueSettings(**{"limit": 1, "abandon_after": 0.2} | settings))

    def _ask(self, queue: QueryQueue, sql: str, wait: float = LONG, **fields: Any) -> asyncio.Task[Any]:
        asked = job(Statement(sql), key=fields.pop("key", sql), **fields)
        return asyncio.get_running_loop().create_task(queue.submit(asked, wait))

    @on_loop
    async def test_no_more_statements_run_than_the_limit_says(self) -> None:
        for limit in (1, 3):
            stub = Stub()
            queue = self._queue(stub, limit=limit)
            names = [f"q{n}" for n in range(7)]
            asked = [self._ask(queue, name) for name in names]
            for first in range(len(names)):
                await stub.reached(*names[first : first + limit])
                stub.end(names[first])
            await asyncio.gather(*asked)
            assert stub.most == limit
            await queue.close()

    @on_loop
    async def test_the_queues_own_number_is_a_limit(self) -> None:
        stub = Stub()
        queue = self._queue(stub, limit=None)
        asked = [self._ask(queue, f"q{n}") for n in range(200)]
        await stub.begins()
        await asyncio.sleep(0.05)
        assert len(stub.running()) < 200, "the queue has no limit of its own"
        await queue.close()
        await asyncio.gather(*asked, return_exceptions=True)
        assert stub.most < 200

    @on_loop
    async def test_a_limit_below_one_is_refused(self) -> None:
        with pytest.raises(ConfigError):
            self._queue(Stub(), limit=0)

    @on_loop
    async def test_the_most_urgent_is_first_and_equals_in_order(self) -> None:
        stub = Stub()
        queue = self._queue(stub)
        asked = [self._ask(queue, "first")]
        await stub.reached("first")
        for name, priority in (("low", -5), ("a", 10), ("b", 10), ("high", 99)):
            asked.append(self._ask(queue, name, priority=priority))
            await asyncio.sleep(0)
        for name in ("first", "high", "a", "b", "low"):
            await stub.reached(name)
            stub.end(name)
        await asyncio.gather(*asked)
        assert stub.begun == ["first", "high", "a", "b", "low"]
        await queue.close()

    @on_loop
    async def test_owners_of_equal_priority_take_turns(self) -> None:
        stub = Stub()
        queue = self._queue(stub)
        asked = [self._ask(queue, "first")]
        await stub.reached("first")
        for name, owner in (("a1", "a"), ("a2", "a"), ("a3", "a"), ("b1", "b")):
            asked.append(self._ask(queue, name, owner=owner))
            await asyncio.sleep(0)
        for name in ("first", "a1", "b1", "a2", "a3"):
            await stub.reached(name)
            stub.end(name)
        await asyncio.gather(*asked)
        await queue.close()

    @on_loop
    async def test_tenants_take_turns_however_many_owners_they_have(self) -> None:
        stub = Stub()
        queue = self._queue(stub)
        asked = [self._ask(queue, "first")]
        await stub.reached("first")
        for name, tenant, owner in (("x", "A", "a"), ("y", "A", "b"), ("z", "A", "c"), ("q", "B", "d")):
            asked.append(self._ask(queue, name, tenant=tenant, owner=owner))
            await asyncio.sleep(0)
        for name in ("first", "x", "q", "y", "z"):
            await stub.reached(name)
            stub.end(name)
        await asyncio.gather(*asked)
        await queue.close()

    @on_loop
    async def test_only_its_owner_withdraws_a_request(self) -> None:
        stub = Stub()
        queue = self._queue(stub)
        if type(queue).withdraw is QueryQueue.withdraw:
            pytest.skip("this queue does not know whose queries it runs")
        mine = self._ask(queue, "mine", owner="a", request="r")
        await stub.reached("mine")
        for owner, request in (("b", "r"), ("a", "other"), ("a", "")):
            assert await queue.withdraw(owner, request) == []
        [withdrawn] = await queue.withdraw("a", "r")
        assert withdrawn.stopped
        with pytest.raises(QueryCancelled):
            await mine
        await self._stopped(stub, "mine")
        await self._works(stub, queue)

    @on_loop
    async def test_a_priority_out_of_range_is_refused(self) -> None:
        queue = self._queue(Stub())
        for priority in (10_001, -10_001):
            with pytest.raises(QueueError):
                await self._ask(queue, "q", priority=priority)
        await queue.close()

    @on_loop
    async def test_equal_keys_share_one_run_and_its_outcome(self) -> None:
        stub = Stub()
        queue = self._queue(stub, limit=4)
        asked = [self._ask(queue, "same") for _ in range(5)]
        await stub.reached("same")
        asked.append(self._ask(queue, "same"))
        await asyncio.sleep(0.01)
        stub.end("same")
        results = await asyncio.gather(*asked)
        assert [result.rows for result in results] == [[(1,)]] * 6
        again = self._ask(queue, "same")
        await stub.reached("same")
        stub.end("same")
        assert (await again).rows == [(2,)], "an old outcome was given to a new question"
        await queue.close()

    @on_loop
    async def test_an_error_reaches_all_who_asked_and_frees_the_place(self) -> None:
        stub = Stub()
        queue = self._queue(stub)
        asked = [self._ask(queue, "bad") for _ in range(3)]
        after = self._ask(queue, "good")
        await stub.reached("bad")
        stub.end("bad", QueryFailed("no such table"))
        for each in asked:
            with pytest.raises(QueryFailed, match="no such table"):
                await each
        await stub.reached("good")
        stub.end("good")
        assert (await after).rows == [(1,)]
        await queue.close()

    @on_loop
    async def test_who_does_not_wait_is_told_the_stage_and_gets_the_outcome_later(self) -> None:
        stub = Stub()
        queue = self._queue(stub)
        first = await self._ask(queue, "first", wait=0.01)
        assert isinstance(first, Pending)
        assert first.stage == "Executing query"
        second = await self._ask(queue, "second", wait=0.01)
        assert second == Pending("#1 in queue")
        stub.end("first")
        await asyncio.sleep(0.01)
        assert (await self._ask(queue, "first")).rows == [(1,)]
        await queue.close()

    @on_loop
    async def test_a_statement_that_takes_too_long_is_interrupted(self) -> None:
        stub = Stub()
        queue = self._queue(stub)
        with pytest.raises(QueryTimeout):
            await self._ask(queue, "slow", timeout=0.05)
        await self._stopped(stub, "slow")
        await self._works(stub, queue)

    @on_loop
    async def test_cancelling_interrupts_and_tells_who_waits(self) -> None:
        stub = Stub()
        queue = self._queue(stub)
        asked = self._ask(queue, "slow")
        waiting = self._ask(queue, "waiting")
        await stub.reached("slow")
        assert await queue.cancel("waiting")
        with pytest.raises(QueryCancelled):
            await waiting
        assert await queue.cancel("slow")
        with pytest.raises(QueryCancelled):
            await asked
        await self._stopped(stub, "slow")
        assert "waiting" not in stub.begun
        assert not await queue.cancel("unknown")
        await self._works(stub, queue)

    @on_loop
    async def test_asking_again_while_the_old_run_is_stopping_is_a_new_run(self) -> None:
        stub = Stub()
        stub.deaf = True
        queue = self._queue(stub, limit=2, abandon_after=LONG)
        old = self._ask(queue, "same")
        await stub.reached("same")
        assert await queue.cancel("same")
        with pytest.raises(QueryCancelled):
            await old
        new = self._ask(queue, "same")
        await stub.reached("same", "same")
        stub.end("same", QueryFailed("interrupted"))
        await asyncio.sleep(0.01)
        stub.end("same")
        assert (await new).rows == [(2,)]
        await queue.close()

    @on_loop
    async def test_a_caller_that_leaves_stops_a_run_that_nobody_else_wants(self) -> None:
        stub = Stub()
        queue = self._queue(stub)
        first, second = self._ask(queue, "shared"), self._ask(queue, "shared")
        await stub.reached("shared")
        first.cancel()
        await asyncio.sleep(0.02)
        assert stub.interrupted == []
        second.cancel()
        await self._stopped(stub, "shared")
        await self._works(stub, queue)

    @on_loop
    async def test_a_run_that_nobody_polls_any_more_is_interrupted(self) -> None:
        stub = Stub()
        queue = self._queue(stub, orphaned_after=0.3)
        while not stub.running():  # some queues take their time to begin
            assert isinstance(await self._ask(queue, "orphan", wait=0.01), Pending)
        await self._stopped(stub, "orphan")
        await self._works(stub, queue)

    @on_loop
    async def test_a_run_that_ignores_its_interrupt_loses_its_place(self) -> None:
        stub = Stub()
        stub.deaf = True
        queue = self._queue(stub, abandon_after=0.05)
        with pytest.raises(QueryTimeout):
            await self._ask(queue, "deaf", timeout=0.02)
        after = self._ask(queue, "after")
        await stub.reached("deaf", "after")
        stub.end("after")
        assert (await after).rows == [(1,)]
        await queue.close()

    @on_loop
    async def test_too_many_waiting_are_refused(self) -> None:
        stub = Stub()
        queue = self._queue(stub, waiting=2)
        asked = [self._ask(queue, f"q{n}") for n in range(3)]
        await stub.reached("q0")
        with pytest.raises(QueueFull):
            await self._ask(queue, "q3")
        await queue.close()
        await asyncio.gather(*asked, return_exceptions=True)

    @on_loop
    async def test_a_closed_queue_stops_everything_and_takes_no_more(self) -> None:
        stub = Stub()
        queue = self._queue(stub)
        asked = [self._ask(queue, f"q{n}") for n in range(3)]
        await stub.reached("q0")
        await queue.close()
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(each) for each in outcomes] == [QueryCancelled] * 3
        assert stub.running() == []
        with pytest.raises(QueryCancelled):
            await self._ask(queue, "late")

    # ------------------------------------------------------------ what they share

    async def _stopped(self, stub: Stub, sql: str) -> None:
        async def over() -> bool:
            return sql in stub.interrupted and stub.running() == []

        await until(over)

    async def _works(self, stub: Stub, queue: QueryQueue) -> None:
        after = self._ask(queue, "after")
        await stub.reached("after")
        stub.end("after")
        assert (await after).rows == [(1,)]
        await queue.close()
