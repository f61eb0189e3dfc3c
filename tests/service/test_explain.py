"""``Service.explain``: why a query is answered as it is, checked against what the semantics say of small models."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from tests.service.test_access import BY_COUNTRY, DE, model
from tests.service.test_join_hints import BY_CITY
from tests.service.test_join_hints import MODEL as CITIES
from tests.service.test_sub_queries import MODEL as PEOPLE

from cuboid.catalog.compile import compile_catalog
from cuboid.catalog.files import ModelFile
from cuboid.request import RequestContext
from cuboid.run.data_source import DataSource
from cuboid.run.queue import QueueSettings
from cuboid.service import Service
from cuboid.types import Principal
from cuboid_duckdb.dialect import DuckDBDialect
from cuboid_duckdb.driver import DuckDBConfig, DuckDBDriver
from cuboid_duckdb.queue import DuckDBQueue


def explain(text: str, claims: Mapping[str, Any] | None = None, **query: Any) -> dict[str, Any]:
    catalog = compile_catalog([ModelFile("model.yml", text)])
    assert not catalog.errors
    driver = DuckDBDriver(DuckDBConfig())
    source = DataSource("default", driver, DuckDBDialect(), DuckDBQueue(driver, QueueSettings()))

    async def answer() -> bytes:
        service = Service(lambda: catalog, {"default": source})
        try:
            return await service.explain(query, RequestContext(Principal(claims or {}), dev=True))
        finally:
            await service.close()

    body = json.loads(asyncio.run(answer()))
    assert body["queryType"] == "regularQuery"
    (explained,) = body["explanations"]
    return dict(explained)


def steps(step: Mapping[str, Any]) -> list[str]:
    return [step["step"], *(each for inner in step["inputs"] for each in steps(inner))]


def test_equal_paths_are_told_and_which_one_is_taken() -> None:
    (relation,) = explain(CITIES, **BY_CITY)["relations"]
    assert relation["root"] == "orders"
    assert relation["why"] == "leads to all needed cubes by 2 joins; cities does not lead to all"
    assert relation["joins"] == [
        {
            "from": "orders",
            "to": "shops",
            "relationship": "many_to_one",
            "why": "on the shortest path",
            "alternatives": [],
        },
        {
            "from": "shops",
            "to": "cities",
            "relationship": "many_to_one",
            "why": "first declared of 2 equally short paths",
            "alternatives": ["people to cities"],
        },
    ]


def test_hints_and_named_paths_are_reasons() -> None:
    (relation,) = explain(CITIES, **BY_CITY, joinHints=[["people", "cities"]])["relations"]
    assert relation["joins"][-1]["why"] == "by the join hint people.cities"
    (relation,) = explain(CITIES, dimensions=["sold.name"], measures=["sold.count"])["relations"]
    assert [each["why"] for each in relation["joins"]] == ["named by the path orders.shops.cities"] * 2


def test_the_grain_of_a_measure_and_the_joins_that_repeat_it() -> None:
    explained = explain(PEOPLE, dimensions=["orders.status"], measures=["users.spent_in_all", "orders.mean"])
    by_name = {each["measure"]: each for each in explained["measures"]}
    spent = by_name["users.spent_in_all"]
    assert spent["grain"] == "a row of users (id)"
    assert spent["repeatedBy"] == ["users to orders (one_to_many)"]
    assert spent["how"] == "joins repeat its rows: each is taken once in a group, by its primary key"
    assert by_name["orders.total"]["repeatedBy"] == []
    assert by_name["orders.mean"]["how"] == "computed for each group from orders.total, orders.count"


def test_conditions_on_one_fact_are_not_applied_to_the_other() -> None:
    explained = explain(
        """
        cubes:
          - {name: cities, sql_table: cities, dimensions: [{name: id, sql: id, type: number, primary_key: true}]}
          - name: orders
            sql_table: orders
            joins: [{name: cities, relationship: many_to_one, sql: "{CUBE}.city_id = {cities.id}"}]
            dimensions:
              - {name: id, sql: id, type: number, primary_key: true}
              - {name: status, sql: status, type: string}
            measures: [{name: count, type: count}]
          - name: returns
            sql_table: returns
            joins: [{name: cities, relationship: many_to_one, sql: "{CUBE}.city_id = {cities.id}"}]
            dimensions: [{name: id, sql: id, type: number, primary_key: true}]
            measures: [{name: count, type: count}]
        """,
        measures=["orders.count", "returns.count"],
        filters=[{"member": "orders.status", "operator": "equals", "values": ["a secret"]}],
    )
    orders, returns = explained["relations"]
    assert (orders["conditions"], orders["notApplied"]) == (["orders.status equals a value"], [])
    assert (returns["conditions"], returns["notApplied"]) == ([], ["orders.status equals a value"])
    assert explained["sql"]["parameters"] == ["a secret"]
    assert steps(explained["plan"]["built"])[1] == "Combine the groups of 2, null-safe"


def test_dates_are_told_from_words_to_bounds() -> None:
    dates = explain(
        PEOPLE,
        measures=["orders.count"],
        timezone="Asia/Tokyo",
        timeDimensions=[{"dimension": "orders.at", "granularity": "month", "dateRange": "January 2024"}],
    )["dates"]
    assert dates["timezone"] == "Asia/Tokyo"
    (told,) = dates["ranges"]
    assert told["written"] == "January 2024"
    assert told["civil"] == ["2024-01-01T00:00:00.000", "2024-01-31T23:59:59.999"]
    assert told["compared"] == "2023-12-31T15:00:00 <= x < 2024-01-31T15:00:00"
    (group,) = dates["groups"]
    assert group["how"] == "shown on the wall clock of Asia/Tokyo, then floored to the month"


def test_policies_are_told_by_group_and_condition_without_values() -> None:
    text = model(orders=BY_COUNTRY)
    explained = explain(text, DE, measures=["orders.count"], dimensions=["users.city"])
    (told,) = explained["policies"]
    assert told["cube"] == "orders"
    assert told["rows"] == "orders.country equals a value"
    assert [(each["groups"], each["applies"]) for each in told["policies"]] == [
        (["admin"], False),
        (["seller"], True),
        (["auditor"], False),
    ]
    assert told["policies"][1]["rows"] == "orders.country equals security_context.country"
    assert told["policies"][2]["rows"] == "orders.price gte a constant"
    assert "DE" not in json.dumps({**explained, "sql": None})


def test_sub_queries_are_stages() -> None:
    explained = explain(PEOPLE, dimensions=["users.spent"])
    assert explained["stages"] == ["users.spent is evaluated by users.id and joined to the rows of users"]
    assert "Column users.spent of users, by users.id" in steps(explained["plan"]["rewritten"])


def test_rewrites_are_named() -> None:
    explained = explain(PEOPLE, dimensions=["orders.status"], measures=["users.count"])
    assert explained["plan"]["rewrites"][0] == (
        "A count of repeated rows of a cube with a one-column key is a count of distinct keys."
    )
    assert "Aggregate users.count (as distinct keys) by orders.status" in steps(
        explained["plan"]["rewritten"]
    )


SALES = """
cubes:
  - name: sales
    sql_table: sales
    measures:
      - {name: total, type: sum, sql: amount}
      - {name: mean_buyer, type: avg, sql: "{total}", multi_stage: true, add_group_by: [buyer]}
      - {name: of_city, type: number, sql: "{total}", multi_stage: true, group_by: [city]}
      - {name: place, type: rank, multi_stage: true, reduce_by: [city], order_by: [{sql: "{total}", dir: desc}]}
      - {name: before, type: number, sql: "{total}", multi_stage: true, time_shift: [{interval: 1 month, type: prior}]}
      - {name: week, type: sum, sql: amount, rolling_window: {trailing: 7 days}}
      - {name: so_far, type: sum, sql: amount, rolling_window: {type: to_date, granularity: year}}
      - {name: last, type: sum, sql: amount, semi_additive: {time_dimension: at, take: last}}
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: city, sql: city, type: string}
      - {name: buyer, sql: buyer, type: string}
      - {name: at, sql: at, type: time}
"""


def told(*measures: str, **query: Any) -> list[str]:
    """Each stage of the plan, its details behind a colon."""
    query.setdefault("dimensions", ["sales.city"])
    stages: list[str] = explain(SALES, measures=[f"sales.{each}" for each in measures], **query)["stages"]
    return stages


def test_stages_say_what_is_computed_from_which_groups() -> None:
    assert told("mean_buyer")[0] == (
        "The mean over groups: sales.mean_buyer by sales.city: computed from the groups by sales.city, sales.buyer; "
        "put together over sales.buyer"
    )
    assert told("of_city", dimensions=["sales.city", "sales.buyer"])[0] == (
        "A formula for each group: sales.of_city by sales.city, sales.buyer: computed from the groups by sales.city; "
        "each group has the value of its sales.city"
    )
    assert told("place", dimensions=["sales.city", "sales.buyer"])[0] == (
        "The rank within sales.buyer: sales.place by sales.city, sales.buyer: "
        "computed from the groups by sales.city, sales.buyer"
    )


def test_windows_say_how_far_a_frame_reaches() -> None:
    days = {"timeDimensions": [{"dimension": "sales.at", "granularity": "day", "dateRange": "last week"}]}
    assert told("week", dimensions=[], **days) == [
        "Rolling sales.week by sales.at.day: buckets of sales.at every 1 day, those of the date range; "
        "a frame runs from 7 days before the bucket's end to nothing after it; "
        "rows are added up by day first: each frame holds whole buckets"
    ]
    months = {"timeDimensions": [{"dimension": "sales.at", "granularity": "month"}]}
    assert told("so_far", dimensions=[], **months) == [
        "Rolling sales.so_far by sales.at.month: buckets of sales.at every 1 month, from the first to the last that "
        "has rows; a frame runs from the beginning of its 12 months to the bucket's end; "
        "rows are added up by month first: each frame holds whole buckets"
    ]


RETAIL = """
cubes:
  - name: days
    sql_table: days
    calendar: true
    dimensions:
      - {name: day, sql: day, type: time, time_kind: date, primary_key: true, public: true,
         granularities: [{name: shop_month, sql: "{CUBE}.month"}, {name: shop_year, sql: "{CUBE}.year"}]}
  - name: sales
    sql_table: sales
    joins: [{name: days, relationship: many_to_one, sql: "{CUBE}.day = {days.day}"}]
    dimensions: [{name: id, sql: id, type: number, primary_key: true}]
    measures:
      - {name: quarter, type: sum, sql: amount, rolling_window: {trailing: 3 shop_months}}
      - {name: so_far, type: sum, sql: amount, rolling_window: {type: to_date, granularity: shop_year}}
"""


def test_windows_along_a_calendar_say_where_their_buckets_stand() -> None:
    time = {"dimension": "days.day", "granularity": "shop_month", "dateRange": "this year"}
    explained = explain(RETAIL, measures=["sales.quarter", "sales.so_far"], timeDimensions=[time])
    assert explained["stages"][1:] == [
        "Rolling sales.quarter by days.day.shop_month: buckets of days.day are groups of the calendar's rows, those of "
        "the date range; a frame runs from 3 bins of shop_month before the bucket's end to nothing after it; "
        "rows are added up by day first: each frame holds whole buckets",
        "Rolling sales.so_far by days.day.shop_month: buckets of days.day are groups of the calendar's rows, those of "
        "the date range; a frame runs from the first of the calendar's rows of its shop_year to the bucket's end; "
        "rows are added up by day first: each frame holds whole buckets",
    ]
    assert sorted(each["root"] for each in explained["relations"]) == ["days", "sales"]


def test_shifts_say_how_a_time_is_read() -> None:
    months = [{"dimension": "sales.at", "granularity": "month"}]
    plan = explain(SALES, measures=["sales.before"], timeDimensions=months)["plan"]["built"]
    details: list[str] = []
    waiting = [plan]
    while waiting:
        step = waiting.pop()
        details += step["details"]
        waiting += step["inputs"]
    assert "sales.at read 1 month later" in details


def test_what_is_not_read_again_is_told() -> None:
    stages = told("total", "of_city", dimensions=["sales.city", "sales.buyer"])
    assert (
        "Take sales.total by sales.city from groups that are known: added up, no row is read again" in stages
    )
    top = {"dimension": "sales.city", "by": "sales.total", "limit": 3, "others": "rest"}
    (cut,) = told("total", top=top)
    assert cut == (
        "Cut the groups to the first values of sales.city, by sales.total: the others are one group, "
        "their values added up"
    )
    share = told("total", percentOfTotal=[{"measure": "sales.total"}])
    assert share == ["Shares of totals"]


def test_a_snapshot_says_which_measures_it_is_for() -> None:
    (stage,) = told("last", "total")
    assert stage == (
        "Aggregate sales.last, sales.total by sales.city: only rows of the last sales.at of the group, for sales.last"
    )
