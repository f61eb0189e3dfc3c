"""Targets that are wrong, sessions, streams and introspection, on real servers."""

from __future__ import annotations

import asyncio

import psycopg
import pytest
from pydantic import SecretStr, ValidationError

from cuboid.errors import ConnectionFailed, QueryFailed
from cuboid.types import ColumnInfo, ForeignKeyInfo, TableInfo
from cuboid_postgres.config import PostgresConfig

# ------------------------------------------------------------------------------------------------ wrong targets


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"host": "no-such-host.invalid"}, "no-such-host.invalid"),
        ({"port": 1}, "refused"),
        ({"password": "not-the-password"}, "password authentication failed"),
        ({"password": None, "user": "nobody"}, "password"),
        ({"database": "no_such_database"}, "no_such_database"),
        ({"ssl": True}, "does not support SSL"),
    ],
    ids=lambda each: str(each) if isinstance(each, str) else next(iter(each)),
)
async def test_a_wrong_setting_is_told_apart_and_keeps_its_secret(make, settings, said):
    driver = make(**settings)
    with pytest.raises(ConnectionFailed, match=said) as caught:
        await driver.open()
    assert "not-the-password" not in f"{caught.value} {caught.value.hint}"
    assert "\n" not in caught.value.message


async def test_a_secret_that_the_server_repeats_is_hidden(make, job, admin):
    """The name of a database may be the password; a server's message names the database."""
    driver = make(database="sesame", password="sesame", user="sesame")
    with pytest.raises(ConnectionFailed) as caught:
        await driver.open()
    assert "sesame" not in caught.value.message


async def test_a_missing_permission_is_a_failed_query_in_the_servers_words(make, job, admin):
    admin.run("DROP TABLE IF EXISTS payroll")
    admin.run("DROP ROLE IF EXISTS reader")
    admin.run("CREATE TABLE payroll (salary int)")
    admin.run("CREATE ROLE reader LOGIN PASSWORD 'reader'")
    driver = make(user="reader", password="reader")
    with pytest.raises(QueryFailed, match="permission denied for table payroll"):
        await driver.execute(job("SELECT * FROM payroll"))
    assert "payroll" not in {table.name for table in await driver.introspect()}
    await driver.close()
    admin.run("DROP ROLE reader")
    admin.run("DROP TABLE payroll")


async def test_hints_of_the_server_are_kept(driver, job):
    with pytest.raises(QueryFailed, match='column "tota" does not exist') as caught:
        await driver.execute(job("SELECT tota FROM (SELECT 1 AS total) t"))
    assert "total" in caught.value.hint


@pytest.mark.parametrize(
    "settings", [{"ssl": False, "ssl_ca": "ca.pem"}, {"ssl_cert": "-----BEGIN CERTIFICATE-----"}, {"port": 0}]
)
def test_settings_that_contradict_each_other_are_refused(settings):
    with pytest.raises(ValidationError):
        PostgresConfig(database="shop", **settings)


def test_files_are_found_from_the_projects_folder(tmp_path):
    written = {"database": "shop", "ssl_ca": "ca.pem", "ssl_key": "/elsewhere/key.pem"}
    config = PostgresConfig.model_validate(written, context={"project": tmp_path})
    assert config.ssl_ca == str(tmp_path / "ca.pem")
    assert config.ssl_key == SecretStr("/elsewhere/key.pem")


# ------------------------------------------------------------------------------------------------ sessions


@pytest.mark.parametrize("transaction_pooling", [False, True])
async def test_sessions_only_read_and_run_in_utc(make, job, admin, transaction_pooling):
    admin.run("DROP TABLE IF EXISTS kept")
    admin.run("CREATE TABLE kept AS SELECT 1 AS id")
    driver = make(transaction_pooling=transaction_pooling)
    names = ("TimeZone", "transaction_read_only", "statement_timeout")
    sql = "SELECT " + ", ".join(f"current_setting('{name}')" for name in names)
    for timeout, shown in ((59, "1min"), (599, "10min"), (599, "10min")):
        assert (await driver.execute(job(sql, timeout=timeout))).rows == [("UTC", "on", shown)]
    for write in (
        "DELETE FROM kept RETURNING id",
        "CREATE TABLE other (id int)",
        "SELECT * FROM kept FOR UPDATE",
    ):
        with pytest.raises(QueryFailed, match="read-only transaction"):
            await driver.execute(job(write))
    assert (await driver.execute(job("SELECT id FROM kept"))).rows == [(1,)]
    await driver.close()
    admin.run("DROP TABLE kept")


async def test_with_transaction_pooling_a_connection_keeps_no_settings_and_no_statements(make, job, admin):
    """A pooler hands the server's connection to the next client after each transaction."""
    driver = make(transaction_pooling=True, application_name="pooled")
    for number in range(12):
        assert (await driver.execute(job("SELECT $1::int", number))).rows == [(number,)]
    batches = [
        len(batch) async for batch in driver.stream(job("SELECT generate_series(1, 25)"), batch_rows=10)
    ]
    assert batches == [10, 10, 5]
    with pytest.raises(QueryFailed):
        await driver.execute(job("SELECT nothing"))
    seen = admin.run("SELECT DISTINCT state, query FROM pg_stat_activity WHERE application_name = 'pooled'")
    assert seen == [("idle", "ROLLBACK")]


async def test_a_table_dropped_or_changed_between_two_statements_is_seen_as_it_is(driver, job, admin):
    admin.run("DROP TABLE IF EXISTS moving")
    admin.run("CREATE TABLE moving AS SELECT 1 AS id")
    for _ in range(8):  # often enough for clients that prepare what they see repeatedly
        assert (await driver.execute(job("SELECT * FROM moving WHERE id = $1", 1))).rows == [(1,)]
    admin.run("ALTER TABLE moving ADD name text DEFAULT 'new'")
    assert (await driver.execute(job("SELECT * FROM moving WHERE id = $1", 1))).rows == [(1, "new")]
    admin.run("DROP TABLE moving")
    with pytest.raises(QueryFailed, match='relation "moving" does not exist'):
        await driver.execute(job("SELECT * FROM moving WHERE id = $1", 1))


async def test_an_empty_answer_has_its_columns(driver, job):
    result = await driver.execute(job("SELECT 1 AS a, 'x' AS b WHERE false"))
    assert (result.columns, list(result.rows)) == (("a", "b"), [])


async def test_a_connection_serves_one_statement_after_the_other(make, job, admin):
    driver = make(application_name="reused")
    for number in range(20):
        await driver.execute(job("SELECT $1::int", number))
        with pytest.raises(QueryFailed):
            await driver.execute(job("SELECT 1 / $1::int", 0))
    assert admin.run("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'reused'") == [(1,)]


# ------------------------------------------------------------------------------------------------ streams


async def test_a_stream_whose_consumer_stops_ends_on_the_server(driver, job, admin):
    endless = "SELECT generate_series(1, 1000000000) AS i /* stopped stream */"
    async for batch in driver.stream(job(endless), batch_rows=100):
        assert batch[:2] == [(1,), (2,)]
        break
    stream = driver.stream(job(endless), batch_rows=100)
    assert len(await anext(stream)) == 100
    await stream.aclose()
    busy = (
        "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%stopped' || ' stream%'"
    )
    while admin.run(busy) != [(0,)]:  # noqa: ASYNC110 - the first stream is closed by the loop
        await asyncio.sleep(0.01)
    assert (await driver.execute(job("SELECT 1"))).rows == [(1,)]


async def test_a_stream_can_be_interrupted_by_others_and_by_its_task(driver, job):
    endless = job("SELECT generate_series(1, 1000000000) AS i")

    async def read(one):
        async for _ in driver.stream(one, batch_rows=100):
            await asyncio.sleep(0)

    reading = asyncio.ensure_future(read(endless))
    await asyncio.sleep(0.3)
    await driver.interrupt(endless)
    with pytest.raises(QueryFailed, match="interrupted"):
        await reading
    reading = asyncio.ensure_future(read(job("SELECT pg_sleep(100)")))
    await asyncio.sleep(0.3)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert (await driver.execute(job("SELECT 1"))).rows == [(1,)]


async def test_a_stream_that_fails_in_the_middle_says_why(driver, job):
    stream = driver.stream(job("SELECT 1 / (150 - generate_series(1, 10000))"), batch_rows=100)
    assert len(await anext(stream)) == 100
    with pytest.raises(QueryFailed, match="division by zero"):
        await anext(stream)
    assert (await driver.execute(job("SELECT 1"))).rows == [(1,)]


# ------------------------------------------------------------------------------------------------ introspection


async def test_tables_views_columns_and_keys(make, admin):
    admin.run("DROP DATABASE IF EXISTS keys")
    admin.run("CREATE DATABASE keys")
    driver = make(database="keys")

    with psycopg.connect(**driver.config.parameters(), autocommit=True) as connection:
        connection.execute("""
            CREATE TABLE orders (region varchar(8), number int, PRIMARY KEY (number, region));
            CREATE DOMAIN amount AS numeric(10, 2);
            CREATE TABLE lines (
                id bigint PRIMARY KEY, region varchar(8), number int, price amount, paid boolean,
                "at" timestamptz, day date, clock time, tags text[], raw jsonb, code uuid, cash money, dropped int,
                FOREIGN KEY (number, region) REFERENCES orders (number, region)
            );
            ALTER TABLE lines DROP dropped;
            CREATE VIEW totals AS SELECT sum(price) AS total FROM lines;
            CREATE MATERIALIZED VIEW kept AS SELECT 1.5::real AS x;
            CREATE TABLE parted (day date) PARTITION BY RANGE (day);
            CREATE TABLE part PARTITION OF parted DEFAULT;
            CREATE SCHEMA "odd one"; CREATE TABLE "odd one"."a table" ("the column" double precision);
        """)
    found = await driver.introspect()
    await driver.close()
    admin.run("DROP DATABASE keys")
    assert [(table.schema, table.name) for table in found] == [
        ("odd one", "a table"),
        *(("public", name) for name in ("kept", "lines", "orders", "parted", "totals")),
    ]
    tables = {table.name: table for table in found}
    assert tables["orders"].columns == (
        ColumnInfo("region", "string", "character varying(8)", True),
        ColumnInfo("number", "number", "integer", True),
    )
    assert tables["lines"] == TableInfo(
        "public",
        "lines",
        (
            ColumnInfo("id", "number", "bigint", True),
            ColumnInfo("region", "string", "character varying(8)"),
            ColumnInfo("number", "number", "integer"),
            ColumnInfo("price", "number", "amount"),
            ColumnInfo("paid", "boolean", "boolean"),
            ColumnInfo("at", "time", "timestamp with time zone"),
            ColumnInfo("day", "time", "date"),
            ColumnInfo("clock", "string", "time without time zone"),
            ColumnInfo("tags", "string", "text[]"),
            ColumnInfo("raw", "string", "jsonb"),
            ColumnInfo("code", "string", "uuid"),
            ColumnInfo("cash", "string", "money"),
        ),
        (ForeignKeyInfo(("number", "region"), "orders", ("number", "region")),),
    )
    assert tables["totals"].columns == (ColumnInfo("total", "number", "numeric"),)
    assert tables["kept"].columns == (ColumnInfo("x", "number", "real"),)
