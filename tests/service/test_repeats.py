"""Requests that come again are known again by all that they are read from; what counts from the present is not."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest

from cuboid.catalog.compile import compile_catalog
from cuboid.catalog.files import ModelFile
from cuboid.planner import Planner
from cuboid.planning import ServiceSettings
from cuboid.repeats import LARGEST, MOST, Repeats
from cuboid.request import Request, RequestContext
from cuboid.run.data_source import DataSource
from cuboid.run.queue import QueueSettings
from cuboid.service import Service
from cuboid.types import Principal
from cuboid_duckdb.dialect import DuckDBDialect
from cuboid_duckdb.driver import DuckDBConfig, DuckDBDriver
from cuboid_duckdb.queue import DuckDBQueue

MODEL = """
cubes:
  - name: orders
    sql_table: orders
    measures: [{name: count, type: count}]
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: at, sql: at, type: time}
views:
  - name: lately
    cubes: [{join_path: orders, includes: [count, at]}]
    default_filters: [{member: at, operator: inDateRange, values: [last 7 days]}]
"""
TENANTS = MODEL.replace(
    "    measures:",
    """    access_policy:
      - group: "*"
        row_level: {filters: [{member: id, operator: equals, values: "{security_context.tenant}"}]}
    measures:""",
)
CATALOG = compile_catalog([ModelFile("model.yml", MODEL)])
CONTEXT = RequestContext(Principal(MappingProxyType({"tenant": 1})))


def read(query: object) -> Request:
    _, reader = Service(lambda: CATALOG, {})._planning.over(CATALOG)
    return reader.read(query, CONTEXT)


def ranged(range: object) -> dict[str, Any]:
    return {"measures": ["orders.count"], "timeDimensions": [{"dimension": "orders.at", "dateRange": range}]}


@pytest.mark.parametrize(
    "range",
    [
        *("now", "today", "yesterday", "tomorrow", "this week", "last month", "next year", "last 30 seconds"),
        *(
            "next 2 quarters",
            "from 7 days ago to now",
            "from 2024-01-01 to now",
            "from an hour ago to tomorrow",
        ),
        *("in 2 days", "3 months from now"),
    ],
)
def test_words_count_from_the_present(range: str) -> None:
    assert read(ranged(range)).moving
    filtered = {"member": "orders.at", "operator": "inDateRange", "values": [range]}
    assert read({"measures": ["orders.count"], "filters": [filtered]}).moving


@pytest.mark.parametrize("range", ["2024", "January 2024", "2024-01-01", ["2024-01-01", "2024-02-01"]])
def test_dates_do_not(range: object) -> None:
    assert not read(ranged(range)).moving
    assert not read({"measures": ["orders.count"]}).moving


def test_words_of_the_model_count_from_the_present_too() -> None:
    assert not CATALOG.errors
    assert read({"measures": ["lately.count"]}).moving
    dated = [{"dimension": "lately.at", "dateRange": "2024"}]
    assert not read({"measures": ["lately.count"], "timeDimensions": dated}).moving


PLANNERS = [Planner(CATALOG, lambda name: DuckDBDialect()) for _ in range(2)]


def make(*, plugins_decide: bool = False) -> Repeats[str]:
    service = Service(lambda: CATALOG, {}, ServiceSettings(plugins_decide=plugins_decide))
    return Repeats(service.planning)


def key(repeats: Repeats[str], raw: object = "{}", context: RequestContext = CONTEXT, **more: Any) -> Any:
    given = {"planner": PLANNERS[0], "epoch": 0, "options": (None, None, False), **more}
    return repeats.key(raw, context, given["planner"], given["epoch"], given["options"])


def test_a_request_is_another_with_any_other_part() -> None:
    repeats = make()
    claims: list[dict[str, Any]] = [{}, {"tenant": "1"}, {"tenant": True}, {"tenant": 1, "exp": 5}]
    others = [
        *(
            key(repeats, raw)
            for raw in ("{} ", {}, {"a": 1}, {"a": True}, {"a": 1.0}, {"a": "1"}, [{}], None)
        ),
        *(key(repeats, context=RequestContext(Principal(MappingProxyType(each)))) for each in claims),
        key(repeats, context=replace(CONTEXT, dev=True)),
        key(repeats, context=RequestContext(Principal(CONTEXT.principal.claims, {"tenant": 2}))),
        key(repeats, planner=PLANNERS[1]),
        key(repeats, epoch=1),
        key(repeats, options=("multi", None, False)),
        key(repeats, options=(None, "no-cache", False)),
        key(repeats, options=(None, None, True)),
    ]
    assert len({key(repeats), *others}) == len(others) + 1
    assert key(repeats, {"a": [1, "x"]}) == key(repeats, {"a": [1, "".join("x")]})


def test_what_is_large_or_at_the_mercy_of_plugins_or_time_is_not_known() -> None:
    repeats = make()
    assert key(repeats, "x" * LARGEST) is None
    assert key(repeats, {"a": object()}) is None
    assert key(make(plugins_decide=True)) is None
    repeats.put(key(repeats), "known", Request("regularQuery", (), moving=True), PLANNERS[0], ())
    assert repeats.get(key(repeats)) is None
    lasting = Request("regularQuery", (), moving=False)
    for number in range(MOST + 1):
        repeats.put(key(repeats, str(number)), str(number), lasting, PLANNERS[0], ())
    assert repeats.get(key(repeats, "0")) is None
    assert repeats.get(key(repeats, str(MOST))) == str(MOST)


def test_sql_that_was_told_is_kept_for_those_who_ask_alike() -> None:
    """The claim stands in the statement's parameters: what is told one tenant is told no other."""
    catalogs = [compile_catalog([ModelFile("model.yml", text)]) for text in (TENANTS, MODEL)]
    assert not any(catalog.errors for catalog in catalogs)
    driver = DuckDBDriver(DuckDBConfig())
    source = DataSource("default", driver, DuckDBDialect(), DuckDBQueue(driver, QueueSettings()))
    service = Service(lambda: catalogs[0], {"default": source})
    other = RequestContext(Principal(MappingProxyType({"tenant": 2})))
    query, lately = {"measures": ["orders.count"]}, ranged("last 7 days")

    async def ask() -> list[bytes]:
        told = [await service.sql(query, context) for context in (CONTEXT, other)]
        assert told[0] != told[1]
        again = [await service.sql(query, context) for context in (CONTEXT, other)]
        assert all(kept is before for kept, before in zip(again, told, strict=True))  # not made anew
        assert await service.sql({**query, "limit": 1}, CONTEXT) not in told
        assert await service.sql(query, replace(CONTEXT, dev=True)) is not told[0]
        assert await service.sql(lately, CONTEXT) is not await service.sql(lately, CONTEXT)
        del catalogs[0]
        return [*told, await service.sql(query, CONTEXT)]

    one, two, open_to_all = (json.loads(body)["sql"]["sql"] for body in asyncio.run(ask()))
    assert (one[1], two[1], open_to_all[1]) == (["1"], ["2"], [])
