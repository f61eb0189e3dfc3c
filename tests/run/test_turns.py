"""Owners in the bounded queue: whose turn it is, who may cancel, and how much of the list one may fill."""

from __future__ import annotations

import asyncio

import pytest

from cuboid.errors import QueryCancelled, QueueFull
from cuboid.run.bounded import BoundedQueue, QueueSnapshot
from cuboid.run.queue import QueueSettings
from cuboid.types import Pending, Result

LONG = 50.0


def queue_of(driver, **settings):
    return BoundedQueue(driver, QueueSettings(**{"limit": 1} | settings))


def asking(queue, job, wait=LONG):
    return asyncio.ensure_future(queue.submit(job, wait))


async def served(driver, settle, count):
    """The order in which ``count`` statements are run when each ends as soon as it has begun."""
    for _ in range(count):
        await settle()
        driver.end(driver.begun[-1])
    await settle()
    return driver.begun


# ---------------------------------------------------------------- turns


async def test_owners_of_equal_priority_take_turns(driver, job, settle):
    queue = queue_of(driver)
    callers = [asking(queue, job("first"))]
    await settle()
    for owner, number in (("a", 4), ("b", 2), ("c", 1)):
        callers += [asking(queue, job(f"{owner}{n}", owner=owner)) for n in range(number)]
        await settle()
    assert await served(driver, settle, 8) == ["first", "a0", "b0", "c0", "a1", "b1", "a2", "a3"]
    await asyncio.gather(*callers)


async def test_who_comes_later_waits_for_one_run_of_each_other_owner(driver, job, settle):
    queue = queue_of(driver)
    callers = [asking(queue, job(f"a{n}", owner="a")) for n in range(5)]
    await settle()
    driver.end("a0")
    await settle()
    driver.end("a1")
    await settle()
    callers += [asking(queue, job(f"b{n}", owner="b")) for n in range(2)]
    await settle()
    assert driver.begun == ["a0", "a1", "a2"]
    assert (await served(driver, settle, 5))[3:] == ["a3", "b0", "a4", "b1"]
    await asyncio.gather(*callers)


async def test_turns_are_taken_within_a_priority(driver, job, settle):
    queue = queue_of(driver)
    callers = [asking(queue, job("first"))]
    await settle()
    for name, owner, priority in (
        ("a-low", "a", 0),
        ("b-low", "b", 0),
        ("a1", "a", 10),
        ("a2", "a", 10),
        ("b1", "b", 10),
    ):
        callers.append(asking(queue, job(name, owner=owner, priority=priority)))
        await settle()
    assert await served(driver, settle, 6) == ["first", "a1", "b1", "a2", "a-low", "b-low"]
    await asyncio.gather(*callers)


async def test_a_shared_run_comes_at_the_earliest_turn_of_its_callers(driver, job, settle):
    queue = queue_of(driver)
    callers = [asking(queue, job("first"))]
    await settle()
    callers += [asking(queue, job(f"a{n}", owner="a")) for n in range(4)]
    await settle()
    callers.append(asking(queue, job("a3", owner="b")))
    await settle()
    # In the first round, in which a0 is older; it has cost b this turn.
    callers.append(asking(queue, job("b1", owner="b")))
    await settle()
    assert await served(driver, settle, 6) == ["first", "a0", "a3", "a1", "b1", "a2"]
    await asyncio.gather(*callers)


async def test_without_owners_the_oldest_is_first(driver, job, settle):
    queue = queue_of(driver)
    callers = [asking(queue, job(f"q{n}")) for n in range(5)]
    assert await served(driver, settle, 5) == [f"q{n}" for n in range(5)]
    await asyncio.gather(*callers)


async def test_a_queue_that_was_empty_remembers_nobody(driver, job, settle):
    queue = queue_of(driver)
    callers = [asking(queue, job(f"a{n}", owner="a")) for n in range(3)]
    await served(driver, settle, 3)
    callers += [asking(queue, job(name, owner=name[0])) for name in ("a9", "b9")]
    assert (await served(driver, settle, 2))[3:] == ["a9", "b9"]
    await asyncio.gather(*callers)


# ---------------------------------------------------------------- tenants


async def test_tenants_take_turns_and_in_a_tenant_its_owners(driver, job, settle):
    queue = queue_of(driver)
    callers = [asking(queue, job("first"))]
    await settle()
    for name in ("A.a1", "A.a2", "A.a3", "A.b1", "A.c1", "B.d1", "B.d2", "C.e1"):
        tenant, owner = name[0], name[2]
        callers.append(asking(queue, job(name, owner=owner, tenant=tenant)))
        await settle()
    # Of A: a1, b1, c1, a2, a3.
    order = ["A.a1", "B.d1", "C.e1", "A.b1", "B.d2", "A.c1", "A.a2", "A.a3"]
    assert await served(driver, settle, 9) == ["first", *order]
    await asyncio.gather(*callers)


async def test_a_tenant_that_comes_later_waits_for_one_run_of_each_other(driver, job, settle):
    queue = queue_of(driver)
    callers = [asking(queue, job(f"a{n}", owner=f"o{n}", tenant="A")) for n in range(6)]
    await settle()
    for name in ("a0", "a1"):
        driver.end(name)
        await settle()
    callers += [asking(queue, job(f"b{n}", owner="b", tenant="B")) for n in range(2)]
    await settle()
    assert (await served(driver, settle, 6))[3:] == ["a3", "b0", "a4", "b1", "a5"]
    await asyncio.gather(*callers)


async def test_the_same_name_in_two_tenants_is_two_owners(driver, job, settle):
    queue = queue_of(driver)
    callers = [asking(queue, job("first"))]
    await settle()
    for name in ("A1", "A2", "B1"):
        callers.append(asking(queue, job(name, owner="same", tenant=name[0])))
        await settle()
    assert await served(driver, settle, 4) == ["first", "A1", "B1", "A2"]
    await asyncio.gather(*callers)


async def test_a_run_that_two_tenants_share_comes_at_the_earlier_turn(driver, job, settle):
    queue = queue_of(driver)
    callers = [asking(queue, job("first"))]
    await settle()
    callers += [asking(queue, job(f"a{n}", owner="a", tenant="A")) for n in range(4)]
    await settle()
    callers.append(asking(queue, job("a3", owner="b", tenant="B")))
    await settle()
    assert await queue.submit(job("a1", owner="a", tenant="A"), 0) == Pending("#3 in queue")
    assert await served(driver, settle, 5) == ["first", "a0", "a3", "a1", "a2"]
    await asyncio.gather(*callers)


async def test_positions_are_the_order_in_which_runs_are_served(driver, job, settle):
    queue = queue_of(driver)
    callers = [asking(queue, job("first"))]
    await settle()
    names = ["A.a1", "A.a2", "A.b1", "B.c1", "B.c2", "C.d1", "C.e1", "C.d2", "A.low"]
    for name in names:
        priority = 0 if name == "A.low" else 10
        callers.append(asking(queue, job(name, owner=name[2], tenant=name[0], priority=priority)))
        await settle()
    told = {}
    for name in names:
        priority = 0 if name == "A.low" else 10
        pending = await queue.submit(job(name, owner=name[2], tenant=name[0], priority=priority), 0)
        told[pending.position] = name
    assert await served(driver, settle, 10) == ["first", *(told[place] for place in range(1, 10))]
    await asyncio.gather(*callers)


async def test_one_tenant_cannot_fill_the_list_alone(driver, job, settle):
    queue = queue_of(driver, waiting=4)
    callers = [asking(queue, job(f"a{n}", owner=f"o{n}", tenant="A")) for n in range(3)]
    await settle()
    with pytest.raises(QueueFull, match=r"Too many of your queries are waiting for the database \(2\)"):
        await queue.submit(job("a3", owner="o9", tenant="A"), 0)
    callers.append(asking(queue, job("b0", owner="b", tenant="B")))
    await served(driver, settle, 4)
    await asyncio.gather(*callers)


# ---------------------------------------------------------------- streams


async def test_streams_have_half_of_the_places_and_others_go_past_them(driver, job, settle):
    queue = queue_of(driver, limit=4)
    streams = [asking(queue, job(f"s{n}", stream=True, priority=20)) for n in range(4)]
    others = [asking(queue, job(f"q{n}")) for n in range(3)]
    await settle()
    assert driver.begun == ["s0", "s1", "q0", "q1"]
    driver.end("q0")
    await settle()
    assert driver.begun[4:] == ["q2"]
    driver.end("q1")
    await settle()
    assert queue.snapshot().running == 3, "a place is left for who is not a stream"
    driver.end("s0")
    await settle()
    assert driver.begun[5:] == ["s2"]
    for name in ("s1", "q2", "s2"):
        driver.end(name)
        await settle()
    driver.end("s3")
    await asyncio.gather(*streams, *others)


@pytest.mark.parametrize(("limit", "setting", "most"), [(1, None, 1), (2, None, 1), (5, None, 2), (3, 3, 3)])
async def test_so_many_streams_run_at_once(driver, job, settle, limit, setting, most):
    queue = queue_of(driver, limit=limit, streams=setting)
    streams = [asking(queue, job(f"s{n}", stream=True)) for n in range(6)]
    await settle()
    assert len(driver.begun) == most
    await queue.close()
    await asyncio.gather(*streams, return_exceptions=True)


# ---------------------------------------------------------------- room


async def test_one_owner_cannot_fill_the_list_alone(driver, job, settle):
    queue = queue_of(driver, waiting=4)
    callers = [asking(queue, job(f"a{n}", owner="a")) for n in range(3)]
    await settle()
    assert queue.snapshot() == QueueSnapshot(running=1, queued=2, abandoned=0, kept=0)
    with pytest.raises(QueueFull, match=r"Too many of your queries are waiting for the database \(2\)"):
        await queue.submit(job("a3", owner="a"), 0)
    callers += [asking(queue, job(f"b{n}", owner="b")) for n in range(2)]
    await settle()
    with pytest.raises(QueueFull, match=r"Too many queries are waiting for the database \(4\)"):
        await queue.submit(job("c0", owner="c"), 0)
    joined = asking(queue, job("a1", owner="a"))  # asks for no place of its own
    await served(driver, settle, 5)
    await asyncio.gather(*callers, joined)


# ---------------------------------------------------------------- withdrawing


async def test_a_request_that_is_withdrawn_stops_its_runs(driver, job, settle):
    queue = queue_of(driver)
    running = asking(queue, job("running", owner="a", request="r"))
    queued = asking(queue, job("queued", owner="a", request="r"))
    other = asking(queue, job("other", owner="a", request="s"))
    await settle()
    withdrawn = await queue.withdraw("a", "r")
    assert [(each.job.statement.sql, each.stopped) for each in withdrawn] == [
        ("running", True),
        ("queued", True),
    ]
    assert withdrawn[0].started_at >= withdrawn[0].added_at
    assert withdrawn[1].started_at is None
    for caller in (running, queued):
        with pytest.raises(QueryCancelled, match=r"^The query was cancelled\.$"):
            await caller
    await settle()
    assert driver.interrupted == ["running"]
    driver.end("other")
    await other
    assert driver.begun == ["running", "other"]


@pytest.mark.parametrize(("owner", "request_"), [("b", "r"), ("", "r"), ("a", "x"), ("a", ""), ("", "")])
async def test_nobody_else_can_withdraw_it(driver, job, settle, owner, request_):
    queue = queue_of(driver)
    caller = asking(queue, job("q", owner="a", request="r"))
    anonymous = asking(queue, job("q"))
    await settle()
    assert await queue.withdraw(owner, request_) == []
    driver.end("q")
    assert isinstance(await caller, Result)
    await anonymous


async def test_a_run_that_others_wait_for_goes_on(driver, job, settle):
    queue = queue_of(driver)
    mine = asking(queue, job("q", owner="a", request="r"))
    theirs = asking(queue, job("q", owner="b", request="s"))
    await settle()
    [withdrawn] = await queue.withdraw("a", "r")
    assert not withdrawn.stopped
    with pytest.raises(QueryCancelled):
        await mine
    assert driver.interrupted == []
    driver.end("q")
    assert isinstance(await theirs, Result)


async def test_a_run_that_somebody_will_come_back_for_goes_on(driver, job, settle):
    queue = queue_of(driver)
    assert isinstance(await queue.submit(job("q", owner="b"), 0), Pending)
    mine = asking(queue, job("q", owner="a", request="r"))
    await settle()
    # The promise to b was made to somebody without id; whoever asks redeems it.
    assert isinstance(await queue.submit(job("q", owner="b"), 0), Pending)
    [withdrawn] = await queue.withdraw("a", "r")
    assert not withdrawn.stopped
    with pytest.raises(QueryCancelled):
        await mine
    driver.end("q")
    await settle()
    assert isinstance(await queue.submit(job("q", owner="b"), 0), Result)
    assert queue.snapshot().kept == 0


async def test_a_request_that_was_told_to_wait_can_be_withdrawn(driver, job, settle):
    queue = queue_of(driver)
    assert isinstance(await queue.submit(job("q", owner="a", request="r"), 0), Pending)
    [withdrawn] = await queue.withdraw("a", "r")
    assert withdrawn.stopped
    await settle()
    assert driver.interrupted == ["q"]
    assert await queue.withdraw("a", "r") == []


async def test_an_outcome_that_waits_for_a_withdrawn_request_is_forgotten(driver, job, settle):
    queue = queue_of(driver)
    await queue.submit(job("q", owner="a", request="r"), 0)
    await settle()
    driver.end("q")
    await settle()
    assert queue.snapshot().kept == 1
    assert await queue.withdraw("a", "r") == []
    assert queue.snapshot().kept == 0


async def test_a_run_whose_last_waiting_request_is_withdrawn_is_still_watched(driver, job, settle):
    queue = queue_of(driver, orphaned_after=0.05)
    await queue.submit(job("q", owner="b", request="s"), 0)
    mine = asking(queue, job("q", owner="a", request="r"))
    await settle()
    await queue.withdraw("a", "r")
    with pytest.raises(QueryCancelled):
        await mine
    async with asyncio.timeout(50):
        while not driver.interrupted:  # noqa: ASYNC110 - one loop, short
            await asyncio.sleep(0.01)


# ---------------------------------------------------------------- coming back


async def test_a_promise_is_kept_for_whom_it_was_made_to(driver, job, settle):
    queue = queue_of(driver)
    await queue.submit(job("q", owner="a", request="r"), 0)
    stranger = asking(queue, job("q", owner="b", request="s"))
    await settle()
    driver.end("q")
    await stranger
    back = await queue.submit(job("q", owner="a", request="r"), 0)
    assert back.rows == [("q", 1)]
    assert queue.snapshot().kept == 0


async def test_a_proxy_may_name_every_repetition_anew(driver, job, settle):
    queue = queue_of(driver)
    for number in range(3):
        pending = await queue.submit(job("q", owner="a", request=f"made-up-{number}"), 0)
        assert isinstance(pending, Pending)
    await settle()
    driver.end("q")
    await settle()
    assert isinstance(await queue.submit(job("q", owner="a", request="made-up-9"), 0), Result)
    assert queue.snapshot().kept == 0
