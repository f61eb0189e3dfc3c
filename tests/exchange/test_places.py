"""What a data source may run at once holds over all processes, most urgent first, tenants in turn."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from tests.engines.server import Server
from tests.exchange.conftest import Deployed, Deployment, Process, until, url

import cuboid_duckdb
from cuboid.run.asker import Asker
from cuboid.run.exchange import ExchangeSettings
from cuboid.run.link import Link
from cuboid.run.places import SharedPlaces
from cuboid.run.queue import QueueSettings
from cuboid.testing.live import on_loop
from cuboid.testing.queue_stub import QueueOnStub, Stub
from cuboid.types import Pending, Result, Statement
from cuboid_duckdb.queue import DuckDBQueue
from cuboid_redis.exchange import RedisExchange


def submit(process: Process, number: int, **asker: Any) -> asyncio.Task[Any]:
    """A statement of its own."""
    work = process.source.submit(Statement(f"SELECT {number} AS n"), wait=50, asker=Asker(**asker))
    return asyncio.create_task(work)


async def runs(world: Deployment, count: int) -> None:
    async def there() -> bool:
        return world.driver.running == count

    await until(there)


async def test_all_processes_together_run_no_more_than_the_limit(deployed: Deployed) -> None:
    async with deployed() as world:
        world.limit = 3
        processes = [world.start() for _ in range(3)]
        world.driver.gate.clear()
        asked = [submit(processes[number % 3], number) for number in range(12)]
        await runs(world, 3)
        await asyncio.sleep(0.3)
        assert world.driver.running == 3
        world.driver.gate.set()
        results = await asyncio.gather(*asked)
        assert [each.rows for each in results] == [[(number,)] for number in range(12)]
        assert world.driver.most == 3


async def test_one_process_may_have_all_places(deployed: Deployed) -> None:
    async with deployed() as world:
        one, other = world.start(), world.start()
        await asyncio.gather(submit(other, 1))
        world.driver.gate.clear()
        asked = [submit(one, number) for number in range(6)]
        await runs(world, 4)
        world.driver.gate.set()
        await asyncio.gather(*asked)


async def waits(process: Process, count: int) -> None:
    """Until so many wait in the process, and the exchange knows which is the next of them."""
    queue, exchange = process.source.queue, process.exchange
    places = queue._places  # type: ignore[attr-defined]

    async def there() -> bool:
        known = await exchange._client.hget(exchange._key("turns", places._source), exchange._process)
        told = None if known is None else json.loads(known)
        queued = queue.snapshot().queued  # type: ignore[attr-defined]
        return bool(queued == count and told is not None and told["waiting"] == places._turn.waiting)

    await until(there)


async def order(world: Deployment, asked: list[asyncio.Task[Result]]) -> list[str]:
    """In which order statements were run, one at a time."""
    world.driver.gate.set()
    await asyncio.gather(*asked)
    return [sql.split()[1] for sql in world.driver.seen]


async def test_the_most_urgent_is_first_wherever_it_waits(deployed: Deployed) -> None:
    async with deployed() as world:
        world.limit = 1
        one, other = world.start(), world.start()
        world.driver.gate.clear()
        asked = [submit(one, 0)]
        await runs(world, 1)
        asked += [submit(one, 1, priority=5), submit(one, 2, priority=6)]
        await waits(one, 2)
        asked += [submit(other, 3, priority=20), submit(other, 4, priority=1)]
        await waits(other, 2)
        assert await order(world, asked) == ["0", "3", "2", "1", "4"]


async def test_tenants_take_turns_over_processes(deployed: Deployed) -> None:
    async with deployed() as world:
        world.limit = 1
        one, other = world.start(), world.start()
        world.driver.gate.clear()
        asked = [submit(one, 0, tenant="A")]
        await runs(world, 1)
        asked += [submit(one, number, tenant="A") for number in (1, 2, 3)]
        await waits(one, 3)
        asked += [submit(other, 10, tenant="B")]
        await waits(other, 1)
        assert (await order(world, asked))[:3] == ["0", "10", "1"]


async def test_places_of_a_process_that_is_gone_are_free(deployed: Deployed) -> None:
    async with deployed() as world:
        world.limit = 1
        one, other = world.start(), world.start()
        world.driver.gate.clear()
        stuck = submit(one, 0)
        await runs(world, 1)
        asked = submit(other, 1)
        await waits(other, 1)
        places = one.source.queue._places  # type: ignore[attr-defined]
        for task in (places._keeping, *one.link._tasks):  # as a killed process falls silent
            task.cancel()
        await runs(world, 2)
        world.driver.gate.set()
        assert (await asked).rows == [(1,)]
        await stuck


async def test_each_process_takes_its_part_while_the_exchange_is_away(
    deployed: Deployed, own_server: Callable[[str], Server]
) -> None:
    server = own_server("valkey")
    async with deployed(server) as world:
        one, other = world.start(), world.start()
        await asyncio.gather(submit(one, -1), submit(other, -2))
        await other.link.beat()
        server.kill()
        world.driver.gate.clear()
        asked = [submit(process, number) for number in range(6) for process in (one, other)]
        await runs(world, 4)  # two of four each
        await asyncio.sleep(1.5)
        assert world.driver.running == 4
        server.restart()

        async def back() -> bool:
            return one.link.up and other.link.up

        await until(back)
        await asyncio.sleep(1.5)
        assert world.driver.running == 4
        world.driver.gate.set()
        await asyncio.gather(*asked)
        assert world.driver.most == 4


async def test_a_process_alone_with_an_exchange_away_runs_one_at_least(
    deployed: Deployed, own_server: Callable[[str], Server]
) -> None:
    server = own_server("valkey")
    server.kill()
    async with deployed(server) as world:
        world.limit = 1
        processes = [world.start() for _ in range(2)]
        assert [(await submit(each, 7)).rows for each in processes] == [[(7,)]] * 2


# ------------------------------------------------------------------------------------------------ the kit, once more


class Closing(DuckDBQueue):
    """A queue that hangs up when it is closed."""

    link: Link

    async def close(self) -> None:
        await super().close()
        await self.link.close()


@pytest.mark.engine("valkey")
class TestAQueueThatSharesItsPlaces(QueueOnStub):
    """All that the kit says of queues."""

    plugin = cuboid_duckdb
    driver = "duckdb"

    def _queue(self, stub: Stub, **settings: Any) -> Closing:
        server = self.request.getfixturevalue("valkey_server")
        link = Link(RedisExchange(ExchangeSettings(url(server), uuid.uuid4().hex, "one")))
        options = {"limit": 1, "abandon_after": 0.2} | settings
        queue = Closing(stub, QueueSettings(**options, places=SharedPlaces(link, "stub")))
        queue.link = link
        return queue

    @on_loop
    async def test_who_does_not_wait_is_told_the_stage_and_gets_the_outcome_later(self) -> None:
        """As the kit has it, with time to reach the exchange."""
        stub = Stub()
        queue = self._queue(stub)
        first = await self._ask(queue, "first", wait=2)
        assert isinstance(first, Pending)
        assert first.stage == "Executing query"
        assert await self._ask(queue, "second", wait=0.01) == Pending("#1 in queue")
        stub.end("first")
        await asyncio.sleep(0.01)
        assert (await self._ask(queue, "first")).rows == [(1,)]
        await queue.close()
