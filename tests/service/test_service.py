"""The pipeline as one: plans shared by shape, parts of an answer kept together, plugins that rewrite."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest

from cuboid.catalog.compile import compile_catalog
from cuboid.catalog.files import ModelFile
from cuboid.catalog.model import Catalog
from cuboid.errors import Forbidden, InvalidQuery, NoJoinPath
from cuboid.planning import ServiceSettings
from cuboid.request import RequestContext
from cuboid.run.data_source import DataSource
from cuboid.run.queue import QueueSettings
from cuboid.service import Service
from cuboid.types import Pending, Principal
from cuboid_duckdb.dialect import DuckDBDialect
from cuboid_duckdb.driver import DuckDBConfig, DuckDBDriver
from cuboid_duckdb.queue import DuckDBQueue

MODEL = """
cubes:
  - name: orders
    sql: SELECT * FROM (VALUES (1, 'new', 10), (2, 'paid', 20), (3, NULL, 30)) AS t (id, status, amount)
    measures: [{name: count, type: count}, {name: total, type: sum, sql: amount}]
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: status, sql: status, type: string}
  - name: slow
    sql: SELECT range AS id FROM range(0, {ROWS})
    measures: [{name: count, type: count_distinct, sql: "hash({CUBE}.id) % 1000"}]
    dimensions: [{name: bucket, sql: "{CUBE}.id % 3", type: number}]
  - name: elsewhere
    sql: SELECT 1 AS id
    data_source: other
    measures: [{name: count, type: count}]
"""


def model(rows: int = 10) -> Catalog:
    catalog = compile_catalog([ModelFile("m.yml", MODEL.replace("{ROWS}", str(rows)))])
    assert not catalog.errors
    return catalog


def data_source(name: str) -> DataSource:
    driver = DuckDBDriver(DuckDBConfig())
    return DataSource(name, driver, DuckDBDialect(), DuckDBQueue(driver, QueueSettings()))


def run(scenario: Any, catalog: Catalog | None = None, **options: Any) -> Any:
    """Runs ``scenario(service)`` on a service of its own with two data sources."""

    async def within() -> Any:
        held = catalog or model()
        service = Service(lambda: held, {name: data_source(name) for name in ("default", "other")}, **options)
        try:
            return await scenario(service)
        finally:
            await service.close()

    return asyncio.run(within())


CONTEXT = RequestContext()


def test_queries_that_differ_in_values_only_share_one_prepared_statement() -> None:
    async def scenario(service: Service) -> tuple[int, list[Any]]:
        answers = []
        for status, limit in (("new", 10), ("paid", 20), ("none", 30)):
            filters = [{"member": "orders.status", "operator": "equals", "values": [status]}]
            query = {"measures": ["orders.count"], "filters": filters, "limit": limit}
            answers.append(json.loads(await service.load(query, CONTEXT))["data"][0]["orders.count"])
        ((planner, _),) = service._planning._known.values()
        return len(planner._prepared), answers

    assert run(scenario) == (1, ["1", "1", "0"])


def test_a_slow_answer_of_two_statements_comes_to_an_end() -> None:
    """The statement and its count end at different times; neither is run again because the other was late."""
    query = {"measures": ["slow.count"], "dimensions": ["slow.bucket"], "total": True}

    async def scenario(service: Service) -> tuple[int, Any]:
        polls = 0
        while isinstance(answer := await service.load(query, CONTEXT), Pending):
            polls += 1
            assert polls < 2000
        return polls, json.loads(answer)

    polls, answer = run(scenario, model(20_000_000), settings=ServiceSettings(continue_wait=0.05))
    assert polls > 0
    assert answer["total"] == 3
    assert [row["slow.bucket"] for row in answer["data"]] == ["0", "1", "2"]


def test_members_of_two_data_sources_in_one_query_are_refused() -> None:
    query = {"measures": ["orders.count", "elsewhere.count"]}
    with pytest.raises(InvalidQuery, match="'orders' is in 'default', 'elsewhere' is in 'other'"):
        run(lambda service: service.load(query, CONTEXT))


def test_two_data_sources_answer_side_by_side() -> None:
    query = {"measures": ["elsewhere.count"]}
    assert json.loads(run(lambda service: service.load(query, CONTEXT)))["dataSource"] == "other"


def test_no_join_path_names_the_cubes_as_the_query_does() -> None:
    query = {"measures": ["slow.count"], "dimensions": ["orders.status"]}
    with pytest.raises(NoJoinPath, match="Can't find join path to join 'slow', 'orders'"):
        run(lambda service: service.load(query, CONTEXT))


def test_plugins_rewrite_what_was_asked() -> None:
    def only_paid(query: Mapping[str, Any], principal: Principal) -> Mapping[str, Any]:
        if "status" not in principal.claims:
            raise Forbidden("Who are you?")
        only = {"member": "orders.status", "operator": "equals", "values": [principal.claims["status"]]}
        return {**query, "filters": [*query.get("filters", ()), only]}

    query = {"measures": ["orders.total"]}
    paid = RequestContext(Principal({"status": "paid"}))
    answer = json.loads(run(lambda service: service.load(query, paid), rewrite_query=only_paid))
    assert answer["data"] == [{"orders.total": "20"}]
    with pytest.raises(Forbidden):
        run(lambda service: service.load(query, CONTEXT), rewrite_query=only_paid)


def test_a_new_catalog_is_used_from_the_next_request_on() -> None:
    async def scenario() -> list[str]:
        catalogs = [
            model(),
            compile_catalog([ModelFile("m.yml", MODEL.replace("20)", "21)").replace("{ROWS}", "1"))]),
        ]
        service = Service(lambda: catalogs[0], {"default": data_source("default")})
        answers = []
        for _ in range(2):
            answer = json.loads(await service.load({"measures": ["orders.total"]}, CONTEXT))
            answers.append(answer["data"][0]["orders.total"])
            catalogs.reverse()
        await service.close()
        return answers

    assert asyncio.run(scenario()) == ["60", "61"]


def test_the_cache_mode_of_the_request_is_checked() -> None:
    with pytest.raises(InvalidQuery, match='"cacheMode" must be one of'):
        run(lambda service: service.load({"measures": ["orders.count"]}, CONTEXT, cache="sometimes"))


def test_null_groups_are_answered_and_last() -> None:
    query = {
        "measures": ["orders.total"],
        "dimensions": ["orders.status"],
        "order": {"orders.status": "desc"},
    }
    answer = json.loads(run(lambda service: service.load(query, CONTEXT)))
    assert [row["orders.status"] for row in answer["data"]] == ["paid", "new", None]
