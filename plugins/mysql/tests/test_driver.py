"""Settings, zone tables, sessions, encryption, cancelling, time-outs, streams and introspection, on real servers."""

from __future__ import annotations

import asyncio

import pytest
from mysql.connector.connection_cext import CMySQLConnection
from pydantic import ValidationError
from sqlglot import exp

from cuboid.errors import ConnectionFailed, QueryFailed
from cuboid.types import ColumnInfo, ForeignKeyInfo, TableInfo
from cuboid_mysql.config import MySQLConfig
from cuboid_mysql.dialect import MySQLDialect
from cuboid_mysql.driver import MySQLDriver

DIGITS = " UNION ALL ".join(f"SELECT {n} AS n" for n in range(10))
MILLION = f"""
    WITH d AS ({DIGITS})
    SELECT a.n + 10 * b.n + 100 * c.n + 1000 * e.n + 10000 * f.n + 100000 * g.n AS i, 'some text of a row' AS s
    FROM d AS a, d AS b, d AS c, d AS e, d AS f, d AS g
"""
ENDLESS = f"""
    WITH d AS ({DIGITS})
    SELECT COUNT(*) AS endless_count FROM d a, d b, d c, d e, d f, d g, d h, d i, d j, d k, d l
    WHERE (a.n + b.n * c.n + l.n) MOD 7 = 3
"""
RUNNING = (
    "SELECT COUNT(*) FROM information_schema.processlist "
    "WHERE info LIKE '%endless_count%' AND id <> CONNECTION_ID()"
)


async def failure(driver):
    with pytest.raises(ConnectionFailed) as caught:
        await driver.open()
    await driver.close()
    return caught.value


async def until(condition):
    """Waits for what another process does; the test's deadline ends it."""
    while not await asyncio.to_thread(condition):  # noqa: ASYNC110
        await asyncio.sleep(0.02)


# ---------------------------------------------------------------- settings


@pytest.mark.parametrize(
    "settings",
    [
        {"hots": "x"},
        {"port": 0},
        {"database": ""},
        {"ssl": False, "ssl_ca": "ca.pem"},
        {"ssl": False, "ssl_verify": True},
        {"ssl_key": "-----BEGIN PRIVATE KEY-----"},
        {"connect_timeout": 0},
    ],
    ids=str,
)
def test_bad_settings_are_refused(settings):
    with pytest.raises(ValidationError):
        MySQLConfig.model_validate(settings)


def test_paths_start_at_the_project(tmp_path):
    settings = {"ssl_ca": "ca.pem", "ssl_cert": "/etc/client.pem", "ssl_key": "client.key"}
    config = MySQLConfig.model_validate(settings, context={"project": tmp_path})
    assert config.ssl_ca == str(tmp_path / "ca.pem")
    assert config.ssl_cert == "/etc/client.pem"
    assert config.ssl_key.get_secret_value() == str(tmp_path / "client.key")


@pytest.mark.parametrize("password", [None, ""])
def test_an_empty_password_is_none(password):
    assert "password" not in MySQLConfig(password=password).named("password")


async def test_a_wrong_password_or_database_is_told_without_the_password(server, make_driver):
    wrong = await failure(make_driver(server, password="hush-hush"))
    assert "Access denied" in str(wrong)
    assert "hush" not in str(wrong)
    assert "nowhere" in str(await failure(make_driver(server, database="nowhere")))


async def test_a_host_without_a_server_is_told(server, make_driver):
    assert "MySQL server" in (said := str(await failure(make_driver(server, host="nowhere.invalid"))))
    assert "nowhere.invalid" in said
    assert "nowhere.sock" in str(await failure(make_driver(server, socket="/nowhere.sock")))


async def test_a_socket_is_used_instead_of_host_and_port(server, make_driver, admin, job):
    ((folder,),) = admin(server, "SELECT @@datadir")
    driver = make_driver(server, socket=f"{folder.rstrip('/')}/socket", port=1)
    from_where = "SELECT host FROM information_schema.processlist WHERE id = CONNECTION_ID()"
    assert (await driver.execute(job(from_where))).rows == [("localhost",)]
    await driver.close()


async def test_the_c_extension_is_used(server):
    names = ("host", "port", "user", "password", "database")
    driver = MySQLDriver(MySQLConfig.model_validate({name: getattr(server, name) for name in names}))
    connection = await asyncio.to_thread(driver.connect)
    assert type(connection.client) is CMySQLConnection
    await asyncio.to_thread(connection.close)


# ---------------------------------------------------------------- zone tables


def berlin(value):
    tree = exp.select(MySQLDialect().to_civil(exp.Literal.string(value), "Europe/Berlin", "utc"))
    return tree.sql("mysql").replace("%", "%%")


@pytest.mark.parametrize(
    "engine",
    [
        pytest.param("mysql", marks=pytest.mark.engine("mysql")),
        pytest.param("mariadb", marks=pytest.mark.engine("mariadb")),
    ],
)
async def test_a_server_that_does_not_know_the_zones_is_refused_or_the_statement_is(
    engine, own_server, make_driver, admin, job
):
    """CONVERT_TZ gives NULL then: all rows would be in one group."""
    server = await asyncio.to_thread(own_server, engine)
    admin(server, "DELETE FROM mysql.time_zone_name WHERE Name = 'Europe/Berlin'")
    await asyncio.to_thread(server.restart)
    driver = make_driver(server)
    await driver.open()
    with pytest.raises(QueryFailed, match="zone tables lack Europe/Berlin"):
        await driver.execute(job(berlin("2024-07-01 12:00:00")))
    rows = (await driver.execute(job("SELECT CONVERT_TZ('2024-07-01', '+00:00', 'Asia/Kolkata') AS t"))).rows
    assert rows[0][0] is not None
    await driver.close()
    admin(server, "DELETE FROM mysql.time_zone_name")
    await asyncio.to_thread(server.restart)
    error = await failure(make_driver(server))
    assert "time zone tables are empty" in str(error)
    assert "tzinfo_to_sql" in error.hint


# ---------------------------------------------------------------- sessions


async def test_the_session_is_utc_and_reads_only(driver, admin, server, job):
    admin(
        server, "DROP TABLE IF EXISTS read_me", "CREATE TABLE read_me (a INT UNSIGNED, b TIMESTAMP(6) NULL)"
    )
    rows = (await driver.execute(job("SELECT @@session.time_zone AS z"))).rows
    assert rows == [("+00:00",)]
    for write in (
        "INSERT INTO read_me VALUES (1, NULL)",
        "CREATE TABLE written (a INT)",
        "DELETE FROM read_me",
    ):
        with pytest.raises(QueryFailed, match="READ ONLY"):
            await driver.execute(job(write))
    with pytest.raises(QueryFailed):  # one statement at a time
        await driver.execute(job("SELECT 1; SELECT 2"))
    await driver.close()


async def test_unsigned_differences_may_be_negative_and_long_groups_are_not_cut(driver, job):
    difference = "MAX(CAST(1 AS UNSIGNED) - CAST(2 AS UNSIGNED))"
    length = "LENGTH(GROUP_CONCAT(REPEAT('x', 300)))"
    result = await driver.execute(job(f"SELECT {difference} AS d, {length} AS g FROM ({DIGITS}) AS t"))
    assert result.rows == [(-1, 3009)]
    await driver.close()


async def test_the_server_ends_a_statement_that_nobody_cancels(driver, server, admin, job):
    with pytest.raises(QueryFailed, match=r"maximum statement execution time|max_statement_time"):
        await driver.execute(job(ENDLESS, timeout=0.1))
    await until(lambda: admin(server, RUNNING) == [(0,)])
    assert (await driver.execute(job("SELECT 1 AS a"))).rows == [(1,)]
    await driver.close()


async def test_a_table_dropped_between_two_statements_fails_the_second_only(driver, server, admin, job):
    admin(server, "DROP TABLE IF EXISTS dropped", "CREATE TABLE dropped (a INT)")
    assert (await driver.execute(job("SELECT a FROM dropped"))).rows == []
    admin(server, "DROP TABLE dropped")
    with pytest.raises(QueryFailed, match="doesn't exist"):
        await driver.execute(job("SELECT a FROM dropped"))
    assert (await driver.execute(job("SELECT 1 AS a"))).rows == [(1,)]
    await driver.close()


async def test_a_missing_permission_fails_that_statement_only(server, admin, make_driver, job):
    admin(
        server,
        "DROP TABLE IF EXISTS allowed, forbidden",
        "CREATE TABLE allowed (a INT)",
        "CREATE TABLE forbidden (a INT)",
        "DROP USER IF EXISTS narrow",
        "CREATE USER narrow IDENTIFIED BY 'narrow-secret'",
        "GRANT SELECT ON allowed TO narrow",
    )
    driver = make_driver(server, user="narrow", password="narrow-secret")
    with pytest.raises(QueryFailed, match=r"denied to user 'narrow'.* for table .*forbidden") as caught:
        await driver.execute(job("SELECT a FROM forbidden"))
    assert "secret" not in str(caught.value)
    assert (await driver.execute(job("SELECT a FROM allowed"))).rows == []
    await driver.close()


async def test_a_connection_that_the_server_closed_is_replaced(driver, server, admin, job):
    identify = "SELECT CONNECTION_ID() AS id"
    await driver.open()
    ((first,),) = (await driver.execute(job(identify))).rows
    admin(server, f"KILL {first}")
    ((second,),) = (await driver.execute(job(identify))).rows
    assert second != first
    running = asyncio.ensure_future(driver.execute(job(ENDLESS)))
    await until(lambda: admin(server, RUNNING) == [(1,)])
    admin(server, f"KILL {second}")
    with pytest.raises((ConnectionFailed, QueryFailed)):
        await running
    assert (await driver.execute(job("SELECT 1 AS a"))).rows == [(1,)]
    await driver.close()


# ---------------------------------------------------------------- encryption


@pytest.mark.engine("mysql")
async def test_encryption_and_the_servers_certificate(mysql_server, make_driver, admin, job, tmp_path):
    """The certificate is the one that MySQL makes for itself: signed by its own authority, for no host's name."""
    ((folder,),) = admin(mysql_server, "SELECT @@datadir")
    authority = f"{folder.rstrip('/')}/ca.pem"
    cipher = "SHOW SESSION STATUS LIKE 'Ssl_cipher'"
    for settings, encrypted in (
        ({}, True),
        ({"ssl": False}, False),
        ({"ssl": True}, True),
        ({"ssl_ca": authority, "ssl_verify": False}, True),
    ):
        driver = make_driver(mysql_server, **settings)
        await driver.open()
        ((_, name),) = (await driver.execute(job(cipher))).rows
        assert bool(name) is encrypted
        await driver.close()
    other = await failure(make_driver(mysql_server, ssl_ca=authority))
    assert "SSL" in str(other)
    (tmp_path / "other.pem").write_text("no certificate")
    assert "SSL" in str(await failure(make_driver(mysql_server, ssl_ca=str(tmp_path / "other.pem"))))
    assert "SSL" in str(
        await failure(make_driver(mysql_server, ssl_verify=True))
    )  # the system's do not know it
    assert "ssl_key and ssl_cert" in str(await failure(make_driver(mysql_server, ssl_cert="client.pem")))


@pytest.mark.engine("mariadb")
async def test_a_server_that_does_not_encrypt_is_refused_if_encryption_is_asked_for(
    mariadb_server, make_driver
):
    error = await failure(make_driver(mariadb_server, ssl=True))
    assert "encrypt" in str(error) or "SSL" in str(error)


# ---------------------------------------------------------------- streams


async def test_a_stream_whose_reader_stops_ends_on_the_server(driver, server, admin, job):
    stream = driver.stream(job(MILLION.replace("AS i,", "AS endless_count,")), batch_rows=100)
    async for batch in stream:
        assert len(batch) == 100
        break
    assert admin(server, RUNNING) == [(1,)]
    await stream.aclose()
    await until(lambda: admin(server, RUNNING) == [(0,)])
    await driver.close()


# ---------------------------------------------------------------- introspection


async def test_tables_views_columns_and_keys(server, admin, make_driver):
    admin(
        server,
        "DROP DATABASE IF EXISTS introspected",
        "CREATE DATABASE introspected",
        "CREATE TABLE introspected.orders (region VARCHAR(20), number INT, PRIMARY KEY (region, number))",
        """CREATE TABLE introspected.`lines` (
            id BIGINT UNSIGNED PRIMARY KEY, region VARCHAR(20), number INT, price DECIMAL(10, 2), paid BOOLEAN,
            flag BIT(1), at TIMESTAMP(6) NULL, day DATE, lasts TIME, size ENUM('s', 'm'), raw BLOB,
            FOREIGN KEY (region, number) REFERENCES introspected.orders (region, number))""",
        "CREATE VIEW introspected.totals AS SELECT SUM(price) AS total FROM introspected.`lines`",
    )
    driver = make_driver(server, database="introspected")
    lines, orders, totals = await driver.introspect()
    assert [(column.name, column.type, column.primary_key) for column in lines.columns] == [
        ("id", "number", True),
        ("region", "string", False),
        ("number", "number", False),
        ("price", "number", False),
        ("paid", "boolean", False),
        ("flag", "boolean", False),
        ("at", "time", False),
        ("day", "time", False),
        ("lasts", "string", False),
        ("size", "string", False),
        ("raw", "string", False),
    ]
    assert lines.columns[3].native_type == "decimal(10,2)"
    assert lines.foreign_keys == (ForeignKeyInfo(("region", "number"), "orders", ("region", "number")),)
    native = orders.columns[1].native_type  # int or int(11)
    key = (ColumnInfo("region", "string", "varchar(20)", True), ColumnInfo("number", "number", native, True))
    assert orders == TableInfo("introspected", "orders", key)
    assert totals.columns == (ColumnInfo("total", "number", "decimal(32,2)"),)
    await driver.close()
