"""Each engine answers as the version that the summary names, and is fit for tests: accounts, time zones, data."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.engines.admin import Cell, admin, new_database
from tests.engines.server import Server

VERSION = {
    "postgres": "SHOW server_version",
    "mysql": "SELECT VERSION()",
    "mariadb": "SELECT VERSION()",
    "clickhouse": "SELECT version()",
}
each_server = pytest.mark.parametrize(
    "engine", [pytest.param(engine, marks=pytest.mark.engine(engine)) for engine in VERSION]
)
# The wall clock of Kathmandu, at UTC+05:45, and of New York before and after the clocks go back, as text.
CIVIL = {
    "postgres": "SELECT (timestamptz '{at}+00' AT TIME ZONE '{zone}')::text",
    "mysql": "SELECT CAST(CONVERT_TZ('{at}', 'UTC', '{zone}') AS CHAR)",
    "mariadb": "SELECT CAST(CONVERT_TZ('{at}', 'UTC', '{zone}') AS CHAR)",
    "clickhouse": "SELECT toString(toDateTime('{at}', 'UTC'), '{zone}')",
}
COLUMNS = {
    "id": "integer",
    "price": "decimal(38,10)",
    "weight": "float",
    "name": "text",
    "paid": "boolean",
    "day": "date",
    "seen": "timestamp",
    "at": "instant",
}
ROWS: list[tuple[Cell, ...]] = [
    (
        2**63 - 1,
        Decimal("-1234567890123456789012345678.0123456789"),
        0.1,
        "a\tb\n\\N ' \" % 😀",
        True,
        date(1969, 12, 31),
        datetime(2024, 2, 29, 23, 59, 59, 999999),
        datetime(2024, 10, 27, 0, 30),
    ),
    (None,) * 8,
]


@pytest.fixture
def server(request: pytest.FixtureRequest, engine: str) -> Server:
    server: Server = request.getfixturevalue(f"{engine}_server")
    return server


@pytest.fixture
def database(server: Server) -> Iterator[Server]:
    with new_database(server) as made:
        yield made


@each_server
def test_it_is_the_version_that_it_says_it_is(server: Server) -> None:
    with admin(server) as connection:
        [(version,)] = connection.run(VERSION[server.engine])
    assert version.startswith(server.version)


@each_server
@pytest.mark.parametrize(
    ("zone", "at"),
    [
        ("Asia/Kathmandu", datetime(2024, 7, 1)),
        ("America/New_York", datetime(2024, 11, 3, 5, 30)),
        ("America/New_York", datetime(2024, 11, 3, 6, 30)),
    ],
)
def test_it_knows_the_time_zones(server: Server, zone: str, at: datetime) -> None:
    civil = at.replace(tzinfo=ZoneInfo("UTC")).astimezone(ZoneInfo(zone))
    with admin(server) as connection:
        [(text,)] = connection.run(CIVIL[server.engine].format(at=at, zone=zone))
    assert text == f"{civil:%Y-%m-%d %H:%M:%S}"


@each_server
def test_rows_are_loaded_as_they_are(database: Server) -> None:
    with admin(database) as connection:
        connection.fill("things", COLUMNS, ROWS)
        found = connection.run("SELECT * FROM things ORDER BY id IS NULL")
    # Postgres gives instants with the session's zone, MySQL booleans as integers, ClickHouse text.
    assert [tuple(map(plain, row)) for row in found] == expected(database.engine)


def plain(cell: Any) -> Any:
    return cell.replace(tzinfo=None) if isinstance(cell, datetime) else cell


def expected(engine: str) -> list[tuple[Any, ...]]:
    if engine != "clickhouse":
        return ROWS
    first = (
        "9223372036854775807",
        "-1234567890123456789012345678.0123456789",
        "0.1",
        "a\\tb\\n\\\\N \\' \" % 😀",
        "true",
        "1969-12-31",
        "2024-02-29 23:59:59.999999",
        "2024-10-27 00:30:00.000000",
    )
    return [first, ("\\N",) * 8]


@each_server
def test_a_database_of_a_test_is_gone_afterwards(server: Server) -> None:
    with new_database(server) as made, admin(made) as connection:
        connection.fill("things", COLUMNS, ROWS)
    with pytest.raises(Exception, match=made.database), admin(made) as connection:
        connection.run("SELECT 1 FROM things")


@each_server
def test_a_killed_server_comes_back_on_its_port_with_its_data(
    engine: str, own_server: Callable[[str], Server]
) -> None:
    server = own_server(engine)
    with admin(server) as connection:
        connection.fill("things", COLUMNS, ROWS)
    server.kill()
    with pytest.raises(Exception, match=r"(?i)refused|connect"), admin(server) as connection:
        connection.run("SELECT 1")
    server.restart()
    with admin(server) as connection:
        [(count,)] = connection.run("SELECT COUNT(*) FROM things")
    assert int(count) == 2


@each_server
def test_a_wrong_password_is_refused(server: Server) -> None:
    wrong = dataclasses.replace(server, password="wrong")
    with pytest.raises(Exception, match=r"(?i)password|denied"), admin(wrong) as connection:
        connection.run("SELECT 1")
