"""``/v1/pre-aggregations/can-use`` and ``rollupMatchResults``: how rollups match a query, for who designs them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from cuboid.http.app import AuthSettings
from cuboid.project import Project

SECRET = "a-secret-that-is-long-enough-for-every-hash-function-in-use-here-512"

ROLLUPS: list[dict[str, Any]] = [
    {"name": "by_city", "measures": ["total"], "dimensions": ["city"]},
    {
        "name": "daily",
        "measures": ["total"],
        "dimensions": ["city", "status"],
        "segments": ["paid"],
        "time_dimension": "placed",
        "granularity": "day",
    },
    {"name": "shops", "measures": ["customers"], "dimensions": ["city"]},
]
MODEL = {
    "cubes": [
        {
            "name": "orders",
            "sql_table": "orders",
            "joins": [{"name": "users", "relationship": "many_to_one", "sql": "{CUBE}.user_id = {users}.id"}],
            "measures": [
                {"name": "total", "sql": "amount", "type": "sum"},
                {"name": "count", "type": "count"},
                {"name": "mean", "sql": "{total} / {count}", "type": "number"},
                {"name": "customers", "sql": "user_id", "type": "count_distinct"},
                {"name": "margin", "sql": "amount", "type": "sum", "public": False},
            ],
            "dimensions": [
                {"name": "id", "sql": "id", "type": "number", "primary_key": True, "public": True},
                {"name": "city", "sql": "city", "type": "string"},
                {"name": "status", "sql": "status", "type": "string"},
                {"name": "placed", "sql": "placed", "type": "time"},
            ],
            "segments": [{"name": "paid", "sql": "{CUBE}.status = 'paid'"}],
            "pre_aggregations": ROLLUPS,
        },
        {
            "name": "users",
            "sql_table": "users",
            "measures": [{"name": "count", "type": "count"}],
            "dimensions": [
                {"name": "id", "sql": "id", "type": "number", "primary_key": True},
                {"name": "country", "sql": "country", "type": "string"},
            ],
        },
    ],
    "views": [{"name": "sales", "cubes": [{"join_path": "orders", "includes": "*"}]}],
}
TABLES = """
CREATE TABLE orders (id INT, user_id INT, city TEXT, status TEXT, placed TIMESTAMP, amount DECIMAL(10, 2));
CREATE TABLE users (id INT, country TEXT);
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("designs")
    (folder / "model").mkdir()
    (folder / "model" / "orders.yml").write_text(yaml.safe_dump(MODEL))
    (folder / "cuboid.yml").write_text("data_sources:\n  default: {driver: duckdb, database: shop.duckdb}\n")
    with duckdb.connect(str(folder / "shop.duckdb")) as connection:
        connection.execute(TABLES)
    return folder


@pytest.fixture(scope="module")
def client(run: Callable[..., Any], token: Callable[..., str], folder: Path) -> Iterator[Any]:
    auth = AuthSettings(secrets=(SECRET,), scopes=("meta", "data", "sql"))
    served = run(Project.open(folder).service, auth=auth, token=token({}))
    yield served
    served.server.stop()


@pytest.fixture(scope="module")
def developer(run: Callable[..., Any], folder: Path) -> Iterator[Any]:
    served = run(Project.open(folder).service, dev=True)
    yield served
    served.server.stop()


def form(client: Any, query: dict[str, Any]) -> dict[str, Any]:
    answer = client.get("sql", query)
    assert answer.status == 200, answer.body
    found: dict[str, Any] = answer.body["sql"]["canUseTransformedQuery"]
    return found


def names(**kinds: list[str]) -> dict[str, list[str]]:
    return {kind: [f"orders.{name}" for name in found] for kind, found in kinds.items()}


def placed(**entry: Any) -> dict[str, Any]:
    return {"timeDimensions": [{"dimension": "orders.placed", **entry}]}


def where(member: str, operator: str, *values: Any) -> dict[str, Any]:
    return {"filters": [{"member": f"orders.{member}", "operator": operator, "values": list(values)}]}


TOTAL = names(measures=["total"])
CUSTOMERS = names(measures=["customers"])
MONTHLY = placed(granularity="month")
DAILY = {"dimension": "orders.placed", "granularity": "day"}
BY_CITY_AND_DAY = {**names(measures=["total"], dimensions=["city"]), "timeDimensions": [DAILY]}

CASES: list[tuple[str, dict[str, Any], dict[str, Any], bool]] = [
    ("just what is asked", TOTAL, TOTAL, True),
    ("more dimensions than are asked", TOTAL, names(measures=["total"], dimensions=["city"]), True),
    ("a dimension is missing", TOTAL | names(dimensions=["city"]), TOTAL, False),
    ("a measure is missing", names(measures=["total", "count"]), TOTAL, False),
    (
        "the parts of what is asked",
        names(measures=["mean"]),
        names(measures=["total", "count"]),
        True,
    ),
    ("one part of what is asked", names(measures=["mean"]), TOTAL, False),
    ("months from days", TOTAL | MONTHLY, BY_CITY_AND_DAY, True),
    (
        "days from months",
        TOTAL | placed(granularity="day"),
        TOTAL | {"timeDimensions": [{**DAILY, "granularity": "month"}]},
        False,
    ),
    (
        "months from weeks",
        TOTAL | MONTHLY,
        TOTAL | {"timeDimensions": [{**DAILY, "granularity": "week"}]},
        False,
    ),
    ("a range of days", TOTAL | placed(dateRange=["2024-01-02", "2024-01-05"]), BY_CITY_AND_DAY, True),
    (
        "a range of hours from days",
        TOTAL | placed(dateRange=["2024-01-02T05:00:00", "2024-01-02T07:59:59.999"]),
        BY_CITY_AND_DAY,
        False,
    ),
    (
        "a range of days from months",
        TOTAL | placed(dateRange=["2024-01-02", "2024-01-05"]),
        TOTAL | {"timeDimensions": [{**DAILY, "granularity": "month"}]},
        False,
    ),
    (
        "a range of a quarter from months",
        TOTAL | placed(granularity="month", dateRange=["2024-04-01", "2024-06-30"]),
        TOTAL | {"timeDimensions": [{**DAILY, "granularity": "month"}]},
        True,
    ),
    ("what a filter tests is stored", TOTAL | where("city", "contains", "a"), BY_CITY_AND_DAY, True),
    ("what a filter tests is missing", TOTAL | where("status", "equals", "paid"), BY_CITY_AND_DAY, False),
    (
        "a segment that is stored",
        TOTAL | names(segments=["paid"]),
        names(measures=["total"], dimensions=["paid"]),
        True,
    ),
    ("a segment that is missing", TOTAL | names(segments=["paid"]), TOTAL, False),
    (
        "distinct values for the very groups",
        CUSTOMERS | names(dimensions=["city"]),
        names(measures=["customers"], dimensions=["city"]),
        True,
    ),
    (
        "distinct values for finer groups",
        CUSTOMERS,
        names(measures=["customers"], dimensions=["city"]),
        False,
    ),
    (
        "distinct values under a filter that cuts through groups",
        CUSTOMERS | where("city", "contains", "a"),
        names(measures=["customers"], dimensions=["city"]),
        False,
    ),
    (
        "distinct values of months from days",
        CUSTOMERS | MONTHLY,
        CUSTOMERS | {"timeDimensions": [DAILY]},
        False,
    ),
    (
        "distinct values of one value of a filter and a month",
        CUSTOMERS | MONTHLY | where("city", "equals", "Rome"),
        names(measures=["customers"], dimensions=["city"])
        | {"timeDimensions": [{**DAILY, "granularity": "month"}]},
        True,
    ),
    (
        "distinct values where the filter wants no value",
        CUSTOMERS | MONTHLY | where("city", "equals", None),
        names(measures=["customers"], dimensions=["city"])
        | {"timeDimensions": [{**DAILY, "granularity": "month"}]},
        False,
    ),
    ("rows", names(dimensions=["id"]) | {"ungrouped": True}, names(dimensions=["id"]), False),
    (
        "another cube's dimension that a join brings",
        TOTAL | {"dimensions": ["users.country"]},
        TOTAL | {"dimensions": ["users.country"]},
        True,
    ),
    ("a rollup of nothing", TOTAL, {"measures": [], "dimensions": [], "timeDimensions": []}, False),
]


@pytest.mark.parametrize(
    ("query", "references", "usable"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_whether_a_designed_rollup_would_answer(
    client: Any, query: dict[str, Any], references: dict[str, Any], usable: bool
) -> None:
    body = {"transformedQuery": form(client, query), "references": references}
    answer = client.post("pre-aggregations/can-use", body)
    assert (answer.status, answer.body) == (200, {"canUsePreAggregationForTransformedQuery": usable})


def test_a_view_s_query_is_matched_with_a_rollup_of_the_cube_and_of_the_view(client: Any) -> None:
    query = {"measures": ["sales.total"], "dimensions": ["sales.city"]}
    for cube in ("orders", "sales"):
        references = {"measures": [f"{cube}.total"], "dimensions": [f"{cube}.city"]}
        body = {"transformedQuery": form(client, query), "references": references}
        answer = client.post("pre-aggregations/can-use", body)
        assert answer.body == {"canUsePreAggregationForTransformedQuery": True}


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"transformedQuery": None}, '"transformedQuery" must be an object'),
        ({"references": [1]}, '"references" must be an object'),
        ({"references": {"measures": "orders.total"}}, '"references.measures" must be an array'),
        ({"references": {"measures": [1]}}, '"references.measures" must be an array of names'),
        (
            {"references": {"timeDimensions": ["orders.placed"]}},
            "must have a dimension and a granularity each",
        ),
        ({"references": {"measures": ["orders.nope"]}}, "'nope' not found for path 'orders.nope'"),
        ({"references": {"measures": ["orders.city"]}}, "orders.city"),
        ({"transformedQuery": {}}, "Query should contain either measures, dimensions or timeDimensions"),
        (
            {"transformedQuery": {"measures": ["orders.total"], "timeDimensions": [1]}},
            "must be an array of pairs",
        ),
        (
            {"transformedQuery": {"measures": ["orders.total"], "timeDimensions": [["orders.placed", None]]}},
            "must name what timeDimensions names",
        ),
        (
            {
                "transformedQuery": {
                    "timeDimensions": [["orders.placed", "day"]],
                    "sortedTimeDimensions": [["orders.placed", "fortnight"]],
                }
            },
            "has no range by 'fortnight'",
        ),
    ],
)
def test_what_is_wrong_with_a_request_is_told(client: Any, change: dict[str, Any], error: str) -> None:
    body = {"transformedQuery": form(client, TOTAL), "references": TOTAL, **change}
    answer = client.post("pre-aggregations/can-use", body)
    assert answer.status == 400
    assert error in answer.body["error"]


def test_members_that_may_not_be_asked_for_may_not_be_tried(client: Any) -> None:
    hidden = names(measures=["margin"])
    refused = client.get("sql", hidden)
    for body in (
        {"transformedQuery": form(client, TOTAL), "references": hidden},
        {"transformedQuery": {**form(client, TOTAL), **hidden}, "references": TOTAL},
    ):
        answer = client.post("pre-aggregations/can-use", body)
        assert (answer.status, answer.body["error"]) == (refused.status, refused.body["error"])


def test_a_server_that_keeps_no_rollups_answers_from_none(production: Any) -> None:
    query = {"measures": ["Orders.count"]}
    found = production.get("sql", query).body["sql"]["canUseTransformedQuery"]
    answer = production.post("pre-aggregations/can-use", {"transformedQuery": found, "references": query})
    assert (answer.status, answer.body) == (200, {"canUsePreAggregationForTransformedQuery": False})


# ---------------------------------------------------------------- rollupMatchResults


def test_dev_mode_tells_in_sql_how_each_rollup_matches(client: Any, developer: Any) -> None:
    query = TOTAL | names(dimensions=["city"])
    told = developer.get("sql", query).body["sql"]["rollupMatchResults"]
    assert [each["name"] for each in told] == ["orders.by_city", "orders.daily", "orders.shops"]
    assert [each["canUsePreAggregation"] for each in told] == [True, True, False]
    assert [each.get("reason") for each in told[1:]] == [
        "another one is smaller",
        "'orders.total' is not stored",
    ]
    assert told[1]["references"] == {
        "measures": ["orders.total"],
        "dimensions": ["orders.city", "orders.status", "orders.paid"],
        "timeDimensions": [{"dimension": "orders.placed", "granularity": "day"}],
        "rollups": [],
    }
    (read,) = developer.get("sql", query).body["sql"]["preAggregations"]
    assert told[0]["tableName"] == read["tableName"]
    assert "rollupMatchResults" not in client.get("sql", query).body["sql"]


def test_what_is_told_of_the_model_s_own_rollups_is_told_of_them_as_designs(developer: Any) -> None:
    for _, query, _, _ in CASES:
        described = developer.get("sql", query).body["sql"]
        for each in described["rollupMatchResults"]:
            body = {
                "transformedQuery": described["canUseTransformedQuery"],
                "references": each["references"],
            }
            usable = developer.post("pre-aggregations/can-use", body).body
            if usable["canUsePreAggregationForTransformedQuery"]:
                assert each["canUsePreAggregation"], (query, each)
