"""Which rollup answers which question, told by hand: the reasons in words, and numbers beside those of the tables."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest
from tests.oracle.kept import KeptRollups

from cuboid.catalog.compile import compile_catalog
from cuboid.catalog.files import ModelFile
from cuboid.request import RequestContext
from cuboid.run.data_source import DataSource
from cuboid.run.queue import QueueSettings
from cuboid.service import Service
from cuboid.types import Principal, Statement
from cuboid_duckdb.dialect import DuckDBDialect
from cuboid_duckdb.driver import DuckDBConfig, DuckDBDriver
from cuboid_duckdb.queue import DuckDBQueue

TABLES = """
CREATE TABLE users AS
SELECT * FROM (VALUES (1, 'Berlin', 'de'), (2, 'Paris', 'fr'), (3, NULL, 'fr')) t(id, city, country);
CREATE TABLE orders AS SELECT * FROM (VALUES
    (1, 1, 'paid', 10, TIMESTAMP '2024-03-30 23:30:00'),
    (2, 1, 'open', 20, TIMESTAMP '2024-03-31 00:30:00'),
    (3, 2, 'paid', 40, TIMESTAMP '2024-03-31 12:00:00'),
    (4, 3, 'paid', 80, TIMESTAMP '2024-04-01 00:00:00'),
    (5, NULL, NULL, 160, NULL)
) t(id, user_id, status, amount, created_at);
CREATE TABLE items AS SELECT * FROM (VALUES (1, 1, 'a'), (2, 1, 'b'), (3, 3, 'a')) t(id, order_id, product);
"""

MODEL = """
cubes:
  - name: users
    sql_table: users
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: city, sql: city, type: string}
      - {name: country, sql: country, type: string}
    measures:
      - {name: count, type: count}
  - name: orders
    sql_table: orders
    joins:
      - {name: users, relationship: many_to_one, sql: "{CUBE}.user_id = {users}.id"}
      - {name: items, relationship: one_to_many, sql: "{CUBE}.id = {items}.order_id"}
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: status, sql: status, type: string}
      - {name: created_at, sql: created_at, type: time}
    measures:
      - {name: count, type: count}
      - {name: revenue, type: sum, sql: amount}
      - {name: average, type: avg, sql: amount}
      - {name: ratio, type: number, sql: "{revenue} / {count}"}
      - {name: running, type: sum, sql: amount, rolling_window: {trailing: unbounded}}
      - {name: last_two_days, type: count, rolling_window: {trailing: 2 day}}
      - {name: previous, type: number, sql: "{revenue}", multi_stage: true,
         time_shift: [{time_dimension: created_at, interval: 1 day, type: prior}]}
    segments:
      - {name: paid, sql: "{CUBE}.status = 'paid'"}
    pre_aggregations:
      - name: daily
        measures: [revenue, count, running, last_two_days]
        dimensions: [users.city, status]
        time_dimension: created_at
        granularity: day
        partition_granularity: month
      - name: by_country
        measures: [revenue, count, average]
        dimensions: [users.country]
      - name: with_items
        measures: [revenue]
        dimensions: [items.product]
      - name: for_paid
        measures: [count]
        segments: [paid]
        dimensions: [users.city]
  - name: items
    sql_table: items
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: product, sql: product, type: string}
    measures:
      - {name: count, type: count}
"""

LIMITED = """
    access_policy:
      - groups: [seller]
        row_level: {filters: [{member: status, operator: equals, values: [paid]}]}
      - groups: [clerk]
        row_level: {filters: [{member: id, operator: equals, values: ["1"]}]}
"""

APRIL = {"dimension": "orders.created_at", "dateRange": ["2024-03-31", "2024-04-01"]}


class Shop:
    """The shop twice: over its tables, and with rollups."""

    def __init__(self, model: str = MODEL) -> None:
        catalog = compile_catalog([ModelFile("model.yml", model)])
        assert not catalog.errors, catalog.errors
        driver = DuckDBDriver(DuckDBConfig())
        source = DataSource("default", driver, DuckDBDialect(), DuckDBQueue(driver, QueueSettings()))
        self.kept = KeptRollups(source)
        self.source = source
        self.plain = Service(lambda: catalog, {"default": source})
        self.fast = Service(lambda: catalog, {"default": source}, rollups=self.kept)

    async def both(
        self, query: Mapping[str, Any], groups: list[str]
    ) -> tuple[Any, Any, list[dict[str, Any]]]:
        """The rows both ways, and what is said of each rollup."""
        context = RequestContext(Principal({"groups": groups}))
        for text in TABLES.split(";")[:-1]:
            await self.source.submit(Statement(text), wait=50)
        try:
            plain, fast = [await each.load(dict(query), context) for each in (self.plain, self.fast)]
            explained = await self.fast.explain(dict(query), context)
        finally:
            await self.fast.close()
            await self.plain.close()
        assert isinstance(plain, bytes)
        assert isinstance(fast, bytes)
        return (
            json.loads(plain)["data"],
            json.loads(fast)["data"],
            json.loads(explained)["explanations"][0]["rollups"],
        )


def asked(
    query: Mapping[str, Any], *, model: str = MODEL, groups: list[str] | None = None
) -> dict[str, str | None]:
    """Why each rollup does not serve the query, None for those that do; the answers are equal."""
    plain, fast, rollups = asyncio.run(Shop(model).both(query, groups or []))
    assert plain == fast
    return {
        each["rollup"].removeprefix("orders."): None if each["used"] else each["reason"] for each in rollups
    }


@pytest.mark.parametrize(
    ("query", "rollup"),
    [
        ({"measures": ["orders.revenue"]}, "by_country"),
        ({"measures": ["orders.revenue"], "dimensions": ["users.city"]}, "daily"),
        ({"measures": ["orders.ratio"], "dimensions": ["users.city"]}, "daily"),
        ({"measures": ["orders.average"], "dimensions": ["users.country"]}, "by_country"),
        (
            {
                "measures": ["orders.revenue"],
                "timeDimensions": [{**APRIL, "granularity": "month"}],
                "filters": [{"member": "orders.status", "operator": "notEquals", "values": ["open"]}],
            },
            "daily",
        ),
        ({"measures": ["orders.count"], "dimensions": ["users.city"], "total": True, "limit": 1}, "for_paid"),
        ({"measures": ["orders.count"], "segments": ["orders.paid"]}, "for_paid"),
        ({"measures": ["orders.running"], "timeDimensions": [{**APRIL, "granularity": "day"}]}, "daily"),
        (
            {
                "measures": ["orders.last_two_days", "orders.revenue"],
                "dimensions": ["users.city"],
                "timeDimensions": [{**APRIL, "granularity": "month"}],
            },
            "daily",
        ),
        ({"measures": ["orders.previous"], "timeDimensions": [{**APRIL, "granularity": "day"}]}, "daily"),
    ],
)
def test_a_rollup_serves(query: dict[str, Any], rollup: str) -> None:
    said = asked(query)
    assert [name for name, reason in said.items() if reason is None] == [rollup]


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({"measures": ["orders.average"], "dimensions": ["users.city"]}, "'orders.average' is not stored"),
        (
            {"measures": ["users.count"], "dimensions": ["users.city"]},
            "it begins at 'orders', the query at 'users'",
        ),
        ({"measures": ["orders.count"], "segments": ["orders.paid"]}, "segment 'orders.paid' is not stored"),
        (
            {"measures": ["orders.count"], "timeDimensions": [{**APRIL, "granularity": "hour"}]},
            "'orders.created_at' by hour does not follow from day",
        ),
        (
            {
                "measures": ["orders.count"],
                "timeDimensions": [
                    {
                        "dimension": "orders.created_at",
                        "dateRange": ["2024-03-31T12:00:00", "2024-04-01T12:00:00"],
                    }
                ],
            },
            "the range of 'orders.created_at' does not begin and end with its stored day",
        ),
        (
            {"measures": ["orders.revenue"], "dimensions": ["items.product"]},
            "it does not join 'items' as the query does",
        ),
        (
            {"dimensions": ["orders.status"], "measures": ["orders.count"], "ungrouped": True},
            "rows that are not aggregated are not stored",
        ),
        (
            {"measures": ["orders.count"], "filters": [{"member": "users.country", "operator": "set"}]},
            "'users.country', which a filter tests, is not stored",
        ),
    ],
)
def test_a_rollup_does_not_serve(query: dict[str, Any], reason: str) -> None:
    assert asked(query)["daily"] == reason


RETAIL = """
cubes:
  - name: days
    calendar: true
    sql: >
      SELECT DATE '2024-03-30' + CAST(n AS INTEGER) AS day, DATE '2024-03-30' + CAST(n - n % 2 AS INTEGER) AS pair
      FROM range(4) t(n)
    dimensions:
      - {name: day, sql: day, type: time, time_kind: date, primary_key: true, public: true,
         granularities: [{name: pair, sql: "{CUBE}.pair"}]}
  - name: orders
    sql_table: orders
    joins: [{name: days, relationship: many_to_one, sql: "CAST({CUBE}.created_at AS DATE) = {days.day}"}]
    dimensions: [{name: id, sql: id, type: number, primary_key: true}]
    measures:
      - {name: revenue, type: sum, sql: amount}
      - {name: running, type: sum, sql: amount, rolling_window: {trailing: unbounded}}
      - {name: best, type: max, sql: "{revenue}", multi_stage: true, rolling_window: {trailing: unbounded}}
    pre_aggregations:
      - {name: daily, measures: [revenue, running], dimensions: [days.day]}
      - {name: by_day, measures: [revenue, running], time_dimension: days.day, granularity: day}
"""


@pytest.mark.parametrize("measure", ["running", "best"])
def test_frames_that_a_calendar_tells_are_not_looked_up_in_rollups(measure: str) -> None:
    time = {"dimension": "days.day", "granularity": "pair"}
    said = asked({"measures": [f"orders.{measure}"], "timeDimensions": [time]}, model=RETAIL)
    assert set(said) == {"daily", "by_day"}
    assert None not in said.values()


def test_a_repeated_measure_serves_its_own_groups_only() -> None:
    by_product = asked({"measures": ["orders.revenue"], "dimensions": ["items.product"]})
    assert by_product["with_items"] is None  # 50 for a, 10 for b: each order once in a group
    in_all = asked({"measures": ["orders.revenue"]})
    assert in_all["with_items"] == (
        "'orders.revenue' (sum) is stored for other groups, and its values cannot be aggregated again"
    )


def test_days_are_those_of_the_zone() -> None:
    query = {
        "measures": ["orders.revenue"],
        "timeDimensions": [{**APRIL, "granularity": "day"}],
        "timezone": "Europe/Berlin",
    }
    plain, fast, said = asyncio.run(Shop().both(query, []))
    assert [row["orders.revenue"] for row in fast] == [
        "70",
        "80",
    ]  # the 30th at 23:30 UTC is the 31st in Berlin
    assert plain == fast
    assert next(each for each in said if each["rollup"] == "orders.daily")["used"]


def test_row_rules_hold_on_stored_rows() -> None:
    model = MODEL.replace("    pre_aggregations:\n", f"{LIMITED}    pre_aggregations:\n", 1)
    query = {"measures": ["orders.revenue"], "dimensions": ["users.city"]}
    plain, fast, said = asyncio.run(Shop(model).both(query, ["seller"]))
    assert sorted((row["users.city"] or "", row["orders.revenue"]) for row in fast) == [
        ("", "80"),
        ("Berlin", "10"),
        ("Paris", "40"),
    ]
    assert plain == fast
    assert next(each for each in said if each["used"])["rollup"] == "orders.daily"
    assert (
        asked(query, model=model, groups=["clerk"])["daily"]
        == "'orders.id', which a filter tests, is not stored"
    )


def test_a_rollup_in_the_store_is_taken_before_one_in_the_source() -> None:
    model = MODEL.replace("      - name: for_paid\n", "      - name: for_paid\n        external: false\n")
    reasons = asked({"measures": ["orders.count"]}, model=model)
    assert reasons["for_paid"] == "one in the store is taken before those in a source's own schema"
