"""Lambdas, build ranges and joined rollups over each server, joined with a database of another engine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from tests.across.shop import DRIVERS, connection
from tests.engines.admin import admin, new_database
from tests.engines.fixtures import DATABASES

import cuboid

ENDS = {
    "postgres": "SELECT TIMESTAMPTZ '2024-02-15 12:00:00+02'",
    "mysql": "SELECT CAST('2024-02-15 10:00:00' AS DATETIME)",
    "mariadb": "SELECT DATE '2024-02-15'",
    "clickhouse": "SELECT toDateTime64('2024-02-15 10:00:00', 3, 'UTC')",
}
TABLES = {
    "postgres": "CREATE TABLE orders (id INT, user_id INT, placed TIMESTAMP, amount NUMERIC(10, 2));",
    "mysql": "CREATE TABLE orders (id INT, user_id INT, placed DATETIME, amount DECIMAL(10, 2));",
    "mariadb": "CREATE TABLE orders (id INT, user_id INT, placed DATETIME, amount DECIMAL(10, 2));",
    "clickhouse": "CREATE TABLE orders (id Int32, user_id Nullable(Int32), placed Nullable(DateTime64(3, 'UTC')),"
    " amount Decimal(10, 2)) ENGINE = MergeTree ORDER BY id;",
}
ROWS = (
    "INSERT INTO orders VALUES (1, 1, '2024-01-05 10:00:00', 10), (2, 1, '2024-02-01 03:00:00', 20),"
    " (3, 2, '2024-02-16 00:00:00', 5), (4, 3, '2024-03-01 02:00:00', 1), (5, 9, '2024-03-10 07:30:00', 7),"
    " (6, NULL, NULL, 8);"
)
ORDERS: dict[str, Any] = {
    "name": "orders",
    "sql_table": "orders",
    "joins": [{"name": "users", "relationship": "many_to_one", "sql": "{user_id} = {users.id}"}],
    "measures": [{"name": "count", "type": "count"}, {"name": "total", "sql": "amount", "type": "sum"}],
    "dimensions": [
        {"name": "id", "sql": "id", "type": "number", "primary_key": True},
        {"name": "user_id", "sql": "user_id", "type": "number"},
        {"name": "placed", "sql": "placed", "type": "time"},
    ],
}
STORED = {
    "name": "daily",
    "measures": ["count", "total"],
    "dimensions": ["user_id"],
    "time_dimension": "placed",
    "granularity": "day",
    "partition_granularity": "month",
}
USERS: dict[str, Any] = {
    "name": "users",
    "sql_table": "users",
    "data_source": "people",
    "dimensions": [
        {"name": "id", "sql": "id", "type": "number", "primary_key": True},
        {"name": "city", "sql": "city", "type": "string"},
    ],
    "pre_aggregations": [{"name": "all", "dimensions": ["id", "city"]}],
}
ZONES = ("UTC", "America/New_York")


HERE = [pytest.param((engine, False), marks=pytest.mark.engine(engine), id=engine) for engine in DATABASES]
ON_A_SERVER = [
    pytest.param(
        (engine, True), marks=pytest.mark.engine(engine, "clickhouse"), id=f"{engine}-kept-on-a-server"
    )
    for engine in ("postgres", "clickhouse")
]


@pytest.fixture(params=[*HERE, *ON_A_SERVER])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    engine, on_a_server = request.param
    with ExitStack() as opened:
        server = opened.enter_context(new_database(request.getfixturevalue(f"{engine}_server")))
        with admin(server) as account:
            account.script(f"{TABLES[engine]}\n{ROWS}")
        with duckdb.connect(str(tmp_path / "people.duckdb")) as people:
            people.execute(
                "CREATE TABLE users AS FROM (VALUES (1, 'Rome'), (2, 'Rome'), (3, NULL)) t(id, city)"
            )
        end = {"build_range_end": {"sql": ENDS[engine]}}
        rollups = [
            {"name": "live", "type": "rollup_lambda", "rollups": ["ended"], "union_with_source_data": True},
            {**STORED, **end, "name": "ended"},
            {**STORED, "dimensions": ["id", "user_id"]},
            {"name": "with_users", "type": "rollup_join", "rollups": ["daily", "users.all"]},
        ]
        (tmp_path / "model").mkdir()
        cubes = {"cubes": [{**ORDERS, "pre_aggregations": rollups}, USERS]}
        (tmp_path / "model" / "orders.yml").write_text(yaml.safe_dump(cubes))
        sources = {
            "default": {"driver": DRIVERS[engine], **connection(server)},
            "people": {"driver": "duckdb", "database": "people.duckdb"},
        }
        settings: dict[str, Any] = {"data_sources": sources}
        if on_a_server:
            store = opened.enter_context(new_database(request.getfixturevalue("clickhouse_server")))
            sources["kept"] = {"driver": "clickhouse", **connection(store)}
            settings["rollup_store"] = "kept"
        (tmp_path / "cuboid.yml").write_text(yaml.safe_dump(settings))
        yield tmp_path


def test_lambdas_and_joined_rollups_answer_over_each_server(project: Path) -> None:
    ranges = [None, ["2024-02-01", "2024-02-29"], ["2024-01-01", "2024-01-31"], ["2024-03-01", "2024-03-31"]]
    asked = [
        {
            "measures": ["orders.count", "orders.total"],
            "timeDimensions": [
                {"dimension": "orders.placed", "granularity": "month"}
                | ({"dateRange": range} if range else {})
            ],
            "timezone": zone,
        }
        for zone in ZONES
        for range in ranges
    ]
    by_city = {"measures": ["orders.count", "orders.total"], "dimensions": ["users.city"]}
    with cuboid.open(project, rollup_store="none") as opened:
        expected = [opened.load(each) for each in asked]
    with cuboid.open(project) as opened:
        for query, rows in zip(asked, expected, strict=True):
            (result,) = opened.results(query)
            assert [each["type"] for each in result["usedPreAggregations"].values()] == ["rollup_lambda"]
            assert result["data"] == rows
        found = {
            row["users.city"]: (row["orders.count"], float(row["orders.total"]))
            for row in opened.load(by_city)
        }
    # Users 1 and 2 are of Rome; 3 has no city, 9 is not there, and one order has no user.
    assert found == {"Rome": ("3", 35.0), None: ("3", 16.0)}
