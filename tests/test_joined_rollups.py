"""Rollups joined in the store, end to end: of one database, and of two that no query could join."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

import cuboid
from cuboid.embedded import EmbeddedProject
from cuboid.errors import InvalidQuery

ORDERS: dict[str, Any] = {
    "name": "orders",
    "sql_table": "orders",
    "joins": [{"name": "users", "relationship": "many_to_one", "sql": "{user_id} = {users.id}"}],
    "measures": [
        {"name": "count", "type": "count"},
        {"name": "total", "sql": "amount", "type": "sum"},
        {"name": "average", "sql": "amount", "type": "avg"},
    ],
    "dimensions": [
        {"name": "id", "sql": "id", "type": "number", "primary_key": True},
        {"name": "user_id", "sql": "{CUBE}.user_id", "type": "number"},
        {"name": "placed", "sql": "placed", "type": "time"},
    ],
    "pre_aggregations": [
        {
            "name": "by_user",
            "measures": ["count", "total", "average"],
            "dimensions": ["user_id"],
            "time_dimension": "placed",
            "granularity": "day",
            "partition_granularity": "month",
        },
        {"name": "with_users", "type": "rollup_join", "rollups": ["by_user", "users.all"]},
    ],
}
USERS: dict[str, Any] = {
    "name": "users",
    "sql_table": "users",
    "measures": [{"name": "count", "type": "count"}],
    "dimensions": [
        {"name": "id", "sql": "id", "type": "number", "primary_key": True},
        {"name": "city", "sql": "city", "type": "string"},
        {"name": "known", "sql": "{CUBE}.city IS NOT NULL", "type": "boolean"},
    ],
    "pre_aggregations": [{"name": "all", "measures": ["count"], "dimensions": ["id", "city"]}],
}
ORDER_ROWS = (
    "CREATE TABLE orders AS SELECT * FROM (VALUES (1, 1, TIMESTAMP '2024-01-05', 10), (2, 1, '2024-02-05', 20),"
    " (3, 2, '2024-02-06', 5), (4, 3, '2024-02-07', 1), (5, 9, '2024-03-01', 7), (6, NULL, '2024-03-02', 8))"
    " t(id, user_id, placed, amount)"
)
USER_ROWS = "CREATE TABLE users AS SELECT * FROM (VALUES (1, 'Rome'), (2, 'Rome'), (3, NULL), (4, 'Oslo')) t(id, city)"
BY_CITY = {
    "measures": ["orders.count", "orders.total"],
    "dimensions": ["users.city"],
    "order": {"users.city": "asc"},
}
CITIES = [
    {"users.city": "Rome", "orders.count": "3", "orders.total": "35"},
    {"users.city": None, "orders.count": "3", "orders.total": "16"},
]


def make(folder: Path, cubes: list[dict[str, Any]], *, two: bool) -> Path:
    """A project of the cubes; users in a database of their own if they are ``two``."""
    orders, users = (folder / f"{name}.duckdb" for name in ("orders", "users" if two else "orders"))
    for path, script in ((orders, ORDER_ROWS), (users, USER_ROWS)):
        with duckdb.connect(str(path)) as connection:
            connection.execute(script)
    (folder / "model").mkdir()
    cubes = [each | {"data_source": each["name"]} for each in cubes] if two else cubes
    (folder / "model" / "shop.yml").write_text(yaml.safe_dump({"cubes": cubes}))
    databases = {"orders": orders, "users": users} if two else {"default": orders}
    sources = "".join(
        f"  {name}: {{driver: duckdb, database: {path.name}}}\n" for name, path in databases.items()
    )
    (folder / "cuboid.yml").write_text(f"data_sources:\n{sources}")
    return folder


@pytest.fixture(params=[False, True], ids=["one database", "two databases"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EmbeddedProject]:
    with cuboid.open(make(tmp_path, [ORDERS, USERS], two=request.param)) as project:
        yield project


def used(opened: EmbeddedProject, query: dict[str, Any]) -> set[str]:
    (result,) = opened.results(query)
    return {each["preAggregationId"] for each in result.get("usedPreAggregations", {}).values()}


def test_rows_are_joined_in_the_store(opened: EmbeddedProject) -> None:
    """User 9 is not there, one order has no user, and user 3 no city."""
    assert used(opened, BY_CITY) == {"orders.by_user", "users.all"}
    assert opened.load(BY_CITY) == CITIES


def test_conditions_and_ranges_are_kept_to(opened: EmbeddedProject) -> None:
    query = {
        "measures": ["orders.total"],
        "filters": [{"member": "users.city", "operator": "equals", "values": ["Rome"]}],
        "timeDimensions": [{"dimension": "orders.placed", "dateRange": ["2024-02-01", "2024-02-29"]}],
    }
    assert used(opened, query) == {"orders.by_user", "users.all"}
    assert opened.load(query) == [{"orders.total": "25"}]


def test_what_cannot_be_added_up_is_not_served_by_city(opened: EmbeddedProject) -> None:
    query = {"measures": ["orders.average"], "dimensions": ["users.city"]}
    (explained,) = _explained(opened, query)
    assert (
        "cannot be aggregated again" in {each.rollup: each.reason for each in explained}["orders.with_users"]
    )


def _explained(opened: EmbeddedProject, query: dict[str, Any]) -> list[list[Any]]:
    planner, reader = opened._run(
        opened.project.service.planning.for_principal(opened._context(None).principal)
    )
    request = reader.read(query, opened._context(None))
    return [planner.rollups.why(question) for question in request.questions]


def test_sql_dry_run_and_explain_tell_of_joined_rollups(opened: EmbeddedProject) -> None:
    context = opened._context(None)
    text, _ = opened.sql(BY_CITY)
    assert "LEFT JOIN" in text
    opened._run(opened.project.service.dry_run(BY_CITY, context))
    (explained,) = opened.explain(BY_CITY)["explanations"]
    assert {each["rollup"] for each in explained["rollups"] if each["used"]} == {"orders.with_users"}


def test_measures_of_both_come_from_their_own_rollups(opened: EmbeddedProject) -> None:
    query = {
        "measures": ["orders.total", "users.count"],
        "dimensions": ["users.city"],
        "order": {"users.city": "asc"},
    }
    assert opened.load(query) == [
        {"users.city": "Oslo", "orders.total": None, "users.count": "1"},
        {"users.city": "Rome", "orders.total": "35", "users.count": "2"},
        {"users.city": None, "orders.total": "16", "users.count": "1"},
    ]


def test_a_query_over_two_databases_that_no_rollup_serves_says_what_would(tmp_path: Path) -> None:
    query = {"measures": ["orders.count"], "dimensions": ["users.known"]}
    with (
        cuboid.open(make(tmp_path, [ORDERS, USERS], two=True)) as opened,
        pytest.raises(InvalidQuery) as caught,
    ):
        opened.load(query)
    assert "rollup_join" in str(caught.value.hint)


def changed(cube: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**cube, **more}


REFUSED = {
    "finds several of 'users.all'": [
        changed(ORDERS, joins=[{**ORDERS["joins"][0], "relationship": "one_to_many"}]),
        USERS,
    ],
    "'users.known' is computed": [
        ORDERS,
        changed(USERS, pre_aggregations=[{"name": "all", "dimensions": ["id", "city", "known"]}]),
    ],
    "'users.id', which the join of 'orders' with 'users' compares, is not stored": [
        ORDERS,
        changed(USERS, pre_aggregations=[{"name": "all", "dimensions": ["city"]}]),
    ],
    "compares a number with a string": [
        ORDERS,
        changed(USERS, dimensions=[{**USERS["dimensions"][0], "type": "string"}, *USERS["dimensions"][1:]]),
    ],
    "compares other things than dimensions by =": [
        changed(
            ORDERS, joins=[{**ORDERS["joins"][0], "sql": "{user_id} = {users.id} AND {users.city} <> 'Oslo'"}]
        ),
        USERS,
    ],
    "no join leads from the cubes of 'orders.by_user' to 'users'": [changed(ORDERS, joins=[]), USERS],
}


@pytest.mark.parametrize("reason", REFUSED)
def test_rollups_that_cannot_be_joined_say_why(tmp_path: Path, reason: str) -> None:
    with cuboid.open(make(tmp_path, REFUSED[reason], two=False)) as opened:
        (explained,) = _explained(opened, {"measures": ["orders.count"]})
        assert reason in {each.rollup: each.reason for each in explained}["orders.with_users"]
