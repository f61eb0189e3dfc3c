"""One process finds an answer out, the others wait for it; whoever gives up leaves it to them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from tests.engines.server import Server
from tests.exchange.conftest import TOTAL, Deployed, Deployment, Process, until

from cuboid.catalog.compile import compile_catalog
from cuboid.catalog.files import ModelFile
from cuboid.errors import CuboidError, QueryCancelled
from cuboid.request import RequestContext
from cuboid.types import Pending, Principal

PERSONAL = """
cubes:
  - name: sales
    sql_table: sales
    refresh_key: {sql: "SELECT 1 WHERE {SECURITY_CONTEXT.tenant.filter('tenant')}"}
    measures: [{name: total, type: sum, sql: amount}]
    dimensions: [{name: id, sql: id, type: number, primary_key: true}]
"""


def ask(process: Process, **options: Any) -> asyncio.Task[Any]:
    return asyncio.create_task(process.load(TOTAL, **options))


async def runs(world: Deployment, count: int = 1) -> None:
    """Until so many statements run, which wait at the gate."""

    async def there() -> bool:
        return world.driver.running == count

    await until(there)


async def follows(process: Process) -> None:
    """Until the process waits for another."""

    async def there() -> bool:
        return any(topic.startswith("released ") for topic in process.link._hearers)

    await until(there)


async def led(world: Deployment) -> tuple[asyncio.Task[Any], asyncio.Task[Any], Process, Process]:
    """A process that runs a statement, held at the gate, and one that waits for it."""
    one, other = world.start(), world.start()
    world.driver.gate.clear()
    first = ask(one)
    await runs(world)
    second = ask(other)
    await follows(other)
    return first, second, one, other


@pytest.mark.parametrize("mode", [None, "no-cache", "must-revalidate"])
async def test_many_who_ask_many_processes_cost_one_statement(deployed: Deployed, mode: str | None) -> None:
    async with deployed() as world:
        one, other = world.start(), world.start()
        world.driver.gate.clear()
        asked = [ask(process, cache=mode) for process in (one, other) for _ in range(10)]
        await runs(world)
        await until(lambda: all_wait(world, 10))
        world.driver.gate.set()
        answers = await asyncio.gather(*asked)
        assert [each["data"] for each in answers] == [[{"sales.total": "30"}]] * 20
        assert world.driver.count() == 1


async def all_wait(world: Deployment, each: int) -> bool:
    """Whether so many wait for a statement in one process, and one more for those who follow; and so many follow in
    the other."""
    running = [
        sum(len(run.callers) for run in process.source.queue._runs.values())  # type: ignore[attr-defined]
        for process in world.processes
    ]
    following = [
        sum(len(heard) for topic, heard in process.link._hearers.items() if topic.startswith("released "))
        for process in world.processes
    ]
    return sorted(running) == [0, each + 1] and sorted(following) == [0, each]


async def test_an_answer_that_is_not_kept_is_passed_to_those_who_wait(deployed: Deployed) -> None:
    catalog = compile_catalog([ModelFile("model.yml", PERSONAL)])
    assert not catalog.errors
    async with deployed() as world:
        one, other = world.start(catalog=catalog), world.start(catalog=catalog)
        world.driver.gate.clear()
        first = ask(one)
        await runs(world)
        second = ask(other)
        await follows(other)
        await until(lambda: is_wanted(one))
        world.driver.gate.set()
        assert (await first)["data"] == (await second)["data"] == [{"sales.total": "30"}]
        assert world.driver.count() == 1
        await one.total()
        assert world.driver.count() == 2


async def is_wanted(process: Process) -> bool:
    shared = process.service._answers._shared
    assert shared is not None
    return any(lead.wanted for lead in shared.claims._leads.values())


async def test_no_cache_is_told_no_answer_from_before(deployed: Deployed) -> None:
    async with deployed() as world:
        one, other = world.start(), world.start()
        await one.total()
        await world.write("INSERT INTO sales VALUES (3, 'a', 'south', 5)")
        assert await other.total("no-cache") == 35


async def test_who_is_told_to_come_back_gets_the_answer_from_whichever_process(deployed: Deployed) -> None:
    async with deployed() as world:
        one = world.start(continue_wait=0.1)
        other = world.start(continue_wait=0.1)
        world.driver.gate.clear()
        assert isinstance(await one.load(), Pending)
        assert isinstance(await other.load(), Pending)
        world.driver.gate.set()

        async def answered() -> bool:
            return not isinstance(await other.load(), Pending)

        await until(answered)
        assert world.driver.count() == 1


async def test_a_run_that_others_wait_for_goes_on_when_its_own_caller_leaves(deployed: Deployed) -> None:
    async with deployed() as world:
        first, second, one, _ = await led(world)
        await until(lambda: is_wanted(one))
        first.cancel()
        await asyncio.sleep(0.1)
        world.driver.gate.set()
        assert (await second)["data"] == [{"sales.total": "30"}]
        assert world.driver.count() == 1


async def test_a_run_that_nobody_waits_for_anywhere_is_stopped(deployed: Deployed) -> None:
    async with deployed() as world:
        first, second, one, _ = await led(world)
        await until(lambda: is_wanted(one))
        first.cancel()
        second.cancel()
        await runs(world, 0)


async def test_a_request_is_cancelled_at_whichever_process(deployed: Deployed) -> None:
    async with deployed() as world:
        one, other = world.start(), world.start()
        context = RequestContext(Principal({"user": 1}), poll_id="mine")
        stranger = RequestContext(Principal({"user": 2}), poll_id="mine")
        world.driver.gate.clear()
        first = asyncio.create_task(one.service.load(TOTAL, context))
        await runs(world)
        second = asyncio.create_task(other.service.load(TOTAL, context))
        await follows(other)
        await until(lambda: is_wanted(one))
        await other.service.cancel("mine", stranger)
        await asyncio.sleep(0.2)
        assert not first.done()
        assert not second.done()
        await other.service.cancel("mine", context)
        for each in (first, second):
            with pytest.raises(QueryCancelled):
                await each
        await runs(world, 0)


async def test_an_error_is_told_to_all(deployed: Deployed) -> None:
    async with deployed() as world:
        first, second, *_ = await led(world)
        await world.write("DROP TABLE sales")
        world.driver.gate.set()
        for each in (first, second):
            with pytest.raises(CuboidError, match="sales"):
                await each


async def test_another_takes_over_what_a_process_gave_up(deployed: Deployed) -> None:
    async with deployed() as world:
        first, second, one, _ = await led(world)
        await one.service.close()
        with pytest.raises(CuboidError):
            await first
        world.driver.gate.set()
        assert (await second)["data"] == [{"sales.total": "30"}]


async def test_nobody_waits_for_ever_for_a_process_that_lost_the_exchange(
    deployed: Deployed, own_server: Callable[[str], Server]
) -> None:
    server = own_server("valkey")
    async with deployed(server) as world:
        first, second, *_ = await led(world)
        server.kill()
        await runs(world, 2)  # each for itself
        world.driver.gate.set()
        assert (await first)["data"] == (await second)["data"] == [{"sales.total": "30"}]


async def test_a_claim_is_left_by_whoever_is_cancelled_at_any_step(deployed: Deployed) -> None:
    async with deployed() as world:
        one, other = world.start(), world.start()
        world.driver.gate.clear()
        for steps in range(60):
            asked = ask(one)
            for _ in range(steps):
                await asyncio.sleep(0.0001)
            asked.cancel()
            await asyncio.wait({asked})
            assert asked.cancelled()
        shared = one.service._answers._shared
        assert shared is not None
        assert [lead.askers for lead in shared.claims._leads.values() if lead.askers] == []
        world.driver.gate.set()
        assert await other.total() == 30
