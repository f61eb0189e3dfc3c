"""The bounded queue, on a driver whose statements end when the test says so, and a clock that jumps."""

from __future__ import annotations

import asyncio

import pytest

from cuboid.errors import (
    ConfigError,
    ConnectionFailed,
    QueryCancelled,
    QueryFailed,
    QueryTimeout,
    QueueError,
    QueueFull,
)
from cuboid.run.bounded import BoundedQueue, QueueSnapshot
from cuboid.run.queue import QueueSettings
from cuboid.types import Pending, Result

LONG = 1000.0
"""A wait that no test reaches."""


def queue_of(driver, **settings):
    return BoundedQueue(driver, QueueSettings(**settings))


def asking(queue, job, wait=LONG):
    return asyncio.ensure_future(queue.submit(job, wait))


def rows(outcome):
    assert isinstance(outcome, Result)
    return outcome.rows


# ---------------------------------------------------------------- sharing


async def test_ten_callers_of_one_key_share_one_run(driver, job, settle):
    queue = queue_of(driver)
    callers = [asking(queue, job("a")) for _ in range(10)]
    await settle()
    driver.end("a")
    results = await asyncio.gather(*callers)
    assert driver.begun == ["a"]
    assert all(result is results[0] for result in results)


async def test_an_error_reaches_every_caller(driver, job, settle):
    queue = queue_of(driver)
    callers = [asking(queue, job("a")) for _ in range(3)]
    await settle()
    driver.fail("a", QueryFailed("no such table"))
    outcomes = await asyncio.gather(*callers, return_exceptions=True)
    assert [str(outcome) for outcome in outcomes] == ["no such table"] * 3


async def test_an_error_that_the_driver_should_not_raise_still_reaches_the_caller(driver, job, settle):
    queue = queue_of(driver)
    caller = asking(queue, job("a"))
    await settle()
    driver.fail("a", ZeroDivisionError("leaked"))
    with pytest.raises(ZeroDivisionError):
        await caller
    assert queue.snapshot() == QueueSnapshot(0, 0, 0, 0)


async def test_a_result_that_every_caller_got_is_forgotten_at_once(driver, job, settle):
    queue = queue_of(driver)
    for run in (1, 2):
        caller = asking(queue, job("a"))
        await settle()
        driver.end("a")
        assert rows(await caller) == [("a", run)]
    assert queue.snapshot().kept == 0


# ---------------------------------------------------------------- places and order


async def test_never_more_than_the_limit_at_once(driver, job, settle):
    queue = queue_of(driver, limit=3)
    callers = [asking(queue, job(f"q{n}")) for n in range(10)]
    await settle()
    assert queue.snapshot() == QueueSnapshot(running=3, queued=7, abandoned=0, kept=0)
    for n in range(10):
        driver.end(f"q{n}")
        await settle()
    await asyncio.gather(*callers)
    assert driver.most_at_once == 3


async def test_the_limit_is_the_class_own_unless_set(driver):
    class Seven(BoundedQueue):
        default_limit = 7

    assert Seven(driver, QueueSettings()).limit == 7
    assert Seven(driver, QueueSettings(limit=1)).limit == 1
    with pytest.raises(ConfigError):
        Seven(driver, QueueSettings(limit=0))


async def test_higher_priority_first_then_age(driver, job, settle):
    queue = queue_of(driver, limit=1)
    first = asking(queue, job("running"))
    await settle()
    order = [("low", -1), ("old", 10), ("young", 10), ("high", 11)]
    callers = [first, *(asking(queue, job(name, priority=priority)) for name, priority in order)]
    await settle()
    for name in ("running", "high", "old", "young", "low"):
        driver.end(name)
        await settle()
    await asyncio.gather(*callers)
    assert driver.begun == ["running", "high", "old", "young", "low"]


async def test_a_run_is_as_urgent_as_its_most_urgent_caller(driver, job, settle):
    queue = queue_of(driver, limit=1)
    callers = [asking(queue, job("running")), asking(queue, job("a")), asking(queue, job("b", priority=0))]
    await settle()
    callers.append(asking(queue, job("b", priority=20)))
    await settle()
    driver.end("running")
    await settle()
    assert driver.begun == ["running", "b"]
    driver.end("b")
    await settle()
    driver.end("a")
    await asyncio.gather(*callers)


@pytest.mark.parametrize("priority", [-10_001, 10_001])
async def test_priorities_have_bounds(driver, job, priority):
    with pytest.raises(QueueError, match="Priority should be between -10000 and 10000"):
        await queue_of(driver).submit(job("a", priority=priority), 0)


async def test_pending_says_the_position_or_that_it_runs(driver, job, settle):
    queue = queue_of(driver, limit=1)
    running = await queue.submit(job("a"), 0.02)
    assert isinstance(running, Pending)
    assert running.stage == "Executing query"
    assert running.elapsed >= 0.02
    assert await queue.submit(job("b"), 0) == Pending("#1 in queue", 0.0)
    assert await queue.submit(job("c"), 0) == Pending("#2 in queue", 0.0)
    assert await queue.submit(job("d", priority=11), 0) == Pending("#1 in queue", 0.0)
    await queue.close()


async def test_a_full_queue_refuses_new_keys_only(driver, job, settle):
    queue = queue_of(driver, limit=1, waiting=1)
    running, waiting = asking(queue, job("a")), asking(queue, job("b"))
    await settle()
    with pytest.raises(QueueFull):
        await queue.submit(job("c"), LONG)
    again = asking(queue, job("b"))
    await settle()
    driver.end("a")
    await settle()
    driver.end("b")
    assert rows(await again) == rows(await waiting) == [("b", 1)]
    await running


# ---------------------------------------------------------------- promises


async def test_the_outcome_is_kept_once_for_each_caller_that_was_told_to_wait(driver, job, settle):
    queue = queue_of(driver)
    for _ in range(3):
        first = asking(queue, job("a"), 0.02)
        second = asking(queue, job("a"), 0.02)
        assert isinstance(await first, Pending)
        assert isinstance(await second, Pending)
    driver.end("a")
    await settle()
    assert queue.snapshot().kept == 1
    assert rows(await queue.submit(job("a"), 0)) == [("a", 1)]
    assert rows(await queue.submit(job("a"), 0)) == [("a", 1)]
    assert queue.snapshot().kept == 0
    third = asking(queue, job("a"))
    await settle()
    driver.end("a")
    assert rows(await third) == [("a", 2)]


async def test_a_caller_that_came_back_in_time_leaves_nothing_behind(driver, job, settle):
    queue = queue_of(driver)
    for _ in range(3):
        assert isinstance(await queue.submit(job("a"), 0.01), Pending)
    caller = asking(queue, job("a"))
    await settle()
    driver.end("a")
    assert rows(await caller) == [("a", 1)]
    assert queue.snapshot().kept == 0


async def test_an_error_is_kept_like_a_result(driver, job, settle):
    queue = queue_of(driver)
    assert isinstance(await queue.submit(job("a"), 0), Pending)
    await settle()
    driver.fail("a", ConnectionFailed("gone"))
    await settle()
    with pytest.raises(ConnectionFailed, match="gone"):
        await queue.submit(job("a"), 0)
    assert queue.snapshot() == QueueSnapshot(0, 0, 0, 0)


async def test_a_kept_outcome_is_forgotten_when_nobody_comes(driver, job, settle):
    queue = queue_of(driver, orphaned_after=0.05)
    assert isinstance(await queue.submit(job("a"), 0), Pending)
    await settle()
    driver.end("a")
    await asyncio.sleep(0.1)
    await settle()
    assert queue.snapshot() == QueueSnapshot(0, 0, 0, 0)
    assert driver.interrupted == []


# ---------------------------------------------------------------- callers that leave


async def test_a_caller_that_leaves_does_not_stop_a_run_that_others_wait_for(driver, job, settle):
    queue = queue_of(driver)
    leaver, stayer = asking(queue, job("a")), asking(queue, job("a"))
    await settle()
    leaver.cancel()
    await settle()
    assert driver.interrupted == []
    driver.end("a")
    assert rows(await stayer) == [("a", 1)]


async def test_a_run_whose_callers_all_left_is_interrupted_at_once(driver, job, settle):
    queue = queue_of(driver)
    callers = [asking(queue, job("a")) for _ in range(3)]
    await settle()
    for caller in callers:
        caller.cancel()
    await settle()
    assert driver.interrupted == ["a"]
    assert queue.snapshot() == QueueSnapshot(0, 0, 0, 0)


async def test_a_queued_run_whose_callers_all_left_never_begins(driver, job, settle):
    queue = queue_of(driver, limit=1)
    running, leaver = asking(queue, job("a")), asking(queue, job("b"))
    await settle()
    leaver.cancel()
    await settle()
    assert queue.snapshot().queued == 0
    driver.end("a")
    await running
    assert driver.begun == ["a"]


async def test_a_stranger_that_leaves_does_not_cost_the_others_their_outcome(driver, job, settle):
    queue = queue_of(driver)
    assert isinstance(await queue.submit(job("a"), 0), Pending)
    stranger = asking(queue, job("a"))
    await settle()
    stranger.cancel()
    await settle()
    driver.end("a")
    await settle()
    assert rows(await queue.submit(job("a"), 0)) == [("a", 1)]


async def test_an_orphan_is_interrupted_after_its_time(driver, job, settle):
    queue = queue_of(driver, orphaned_after=0.6)
    assert isinstance(await queue.submit(job("a"), 0), Pending)
    await asyncio.sleep(0.35)
    await settle()
    assert isinstance(await queue.submit(job("a"), 0), Pending)  # asks again: the time begins anew
    await asyncio.sleep(0.35)
    await settle()
    assert driver.interrupted == []
    await asyncio.sleep(0.6)
    await settle()
    assert driver.interrupted == ["a"]
    assert queue.snapshot() == QueueSnapshot(0, 0, 0, 0)


async def test_a_run_somebody_waits_for_is_no_orphan(driver, job, settle):
    queue = queue_of(driver, orphaned_after=0.03)
    assert isinstance(await queue.submit(job("a"), 0), Pending)
    caller = asking(queue, job("a"))
    await asyncio.sleep(0.1)
    await settle()
    driver.end("a")
    assert rows(await caller) == [("a", 1)]


# ---------------------------------------------------------------- timeouts


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(600, "10 min"), (60, "1 min"), (90, "90 s"), (0.05, "0.05 s")],
)
async def test_a_timeout_is_worded_as_cube_words_it(driver, job, seconds, text):
    queue = queue_of(driver)
    run = asking(queue, job("a", timeout=seconds))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    if seconds > 1:  # the clock is not moved; the timer's own callback is called early
        queue._time_out(queue._runs["a"])
    with pytest.raises(QueryTimeout, match=f"^Query execution timeout after {text} of waiting$"):
        await run


async def test_a_timeout_interrupts_that_run_and_frees_its_place(driver, job, settle):
    queue = queue_of(driver, limit=1)
    slow, next_one = asking(queue, job("slow", timeout=0.03)), asking(queue, job("next"))
    with pytest.raises(QueryTimeout):
        await slow
    await settle()
    assert driver.interrupted == ["slow"]
    driver.end("next")
    assert rows(await next_one) == [("next", 1)]


async def test_the_timeout_counts_from_the_start_of_the_run(driver, job, settle):
    queue = queue_of(driver, limit=1)
    first, second = asking(queue, job("a")), asking(queue, job("b", timeout=0.08))
    await asyncio.sleep(0.12)
    await settle()
    driver.end("a")
    await settle()
    driver.end("b")
    assert rows(await second) == [("b", 1)]
    await first


async def test_who_was_told_to_wait_learns_of_the_timeout(driver, job, settle):
    queue = queue_of(driver)
    assert isinstance(await queue.submit(job("a", timeout=0.03), 0), Pending)
    await asyncio.sleep(0.08)
    await settle()
    with pytest.raises(QueryTimeout):
        await queue.submit(job("a"), 0)
    assert queue.snapshot() == QueueSnapshot(0, 0, 0, 0)


# ---------------------------------------------------------------- cancelling


async def test_cancel_stops_the_run_and_tells_its_waiters(driver, job, settle):
    queue = queue_of(driver)
    callers = [asking(queue, job("a")), asking(queue, job("a"))]
    other = asking(queue, job("b"))
    await settle()
    assert await queue.cancel("a") is True
    for caller in callers:
        with pytest.raises(QueryCancelled):
            await caller
    await settle()
    assert driver.interrupted == ["a"]
    driver.end("b")
    await other


async def test_cancel_of_a_queued_run_never_begins_it(driver, job, settle):
    queue = queue_of(driver, limit=1)
    running, waiting = asking(queue, job("a")), asking(queue, job("b"))
    await settle()
    assert await queue.cancel("b") is True
    with pytest.raises(QueryCancelled):
        await waiting
    driver.end("a")
    await running
    assert driver.begun == ["a"]
    assert driver.interrupted == []


async def test_cancel_of_an_unknown_key_is_false(driver):
    assert await queue_of(driver).cancel("nothing") is False


async def test_cancel_and_ask_again_is_a_new_run_while_the_old_one_is_stopping(driver, job, settle):
    driver.deaf = True
    queue = queue_of(driver, limit=2)
    old = asking(queue, job("a"))
    await settle()
    await queue.cancel("a")
    new = asking(queue, job("a"))
    with pytest.raises(QueryCancelled):
        await old
    await settle()
    assert driver.begun == ["a", "a"]
    driver.fail("a", QueryFailed("the old one ends at last"))
    await settle()
    driver.end("a")
    assert rows(await new) == [("a", 2)]


async def test_a_run_that_is_cancelled_before_its_first_step_never_reaches_the_driver(driver, job, settle):
    queue = queue_of(driver)
    caller = asking(queue, job("a"))
    await asyncio.sleep(0)  # the caller is in the queue; the run's task has not had its turn
    assert driver.begun == []
    await queue.cancel("a")
    with pytest.raises(QueryCancelled):
        await caller
    await settle()
    assert driver.begun == []


async def test_a_stopping_run_holds_its_place_until_the_driver_lets_go(driver, job, settle):
    driver.deaf = True
    queue = queue_of(driver, limit=1)
    old = asking(queue, job("a"))
    await settle()
    await queue.cancel("a")
    waiting = asking(queue, job("b"))
    await settle()
    assert driver.begun == ["a"]
    driver.end("a")
    await settle()
    assert driver.begun == ["a", "b"]
    driver.end("b")
    await asyncio.gather(old, waiting, return_exceptions=True)


async def test_a_driver_that_ignores_the_interrupt_loses_its_place(driver, job, settle):
    driver.deaf = True
    queue = queue_of(driver, limit=1, abandon_after=0.05)
    stuck, waiting = asking(queue, job("stuck", timeout=0.03)), asking(queue, job("next"))
    with pytest.raises(QueryTimeout):
        await stuck
    await asyncio.sleep(0.1)
    await settle()
    assert queue.snapshot() == QueueSnapshot(running=1, queued=0, abandoned=1, kept=0)
    driver.end("next")
    assert rows(await waiting) == [("next", 1)]
    driver.end("stuck")
    await settle()
    assert queue.snapshot() == QueueSnapshot(0, 0, 0, 0)


async def test_an_interrupt_that_fails_or_hangs_harms_nobody(driver, job, settle, caplog):
    class Clumsy(BoundedQueue):
        async def interrupt(self, job):
            if job.key == "hangs":
                await asyncio.sleep(LONG)
            raise OSError("password=hunter2")

    queue = Clumsy(driver, QueueSettings(limit=2, abandon_after=0.05))
    callers = [asking(queue, job("hangs")), asking(queue, job("fails"))]
    await settle()
    await queue.cancel("hangs")
    await queue.cancel("fails")
    await asyncio.gather(*callers, return_exceptions=True)
    await asyncio.sleep(0.1)
    await settle()
    assert queue.snapshot().abandoned == 2
    assert "hunter2" not in caplog.text
    driver.end("hangs")
    driver.end("fails")
    await settle()
    assert queue.snapshot().abandoned == 0


# ---------------------------------------------------------------- closing


async def test_close_cancels_what_runs_and_what_waits(driver, job, settle):
    queue = queue_of(driver, limit=1)
    callers = [asking(queue, job("a")), asking(queue, job("b"))]
    await settle()
    await queue.close()
    for caller in callers:
        with pytest.raises(QueryCancelled):
            await caller
    assert driver.begun == driver.interrupted == ["a"]
    with pytest.raises(QueryCancelled):
        await queue.submit(job("c"), 0)
    await queue.close()


async def test_close_does_not_wait_for_ever_for_a_deaf_driver(driver, job, settle):
    driver.deaf = True
    queue = queue_of(driver, abandon_after=0.05)
    caller = asking(queue, job("a"))
    await settle()
    await queue.close()
    with pytest.raises(QueryCancelled):
        await caller
    assert queue.snapshot() == QueueSnapshot(0, 0, 0, 0)
