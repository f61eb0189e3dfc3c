"""The plugin's queue with its driver: what is stopped stops in the database."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

import pytest

from cuboid.errors import QueryCancelled, QueryTimeout
from cuboid.run.queue import QueryQueue, QueueSettings, Runs
from cuboid.testing.live import Open, job, live
from cuboid.testing.queue_stub import LONG
from cuboid.testing.statements import Statements, until
from cuboid.types import Job, Pending, Result, Statement


class Counted:
    """The real driver, and how many of its statements run at once."""

    name: ClassVar[str] = "counted"

    def __init__(self, runs: Runs) -> None:
        self._runs = runs
        self.now = self.most = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runs, name)

    async def execute(self, job: Job) -> Result:
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            return await self._runs.execute(job)
        finally:
            self.now -= 1

    async def interrupt(self, job: Job) -> None:
        await self._runs.interrupt(job)


class QueueLive(Statements):
    """``QueryQueue`` on the real driver."""

    @live
    async def test_the_database_gets_no_more_statements_than_the_limit(self, source: Open) -> None:
        counted = Counted(source.driver)
        queue = source.driver.queue(counted, QueueSettings(limit=2))
        asked = [self._slow(queue, f"slow {n}") for n in range(4)]

        async def full() -> bool:
            return counted.now == 2

        await until(full)
        await asyncio.sleep(0.1)
        assert counted.most == 2
        await queue.close()
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(each) for each in outcomes] == [QueryCancelled] * 4
        await self._idle(source, counted)

    @pytest.mark.parametrize("how", ["timeout", "cancel", "orphan", "leave", "close"])
    @live
    async def test_every_way_to_stop_a_run_stops_it_in_the_database(self, source: Open, how: str) -> None:
        counted = Counted(source.driver)
        queue = source.driver.queue(counted, QueueSettings(limit=1, orphaned_after=0.1, abandon_after=10))
        asked = self._slow(
            queue, "slow", wait=0.1 if how == "orphan" else LONG, timeout=0.3 if how == "timeout" else 600.0
        )
        if how in ("cancel", "leave", "close"):

            async def begun() -> bool:
                return counted.now == 1

            await until(begun)
            await asyncio.sleep(0.2)  # so that it has reached the database
        match how:
            case "timeout":
                with pytest.raises(QueryTimeout):
                    await asked
            case "cancel":
                assert await queue.cancel("slow")
                with pytest.raises(QueryCancelled):
                    await asked
            case "orphan":
                assert isinstance(await asked, Pending)
            case "leave":
                asked.cancel()
            case _:
                await queue.close()
                with pytest.raises(QueryCancelled):
                    await asked
        await self._idle(source, counted)
        assert await source.one() == 1
        await queue.close()

    @live
    async def test_ten_callers_of_one_question_are_one_run(self, source: Open) -> None:
        counted = Counted(source.driver)
        queue = source.driver.queue(counted, QueueSettings())
        statement = Statement("SELECT 7 AS seven")
        asked = [queue.submit(job(statement), LONG) for _ in range(10)]
        results = await asyncio.gather(*asked)
        assert all(isinstance(each, Result) and list(each.rows) == [(7,)] for each in results)
        assert counted.most == 1
        await queue.close()

    @live
    async def test_cancelling_and_asking_again_runs_again(self, source: Open) -> None:
        queue = source.driver.queue(source.driver, QueueSettings(limit=3))
        for _ in range(3):
            asked = self._slow(queue, "slow")
            await asyncio.sleep(0.05)
            assert await queue.cancel("slow")
            again = self._slow(queue, "slow", wait=0)
            with pytest.raises(QueryCancelled):
                await asked
            assert isinstance(await again, Pending)
            assert await queue.cancel("slow")
        await queue.close()
        assert await source.one() == 1

    # ------------------------------------------------------------ what they share

    def _slow(self, queue: QueryQueue, key: str, wait: float = LONG, **fields: Any) -> asyncio.Task[Any]:
        asked = job(self.slow_statement(), key=key, **fields)
        return asyncio.get_running_loop().create_task(queue.submit(asked, wait))

    async def _idle(self, source: Open, counted: Counted) -> None:
        """Once the driver's calls have ended, and on the server, where one can see it, the statements."""

        async def none_left() -> bool:
            return counted.now == 0

        await until(none_left)
        await self.gone(source)
