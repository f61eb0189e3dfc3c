"""Settings, refusals, interruption, limits, streams and lost servers."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
from types import SimpleNamespace

import pytest
from clickhouse_connect import get_client
from pydantic import ValidationError
from tests.engines.admin import admin, new_database
from tests.engines.clickhouse import NARROW, READER

from cuboid.errors import ConnectionFailed, QueryFailed, QueryTimeout
from cuboid.run.data_source import DataSource
from cuboid.run.queue import QueueSettings
from cuboid.types import ColumnInfo, Result, Statement, TableInfo
from cuboid_clickhouse.config import ChDBConfig, ClickHouseConfig
from cuboid_clickhouse.dialect import ClickHouseDialect
from cuboid_clickhouse.driver import ClickHouseDriver, Connection
from cuboid_clickhouse.embedded import ChDBDriver
from cuboid_clickhouse.introspect import semantic_type

ENDLESS = "SELECT count() AS endless FROM numbers(1000000000000) WHERE number % 7 = 3"
ROWS = "SELECT number AS id, toString(number) AS name, number / 100 AS amount FROM numbers({})"


def source_of(driver, timeout=600.0, **settings):
    queue = driver.queue(driver, QueueSettings(**settings))
    return DataSource("shop", driver, ClickHouseDialect(), queue, timeout=timeout)


def running(server):
    """How many endless statements run on the server."""
    with admin(server) as connection:
        sql = "SELECT count() FROM system.processes WHERE query LIKE '%endless%' AND query NOT LIKE '%processes%'"
        return int(connection.run(sql)[0][0])


def driver_threads():
    """Threads other than those of the loop's executor, which come as the machine is busy and stay."""
    return sum(not thread.name.startswith("asyncio_") for thread in threading.enumerate())


async def until(wanted, ask):
    async with asyncio.timeout(50):
        while await asyncio.to_thread(ask) != wanted:  # noqa: ASYNC110 - a server tells nobody
            await asyncio.sleep(0.05)


async def failure(driver):
    with pytest.raises(ConnectionFailed) as caught:
        await driver.open()
    return caught.value


# ---------------------------------------------------------------- settings


@pytest.mark.parametrize(
    "settings",
    [{"hots": "x"}, {"port": 0}, {"port": "http"}, {"host": ""}, {"silence_timeout": 1}, {"path": "x"}],
    ids=str,
)
def test_bad_settings_are_refused(settings):
    with pytest.raises(ValidationError):
        ClickHouseConfig.model_validate(settings)


def test_relative_paths_start_at_the_project(tmp_path):
    context = {"project": tmp_path}
    assert ChDBConfig.model_validate({"path": "data"}, context=context).path == str(tmp_path / "data")
    assert ChDBConfig(path="data").path == "data"
    assert ClickHouseConfig.model_validate({"ssl_ca": "ca.pem"}, context=context).ssl_ca == str(
        tmp_path / "ca.pem"
    )


async def test_the_database_is_where_unqualified_tables_are(clickhouse_server, on, job):
    with new_database(clickhouse_server) as database:
        driver = on(clickhouse_server, database=database.database)
        assert (await driver.execute(job("SELECT currentDatabase()"))).rows == [(database.database,)]


async def test_compressed_results_are_the_same(clickhouse_server, on, job):
    sql = ROWS.format(100_000)
    near, far = on(clickhouse_server), on(clickhouse_server, compression=True)
    assert (await near.execute(job(sql))).rows == (await far.execute(job(sql))).rows


# ---------------------------------------------------------------- refusals


async def test_a_wrong_password_is_a_clear_error_without_it(clickhouse_server, on):
    error = await failure(on(clickhouse_server, password="hunter-4711"))
    assert "Authentication failed" in str(error)
    assert "hunter-4711" not in str(error)
    assert error.hint == "Correct the settings 'user' and 'password'."


async def test_a_database_that_is_not_there_is_a_clear_error(clickhouse_server, on):
    assert "nowhere" in str(await failure(on(clickhouse_server, database="nowhere")))


async def test_a_host_that_is_not_there_is_a_clear_error(clickhouse_server, on):
    assert await failure(on(clickhouse_server, host="nowhere.invalid"))
    assert "refused" in str(await failure(on(clickhouse_server, port=1)))


async def test_a_server_without_tls_is_a_clear_error(clickhouse_server, on):
    assert "SSL" in str(await failure(on(clickhouse_server, ssl=True)))


async def test_nothing_can_be_written(driver, job):
    for sql in (
        "CREATE TABLE t (a Int8) ENGINE = Memory",
        "INSERT INTO t VALUES (1)",
        "DROP TABLE t",
        "SET readonly = 0",
    ):
        with pytest.raises(QueryFailed):
            await driver.execute(job(sql))
    with pytest.raises(QueryFailed, match="readonly"):
        await driver.execute(job("SELECT 1 SETTINGS readonly = 0"))


async def test_a_user_who_may_only_read_is_enough(clickhouse_server, on, job):
    driver = on(clickhouse_server, user=READER)
    await driver.open()
    slow = job(ENDLESS)
    task = asyncio.create_task(driver.execute(slow))
    await until(1, lambda: running(clickhouse_server))
    await driver.interrupt(slow)
    with pytest.raises(QueryFailed, match="interrupted"):
        await task
    await until(0, lambda: running(clickhouse_server))


class Bound(ClickHouseDriver):
    """A user whose profile says ``readonly = 1``: no setting may be changed."""

    def client(self):
        config = self.config
        words = {
            "username": config.user,
            "password": config.password.get_secret_value(),
            "settings": {"readonly": 1},
        }
        client = get_client(host=config.host, port=config.port, autogenerate_session_id=False, **words)
        client.server_settings = {
            setting["name"]: type(client.server_settings["readonly"])(**setting)
            for setting in client.query("SELECT name, value, readonly FROM system.settings").named_results()
        }
        return client


async def test_a_user_who_may_not_set_what_answers_need_is_refused(clickhouse_server, on):
    error = await failure(on(clickhouse_server, Bound))
    assert "The user may not set" in str(error)
    assert "readonly = 2" in error.hint


# ---------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT nowhere.a FROM nowhere", "nowhere"),
        ("SELEC 1", "Syntax error"),
        ("SELECT throwIf(number = 1000000, 'late'), toString(number) FROM numbers(2000000)", "late"),
        ("SELECT toInt8('x')", "Cannot parse"),
        ("SELECT {p1:Int64}", "p1"),
    ],
)
async def test_errors_are_the_server_s_words_alone(driver, job, sql, message):
    with pytest.raises(QueryFailed, match=message) as caught:
        await driver.execute(job(sql))
    for noise in ("DB::Exception", "http", "(version", "Received"):
        assert noise not in str(caught.value)
    assert (await driver.execute(job("SELECT 1"))).rows == [(1,)]


async def test_a_table_dropped_between_two_statements_is_a_failed_query(clickhouse_server, on, job):
    with new_database(clickhouse_server) as database, admin(database) as connection:
        driver = on(database)
        connection.run("CREATE TABLE t (a Int8) ENGINE = Memory")
        assert (await driver.execute(job("SELECT * FROM t"))).columns == ()
        connection.run("DROP TABLE t")
        with pytest.raises(QueryFailed, match="Unknown table"):
            await driver.execute(job("SELECT * FROM t"))


async def test_a_missing_permission_is_a_failed_query(clickhouse_server, on, job):
    with new_database(clickhouse_server) as database, admin(database) as connection:
        connection.run("CREATE TABLE payroll (a Int8) ENGINE = Memory")
        driver = on(database, user=NARROW, database=None)
        with pytest.raises(QueryFailed, match="privileges") as caught:
            await driver.execute(job(f"SELECT a FROM {database.database}.payroll"))
        assert database.password not in str(caught.value)
        assert (await driver.execute(job("SELECT 1"))).rows == [(1,)]


# ---------------------------------------------------------------- stopping


async def test_a_statement_that_times_out_stops_on_the_server(clickhouse_server, driver):
    source = source_of(driver, timeout=0.5)
    with pytest.raises(QueryTimeout):
        await source.submit(Statement(ENDLESS), wait=50)
    await until(0, lambda: running(clickhouse_server))
    await source.close()


async def test_a_caller_who_leaves_stops_the_statement(clickhouse_server, driver, job):
    task = asyncio.create_task(driver.execute(job(ENDLESS)))
    await until(1, lambda: running(clickhouse_server))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(0, lambda: running(clickhouse_server))


async def test_closing_stops_what_runs(clickhouse_server, driver, job):
    task = asyncio.create_task(driver.execute(job(ENDLESS)))
    await until(1, lambda: running(clickhouse_server))
    await driver.close()
    with pytest.raises(QueryFailed):
        await task
    await until(0, lambda: running(clickhouse_server))


async def test_the_server_itself_ends_what_runs_too_long(driver, job):
    """Should nobody be left to cancel it."""
    sql = "SELECT toInt64(getSetting('max_execution_time'))"
    assert (await driver.execute(job(sql, timeout=30.5))).rows == [(32,)]
    assert (await driver.execute(job(sql, timeout=600))).rows == [(601,)]


@pytest.mark.parametrize(
    ("own", "sent"),
    [("0", 31), ("0.0", 31), ("1.5", 1.5), ("0.25", 0.25), ("20", 20), ("31.5", 31), ("90", 31)],
)
def test_the_user_s_own_time_stays_if_it_is_shorter(own, sent):
    setting = SimpleNamespace(value=own, readonly=0)
    client = SimpleNamespace(server_settings={"max_execution_time": setting})
    connection = Connection(client, client)
    ClickHouseDriver.limit(None, connection, 30.5)
    assert repr(connection.settings["max_execution_time"]) == repr(sent)


async def test_an_interrupt_leaves_other_statements_alone(clickhouse_server, driver, job):
    first, second = job(ENDLESS), job(f"{ENDLESS} AND 1")
    tasks = [asyncio.create_task(driver.execute(each)) for each in (first, second)]
    await until(2, lambda: running(clickhouse_server))
    await driver.interrupt(first)
    with pytest.raises(QueryFailed):
        await tasks[0]
    await until(1, lambda: running(clickhouse_server))
    assert not tasks[1].done()
    await driver.interrupt(second)
    with pytest.raises(QueryFailed):
        await tasks[1]


# ---------------------------------------------------------------- streams


async def test_a_stream_that_is_left_stops_on_the_server(clickhouse_server, driver, job):
    stream = driver.stream(
        job("SELECT number AS endless, toString(number) FROM numbers(1000000000000)"), 1000
    )
    async for batch in stream:
        assert 0 < len(batch) <= 1000
        break
    await stream.aclose()
    await until(0, lambda: running(clickhouse_server))


# ---------------------------------------------------------------- lost servers


async def test_a_killed_server_fails_what_runs_and_the_next_request_after_it_is_back_succeeds(
    own_server, on, job
):
    server = own_server("clickhouse")
    source = source_of(on(server))
    assert isinstance(await source.submit(Statement("SELECT 1"), wait=50), Result)
    threads = driver_threads()
    for _ in range(3):
        tasks = [
            asyncio.create_task(source.submit(Statement(f"{ENDLESS} AND {n} >= 0"), wait=50))
            for n in range(3)
        ]
        await until(3, lambda: running(server))
        await asyncio.to_thread(server.kill)
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            assert isinstance(outcome, ConnectionFailed)
            assert str(outcome).startswith("Data source 'shop': ")
        with pytest.raises(ConnectionFailed):
            await source.submit(Statement("SELECT 2"), wait=50)
        await asyncio.to_thread(server.restart)
        assert isinstance(await source.submit(Statement("SELECT 2"), wait=50), Result)
    await until(True, lambda: driver_threads() <= threads)
    await source.close()
    gc.collect()


async def test_a_server_that_dies_amid_a_result_is_no_short_result(own_server, on, job):
    server = own_server("clickhouse")
    stream = on(server).stream(job("SELECT number, toString(number) FROM numbers(1000000000)"))
    assert await anext(stream)
    await asyncio.to_thread(server.kill)
    with pytest.raises(ConnectionFailed):
        await _rest(stream)


async def _rest(stream):
    async for _ in stream:
        pass


# ---------------------------------------------------------------- tables


async def test_tables_have_their_columns_in_order(clickhouse_server, on):
    with new_database(clickhouse_server) as database, admin(database) as connection:
        connection.run(
            "CREATE TABLE orders (id UInt64, at DateTime64(3), paid Bool) ENGINE = MergeTree ORDER BY id"
        )
        connection.run("CREATE VIEW big AS SELECT id, toString(id) AS name FROM orders")
        tables = await on(database).introspect()
    name = database.database
    assert tables == (
        TableInfo(
            name, "big", (ColumnInfo("id", "number", "UInt64"), ColumnInfo("name", "string", "String"))
        ),
        TableInfo(
            name,
            "orders",
            (
                ColumnInfo("id", "number", "UInt64"),
                ColumnInfo("at", "time", "DateTime64(3)"),
                ColumnInfo("paid", "boolean", "Bool"),
            ),
        ),
    )


@pytest.mark.parametrize(
    ("native", "type"),
    [
        ("LowCardinality(Nullable(String))", "string"),
        ("Nullable(Decimal(10, 2))", "number"),
        ("SimpleAggregateFunction(sum, Int64)", "number"),
        ("DateTime64(3, 'Europe/Berlin')", "time"),
        ("Nullable(Date32)", "time"),
        ("Array(Int64)", "string"),
        ("Map(String, DateTime)", "string"),
        ("Enum8('Int8' = 1)", "string"),
        ("Tuple(Int8, Int8)", "string"),
        ("Nullable(Bool)", "boolean"),
        ("BFloat16", "number"),
    ],
)
def test_what_types_mean(native, type):
    assert semantic_type(native) == type


# ---------------------------------------------------------------- in this process


@pytest.mark.engine("clickhouse")
async def test_a_folder_that_is_not_there_is_an_error_and_is_not_made(tmp_path, made):
    folder = tmp_path / "shop"
    made.append(ChDBDriver(ChDBConfig(path=str(folder))))
    assert str(await failure(made[0])) == f"The folder {folder} does not exist."
    assert os.listdir(tmp_path) == []
