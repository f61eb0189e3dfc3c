"""``cacheKeyQueries`` of /v1/sql: the refresh keys of all cubes that a query reads."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from cuboid.catalog.compile import compile_catalog
from cuboid.catalog.files import ModelFile
from cuboid.request import RequestContext
from cuboid.run.data_source import DataSource
from cuboid.run.queue import QueueSettings
from cuboid.service import Service
from cuboid_duckdb.dialect import DuckDBDialect
from cuboid_duckdb.driver import DuckDBConfig, DuckDBDriver
from cuboid_duckdb.queue import DuckDBQueue

MODEL = """
cubes:
  - name: plain
    sql_table: plain
    measures: [{name: count, type: count}]
    dimensions: [{name: id, sql: id, type: number, primary_key: true}]
    joins: [{name: asked, relationship: many_to_one, sql: "{CUBE}.id = {asked}.id"}]
  - name: asked
    sql_table: asked
    refresh_key: {sql: "SELECT max(at) FROM {CUBE.sql()} WHERE at > '5%'", every: 2 minutes}
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: kind, sql: kind, type: string}
  - name: daily
    sql_table: daily
    refresh_key: {every: 1 day}
    measures: [{name: count, type: count}]
  - name: weekly
    sql_table: weekly
    refresh_key: {every: "0 6 * * 1", timezone: Asia/Tokyo}
    measures: [{name: count, type: count}]
  - name: fixed
    sql_table: fixed
    refresh_key: {immutable: true}
    measures: [{name: count, type: count}]
  - name: personal
    sql_table: personal
    refresh_key: {sql: "SELECT max(at) FROM t WHERE {SECURITY_CONTEXT.tenant.filter('tenant')}"}
    measures: [{name: count, type: count}]
"""
CLOCK = "SELECT FLOOR(EXTRACT(EPOCH FROM CURRENT_TIMESTAMP) / 10) AS refresh_key"
ASKED = "SELECT max(at) FROM asked WHERE at > '5%'"


def keys(query: dict[str, Any]) -> dict[str, Any]:
    catalog = compile_catalog([ModelFile("model.yml", MODEL)])
    assert not catalog.errors, catalog.errors
    driver = DuckDBDriver(DuckDBConfig())
    source = DataSource("default", driver, DuckDBDialect(), DuckDBQueue(driver, QueueSettings()))
    service = Service(lambda: catalog, {"default": source})
    found: dict[str, Any] = json.loads(asyncio.run(service.sql(query, RequestContext())))["sql"]
    shown: dict[str, Any] = found["cacheKeyQueries"]
    return shown


@pytest.mark.parametrize(
    ("query", "queries", "threshold"),
    [
        ({"measures": ["plain.count"]}, [CLOCK], 10),
        ({"dimensions": ["asked.kind"]}, [ASKED], 120),
        ({"measures": ["plain.count"], "dimensions": ["asked.kind"]}, [ASKED, CLOCK], 10),
        (
            {"measures": ["daily.count"], "timezone": "Asia/Tokyo"},
            ["SELECT FLOOR((EXTRACT(EPOCH FROM CURRENT_TIMESTAMP) + 32400) / 86400) AS refresh_key"],
            300,
        ),
        # Tokyo's clock is 9 h ahead; the first Monday, 6 o'clock, is 4 days and 6 hours after 1970.
        (
            {"measures": ["weekly.count"]},
            [
                f"SELECT FLOOR((EXTRACT(EPOCH FROM CURRENT_TIMESTAMP) - {4 * 86400 + 21600 - 32400}) / 604800)"
                " AS refresh_key"
            ],
            300,
        ),
        ({"measures": ["fixed.count"]}, [], 86400),
        # It is asked once for all, so it cannot depend on who asks: nothing is kept.
        ({"measures": ["personal.count"]}, [], 0),
    ],
)
def test_each_cube_of_a_query_has_its_key(
    query: dict[str, Any], queries: list[str], threshold: float
) -> None:
    assert keys(query) == {"queries": [[sql, []] for sql in queries], "renewalThreshold": threshold}
