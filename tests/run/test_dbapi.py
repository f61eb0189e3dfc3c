"""The PEP 249 driver, on the standard library's own module, ``sqlite3``."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import sqlite3
import threading

import pytest
from pydantic import SecretStr

from cuboid.errors import ConnectionFailed, QueryFailed
from cuboid.run.bounded import BoundedQueue
from cuboid.run.dbapi import DBAPIDriver
from cuboid.run.driver import DriverConfig
from cuboid.types import Job, Statement

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
ROWS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT {}) SELECT i, 'row ' || i AS name FROM n"

ids = itertools.count()


class Config(DriverConfig):
    path: str = ":memory:"
    password: SecretStr = SecretStr("hunter2")


class SQLiteDriver(DBAPIDriver):
    """SQLite's thread check is off because an interrupt comes from another thread."""

    name = "sqlite"
    dialect = "sqlite"
    Config = Config
    queue = BoundedQueue

    def __init__(self, config=None):
        super().__init__(config or Config())
        self.connections = []
        self.cancels = 0
        self.begun = threading.Event()
        """A statement runs: SQLite has computed a part of it."""

    def connect(self):
        connection = sqlite3.connect(self.config.path, check_same_thread=False)
        connection.set_progress_handler(self.begun.set, 1000)
        self.connections.append(connection)
        return connection

    def cancel(self, connection):
        self.cancels += 1
        connection.interrupt()

    def translate(self, error):
        return QueryFailed(f"{error} (password hunter2)")


def job(sql, *parameters):
    return Job(str(next(ids)), sql, Statement(sql, parameters))


@contextlib.asynccontextmanager
async def opened(driver):
    await driver.open()
    try:
        yield driver
    finally:
        await driver.close()


async def happened(event):
    """What happens in another thread."""
    assert await asyncio.to_thread(event.wait, 50)


def closed(connection):
    try:
        connection.cursor()
    except sqlite3.ProgrammingError:
        return True
    return False


async def until_closed(connection):
    """The thread that owns it closes it after the statement's outcome was told."""
    async with asyncio.timeout(50):
        while not closed(connection):  # noqa: ASYNC110 - a connection tells nobody that it closed
            await asyncio.sleep(0.001)


async def test_columns_rows_and_parameters():
    async with opened(SQLiteDriver()) as driver:
        result = await driver.execute(job("SELECT ? AS a, ? AS b UNION ALL SELECT 2, NULL", 1, "it's"))
    assert result.columns == ("a", "b")
    assert result.rows == [(1, "it's"), (2, None)]


async def test_statements_one_after_the_other_share_a_connection():
    async with opened(SQLiteDriver()) as driver:
        for _ in range(5):
            await driver.execute(job("SELECT 1"))
        assert len(driver.connections) == 1


async def test_statements_at_once_have_a_connection_each():
    async with opened(SQLiteDriver()) as driver:
        await asyncio.gather(*(driver.execute(job(ROWS.format(20_000))) for _ in range(3)))
        assert len(driver.connections) == 3
        assert not any(map(closed, driver.connections))


async def test_a_failed_statement_costs_its_connection():
    async with opened(SQLiteDriver()) as driver:
        with pytest.raises(QueryFailed, match="no such table: missing"):
            await driver.execute(job("SELECT * FROM missing"))
        assert (await driver.execute(job("SELECT 1"))).rows == [(1,)]
        assert len(driver.connections) == 2


async def test_secrets_of_the_settings_are_masked_in_messages_and_causes_are_dropped():
    async with opened(SQLiteDriver()) as driver:
        with pytest.raises(QueryFailed) as caught:
            await driver.execute(job("nonsense"))
    assert "hunter2" not in str(caught.value)
    assert "********" in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


async def test_what_fails_while_connecting_is_a_failed_connection(tmp_path):
    driver = SQLiteDriver(Config(path=str(tmp_path / "no" / "such.db")))
    with pytest.raises(ConnectionFailed, match="unable to open"):
        await driver.open()
    with pytest.raises(ConnectionFailed, match="unable to open"):
        await driver.execute(job("SELECT 1"))
    (tmp_path / "no").mkdir()
    async with opened(driver):
        assert (await driver.execute(job("SELECT 1"))).rows == [(1,)]


async def test_a_failed_check_fails_the_opening():
    class Strict(SQLiteDriver):
        def check(self, connection):
            raise ConnectionFailed("this server has no time zones")

    driver = Strict()
    with pytest.raises(ConnectionFailed, match="no time zones"):
        await driver.open()
    await driver.close()
    for connection in driver.connections:
        await until_closed(connection)


async def test_an_idle_connection_that_died_is_replaced():
    class Mortal(SQLiteDriver):
        def alive(self, connection):
            connection.execute("SELECT 1")
            return True

    async with opened(Mortal()) as driver:
        await driver.execute(job("SELECT 1"))
        driver.connections[0].close()
        assert (await driver.execute(job("SELECT 2"))).rows == [(2,)]
        assert len(driver.connections) == 2


# ---------------------------------------------------------------- interrupting


async def test_interrupt_stops_the_statement_and_its_connection_is_not_used_again():
    async with opened(SQLiteDriver()) as driver:
        endless = job(ENDLESS)
        running = asyncio.ensure_future(driver.execute(endless))
        await happened(driver.begun)
        await driver.interrupt(endless)
        with pytest.raises(QueryFailed, match="interrupted"):
            await running
        await driver.execute(job("SELECT 1"))
        assert len(driver.connections) == 2
        await until_closed(driver.connections[0])


async def test_interrupt_before_the_statement_has_begun_is_not_lost():
    async with opened(SQLiteDriver()) as driver:
        for _ in range(20):
            endless = job(ENDLESS)
            running = asyncio.ensure_future(driver.execute(endless))
            await asyncio.sleep(0)
            await driver.interrupt(endless)
            with pytest.raises(QueryFailed, match="interrupted"):
                await running


async def test_an_interrupt_that_the_database_forgets_is_repeated():
    class Forgetful(SQLiteDriver):
        def cancel(self, connection):
            self.cancels += 1
            if self.cancels > 2:
                connection.interrupt()

    async with opened(Forgetful()) as driver:
        endless = job(ENDLESS)
        running = asyncio.ensure_future(driver.execute(endless))
        await happened(driver.begun)
        await driver.interrupt(endless)
        with pytest.raises(QueryFailed, match="interrupted"):
            await running
        assert driver.cancels >= 3


async def test_an_interrupt_while_connecting_keeps_the_statement_from_beginning():
    connecting, go_on, started = threading.Event(), threading.Event(), []

    class Slow(SQLiteDriver):
        def connect(self):
            if self.connections:
                connecting.set()
                go_on.wait(50)
            return super().connect()

        def start(self, connection, statement, *, streaming):
            started.append(statement.sql)
            return super().start(connection, statement, streaming=streaming)

    async with opened(Slow()) as driver:
        first, second = job(ENDLESS), job("SELECT 2")
        running = [asyncio.ensure_future(driver.execute(each)) for each in (first, second)]
        await happened(connecting)
        await happened(driver.begun)
        telling = asyncio.ensure_future(driver.interrupt(second))
        await asyncio.sleep(0.01)
        go_on.set()
        await telling
        with pytest.raises(QueryFailed, match="interrupted"):
            await running[1]
        assert started == [ENDLESS]
        await driver.interrupt(first)
        await asyncio.gather(*running, return_exceptions=True)


async def test_a_connection_that_was_told_to_cancel_is_closed_even_if_the_statement_got_through():
    all_read, told = threading.Event(), threading.Event()

    class Late(SQLiteDriver):
        def finish(self, cursor):
            all_read.set()
            told.wait(50)
            super().finish(cursor)

        def cancel(self, connection):
            told.set()  # the server has the cancel, and will deliver it when it likes

    async with opened(Late()) as driver:
        short = job("SELECT 1")
        running = asyncio.ensure_future(driver.execute(short))
        await happened(all_read)
        await driver.interrupt(short)
        assert (await running).rows == [(1,)]
        await driver.execute(job("SELECT 2"))
        await until_closed(driver.connections[0])
        assert len(driver.connections) == 2


async def test_interrupt_of_a_run_that_is_over_does_nothing():
    async with opened(SQLiteDriver()) as driver:
        short = job("SELECT 1")
        await driver.execute(short)
        await driver.interrupt(short)
        await driver.interrupt(job("never begun"))
        assert driver.cancels == 0


async def test_a_late_interrupt_never_hits_the_next_statement():
    async with opened(SQLiteDriver()) as driver:
        for _ in range(200):
            first = job("SELECT 1")
            running = asyncio.ensure_future(driver.execute(first))
            late = asyncio.ensure_future(driver.interrupt(first))
            await asyncio.gather(running, return_exceptions=True)
            assert (await driver.execute(job(ROWS.format(300)))).rows[-1] == (300, "row 300")
            await late


async def test_a_run_does_not_end_while_a_cancel_for_it_is_in_flight():
    release, begun = threading.Event(), threading.Event()

    class SlowCancel(SQLiteDriver):
        def cancel(self, connection):
            begun.set()
            super().cancel(connection)
            release.wait(50)

    async with opened(SlowCancel()) as driver:
        endless = job(ENDLESS)
        running = asyncio.ensure_future(driver.execute(endless))
        await happened(driver.begun)
        telling = asyncio.ensure_future(driver.interrupt(endless))
        await happened(begun)
        await asyncio.sleep(0.1)
        assert not running.done()
        assert not closed(driver.connections[0])
        release.set()
        await telling
        with pytest.raises(QueryFailed):
            await running


async def test_a_cancelled_execute_stops_the_statement():
    async with opened(SQLiteDriver()) as driver:
        running = asyncio.ensure_future(driver.execute(job(ENDLESS)))
        await happened(driver.begun)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await until_closed(driver.connections[0])


# ---------------------------------------------------------------- streaming


async def test_stream_gives_every_row_in_batches():
    async with opened(SQLiteDriver()) as driver:
        batches = [batch async for batch in driver.stream(job(ROWS.format(25)), batch_rows=10)]
        assert [len(batch) for batch in batches] == [10, 10, 5]
        assert [row[0] for batch in batches for row in batch] == list(range(1, 26))
        await driver.execute(job("SELECT 1"))
        assert len(driver.connections) == 1


async def test_stream_stops_reading_when_the_consumer_stops():
    fetched = []

    class Counting(SQLiteDriver):
        def convert(self, rows, cursor):
            fetched.append(len(rows))
            return super().convert(rows, cursor)

    async with opened(Counting()) as driver:
        stream = driver.stream(job(ROWS.format(1_000_000)), batch_rows=10)
        async for _ in stream:
            break
        await stream.aclose()
        await asyncio.sleep(0.05)
        assert fetched == [10]
        await until_closed(driver.connections[0])


async def test_a_stream_can_be_interrupted():
    async with opened(SQLiteDriver()) as driver:
        endless = job(ENDLESS)
        stream = driver.stream(endless)
        reading = asyncio.ensure_future(anext(stream))
        await happened(driver.begun)
        await driver.interrupt(endless)
        with pytest.raises(QueryFailed, match="interrupted"):
            await reading


# ---------------------------------------------------------------- closing


async def test_close_stops_what_runs_and_leaves_no_thread():
    await asyncio.to_thread(int)  # the loop's own pool of threads
    before = set(threading.enumerate())
    driver = SQLiteDriver()
    await driver.close()
    await driver.open()
    running = [asyncio.ensure_future(driver.execute(job(ENDLESS))) for _ in range(3)]
    await happened(driver.begun)
    await driver.close()
    await driver.close()
    for outcome in await asyncio.gather(*running, return_exceptions=True):
        assert isinstance(outcome, QueryFailed)
    for connection in driver.connections:
        await until_closed(connection)
    for thread in set(threading.enumerate()) - before:
        thread.join(50)
    assert set(threading.enumerate()) <= before
    with pytest.raises(ConnectionFailed, match="closed"):
        await driver.execute(job("SELECT 1"))
