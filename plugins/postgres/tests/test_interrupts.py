"""Statements that are stopped: really, in time, and no other one. On real servers."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress

import pytest

from cuboid.errors import ConnectionFailed, CuboidError, QueryCancelled, QueryFailed, QueryTimeout
from cuboid.run.data_source import DataSource, statement_key
from cuboid.run.queue import QueueSettings
from cuboid.types import Pending, Statement
from cuboid_postgres.dialect import PostgresDialect

ENDLESS = "SELECT count(*) FROM generate_series(1, 1000000) a, generate_series(1, 1000000) b /* endless */"

RUNNING = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%/* endless */'"


async def until(condition):
    """Waits for something that happens elsewhere; the test's deadline ends it."""
    while not await asyncio.to_thread(condition):  # noqa: ASYNC110 - the server tells nobody
        await asyncio.sleep(0.01)


@pytest.fixture
def running(admin):
    """How many endless statements the server runs."""
    return lambda: admin.run(RUNNING.replace("'%/*", "'%' || '/*"))[0][0]


@pytest.fixture
def connections(admin):
    """How many connections of the application the server has."""
    return lambda name: admin.run(f"SELECT count(*) FROM pg_stat_activity WHERE application_name = '{name}'")[
        0
    ][0]


async def test_interrupt_stops_that_statement_on_the_server_and_no_other(driver, job, running):
    first, second = job(ENDLESS), job(ENDLESS)
    tasks = [asyncio.ensure_future(driver.execute(each)) for each in (first, second)]
    await until(lambda: running() == 2)
    await driver.interrupt(first)
    with pytest.raises(QueryFailed, match="interrupted"):
        await tasks[0]
    await until(lambda: running() == 1)  # the client hears of the end before the server says so
    assert not tasks[1].done()
    await driver.interrupt(second)
    with pytest.raises(QueryFailed, match="interrupted"):
        await tasks[1]
    await until(lambda: running() == 0)


async def test_interrupt_before_the_statement_has_begun_is_not_lost(driver, job, running):
    for turns in range(40):
        endless = job(ENDLESS)
        task = asyncio.ensure_future(driver.execute(endless))
        for _ in range(1 + turns % 20):  # so many steps into connecting, setting up, sending
            await asyncio.sleep(0)
        await driver.interrupt(endless)
        with pytest.raises(QueryFailed, match="interrupted"):
            await task
    await until(lambda: running() == 0)


async def test_interrupting_what_is_over_or_unknown_does_nothing(driver, job):
    quick = job("SELECT 1")
    await driver.execute(quick)
    await driver.interrupt(quick)
    await driver.interrupt(job("SELECT 2"))
    assert (await driver.execute(job("SELECT 3"))).rows == [(3,)]


async def test_a_cancel_never_hits_the_statement_of_another(driver, job):
    """Short statements are interrupted around their end, while others use the connections that come free."""
    random.seed(7)

    async def interrupted():
        for _ in range(40):
            short = job("SELECT pg_sleep(0.005)")
            task = asyncio.ensure_future(driver.execute(short))
            await asyncio.sleep(random.uniform(0.003, 0.012))
            await driver.interrupt(short)
            with suppress(QueryFailed):
                await task

    async def answered():
        for number in range(80):
            assert (await driver.execute(job("SELECT $1::int", number))).rows == [(number,)]

    await asyncio.gather(*(interrupted() for _ in range(3)), *(answered() for _ in range(3)))


async def test_a_caller_that_is_cancelled_stops_its_statement_on_the_server(driver, job, running):
    task = asyncio.ensure_future(driver.execute(job(ENDLESS)))
    await until(lambda: running() == 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: running() == 0)


async def test_the_server_itself_ends_a_statement_that_nobody_stops(driver, job):
    with pytest.raises(QueryFailed, match="statement timeout"):
        await driver.execute(job("SELECT pg_sleep(60)", timeout=0.1))
    assert (await driver.execute(job("SELECT pg_sleep(0.01) IS NULL", timeout=60))).rows == [(False,)]


@pytest.mark.parametrize("how", ["timeout", "cancel", "orphan", "leave", "close"])
async def test_every_way_to_stop_a_run_stops_it_on_the_server(driver, running, how):
    settings = QueueSettings(orphaned_after=0.2)
    timeout = 1.0 if how == "timeout" else 600.0
    source = DataSource("default", driver, PostgresDialect(), driver.queue(driver, settings), timeout=timeout)
    await source.ping()
    statement = Statement(ENDLESS)
    caller = asyncio.ensure_future(source.submit(statement, wait=0.5 if how == "orphan" else 60))
    if how != "timeout":
        await until(lambda: running() == 1)
    match how:
        case "timeout":
            with pytest.raises(QueryTimeout):
                await caller
        case "cancel":
            assert await source.queue.cancel(statement_key(statement))
            with pytest.raises(QueryCancelled):
                await caller
        case "orphan":
            assert isinstance(await caller, Pending)
        case "leave":
            caller.cancel()
            await asyncio.wait({caller})
        case "close":
            await source.close()
            with pytest.raises(QueryCancelled):
                await caller
    await until(lambda: running() == 0)
    await until(lambda: source.queue.snapshot().running == 0)
    assert source.queue.snapshot().abandoned == 0
    await source.close()


async def test_nothing_leaks_whatever_becomes_of_statements(make, job, connections):
    driver = make(application_name="leaks")

    async def one(number):
        statement = job(
            ("SELECT pg_sleep(0.01)", "SELECT nothing", ENDLESS, "SELECT $1::text")[number % 4],
            *"x"[: number % 4 == 3],
        )
        task = asyncio.ensure_future(driver.execute(statement))
        await asyncio.sleep(random.uniform(0, 0.05))
        match number % 3:
            case 0:
                task.cancel()
            case 1:
                await driver.interrupt(statement)
            case 2 if number % 4 == 2:
                await driver.interrupt(statement)
        await asyncio.gather(task, return_exceptions=True)

    for first in range(0, 120, 10):
        await asyncio.gather(*(one(number) for number in range(first, first + 10)))
    await until(lambda: connections("leaks") <= 10)
    await driver.close()
    await until(lambda: connections("leaks") == 0)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_close_stops_what_runs_and_leaves_nothing(make, job, connections, running):
    driver = make(application_name="closing")
    tasks = [asyncio.ensure_future(driver.execute(job(ENDLESS))) for _ in range(5)]
    await until(lambda: running() == 5)
    await driver.close()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert {outcome.__class__ for outcome in outcomes} == {QueryFailed}
    await until(lambda: connections("closing") == 0)
    with pytest.raises(ConnectionFailed):
        await driver.execute(job("SELECT 1"))


# ------------------------------------------------------------------------------------------------ servers in trouble


async def test_a_server_that_stopped_answering_holds_nobody_up(make, job, own_server):
    server = await asyncio.to_thread(own_server, "postgres")
    driver = make(server, connect_timeout=6)
    await driver.open()
    await asyncio.to_thread(server.pause)
    deaf, left, unopened = job("SELECT 1"), job("SELECT 2"), job("SELECT 3")
    tasks = [asyncio.ensure_future(driver.execute(each)) for each in (deaf, left, unopened)]
    await asyncio.sleep(0.2)
    tasks[1].cancel()
    with pytest.raises(asyncio.CancelledError):
        await tasks[1]
    await driver.interrupt(deaf)
    with pytest.raises(QueryFailed, match="interrupted"):
        await tasks[0]
    with pytest.raises(ConnectionFailed, match="timeout"):
        await tasks[2]
    await driver.close()
    await asyncio.to_thread(server.resume)


async def test_a_killed_server_fails_what_runs_and_the_next_statement_after_its_return_succeeds(
    make, job, own_server
):
    server = await asyncio.to_thread(own_server, "postgres")
    driver = make(server)
    await asyncio.gather(*(driver.execute(job("SELECT pg_sleep(0.1)")) for _ in range(4)))
    running = [asyncio.ensure_future(driver.execute(job(ENDLESS))) for _ in range(2)]
    await asyncio.sleep(0.2)
    await asyncio.to_thread(server.kill)
    for task in running:
        with pytest.raises(ConnectionFailed):
            await task
    with pytest.raises(ConnectionFailed, match="refused"):
        await driver.execute(job("SELECT 1"))
    await asyncio.to_thread(server.restart)
    for number in range(4):  # as many as there were idle connections, all of them lost
        assert (await driver.execute(job("SELECT $1::int", number))).rows == [(number,)]


async def test_connections_that_an_operator_ended_are_replaced(make, job, admin, connections, running):
    driver = make(application_name="ended")
    await asyncio.gather(*(driver.execute(job("SELECT pg_sleep(0.05)")) for _ in range(4)))
    busy = asyncio.ensure_future(driver.execute(job(ENDLESS)))
    await until(lambda: running() == 1)
    admin.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ended'")
    with pytest.raises(ConnectionFailed, match="administrator"):
        await busy
    await until(lambda: connections("ended") == 0)
    for _ in range(5):
        assert (await driver.execute(job("SELECT 1"))).rows == [(1,)]


async def test_too_many_connections_is_a_failed_connection(make, job, admin):
    admin.run("DROP ROLE IF EXISTS few")
    admin.run("CREATE ROLE few LOGIN PASSWORD 'few' CONNECTION LIMIT 1")
    driver = make(user="few", password="few")
    outcomes = await asyncio.gather(
        *(driver.execute(job("SELECT pg_sleep(0.3)")) for _ in range(3)), return_exceptions=True
    )
    failed = [outcome for outcome in outcomes if isinstance(outcome, CuboidError)]
    assert [(error.code, error.retryable) for error in failed] == [("connection_failed", True)] * 2
    await driver.close()
    await until(lambda: not admin.run("SELECT 1 FROM pg_stat_activity WHERE usename = 'few'"))
    admin.run("DROP ROLE few")
