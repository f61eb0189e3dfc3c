"""A data source: opening, keys, names in errors."""

from __future__ import annotations

import asyncio
import itertools
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from cuboid.errors import ConnectionFailed, QueryCancelled, QueryFailed
from cuboid.run.bounded import BoundedQueue
from cuboid.run.data_source import DataSource, statement_key
from cuboid.run.queue import QueueSettings
from cuboid.types import Pending, Result, Statement


@pytest.fixture
def source(driver):
    return DataSource("sales", driver, None, BoundedQueue(driver, QueueSettings()))


async def test_callers_share_one_opening(source, driver, settle):
    callers = [asyncio.ensure_future(source.submit(Statement("a"), wait=50)) for _ in range(5)]
    await driver.reached("a")
    driver.end("a")
    assert all(isinstance(result, Result) for result in await asyncio.gather(*callers))
    assert driver.openings == 1
    assert driver.begun == ["a"]


async def test_opening_counts_against_the_wait(source, driver):
    outcome = await source.submit(Statement("a"), wait=0)
    assert isinstance(outcome, Pending)
    assert driver.begun == []
    await source.close()


async def test_a_failed_opening_names_the_source_and_is_tried_again(source, driver):
    driver.open_failures = [ConnectionFailed("refused", hint="start it")]
    callers = [asyncio.ensure_future(source.submit(Statement("a"), wait=50)) for _ in range(3)]
    for error in await asyncio.gather(*callers, return_exceptions=True):
        assert isinstance(error, ConnectionFailed)
        assert str(error) == "Data source 'sales': refused"
        assert error.hint == "start it"
    assert driver.openings == 1
    caller = asyncio.ensure_future(source.submit(Statement("a"), wait=50))
    await driver.reached("a")
    driver.end("a")
    assert isinstance(await caller, Result)
    assert driver.openings == 2


async def test_what_the_database_says_names_the_source(source, driver):
    for error, message in [
        (ConnectionFailed("lost"), "Data source 'sales': lost"),
        (QueryFailed("no table"), "Data source 'sales': no table"),
    ]:
        caller = asyncio.ensure_future(source.submit(Statement("a"), wait=50))
        await driver.reached("a")
        driver.fail("a", error)
        with pytest.raises(type(error)) as caught:
            await caller
        assert str(caught.value) == message


async def test_a_caller_that_leaves_while_opening_spoils_nothing(source, driver):
    leaver = asyncio.ensure_future(source.submit(Statement("a"), wait=50))
    stayer = asyncio.ensure_future(source.submit(Statement("a"), wait=50))
    await asyncio.sleep(0)
    leaver.cancel()
    await driver.reached("a")
    driver.end("a")
    assert isinstance(await stayer, Result)


async def test_ping_asks_the_database_past_the_queue(source, driver):
    ping = asyncio.ensure_future(source.ping())
    await driver.reached("SELECT 1")
    driver.end("SELECT 1")
    await ping


async def test_ping_of_a_silent_database_fails_in_time(source, driver):
    with pytest.raises(ConnectionFailed, match=r"Data source 'sales': no answer within 0\.05 s"):
        await source.ping(wait=0.05)


async def test_close_while_opening(source, driver):
    caller = asyncio.ensure_future(source.submit(Statement("a"), wait=50))
    await asyncio.sleep(0)
    await source.close()
    with pytest.raises(QueryCancelled):
        await caller
    with pytest.raises(QueryCancelled, match="sales"):
        await source.submit(Statement("a"), wait=0)
    await source.close()


def test_keys_are_equal_for_equal_questions_only():
    parameters = [
        (),
        (None,),
        ("None",),
        (1,),
        (True,),
        ("1",),
        (1.0,),
        (Decimal(1),),
        (Decimal("1.0"),),
        ("a", "b"),
        ("ab",),
        ("a','b",),
        ("\ud800",),
        ("\\ud800",),
        (datetime(2020, 1, 1),),
        (datetime(2020, 1, 1, tzinfo=UTC),),
        (date(2020, 1, 1),),
    ]
    statements = [Statement(sql, values) for sql in ("SELECT ?", "SELECT  ?") for values in parameters]
    for one, other in itertools.combinations(statements, 2):
        assert statement_key(one) != statement_key(other), (one, other)
    for statement in statements:
        assert statement_key(Statement(statement.sql, tuple(statement.parameters))) == statement_key(
            statement
        )
