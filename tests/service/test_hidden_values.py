"""What a mask hides changes no answer: the same questions over two tables that differ in hidden values only."""

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
from cuboid.types import Principal, Statement
from cuboid_duckdb.dialect import DuckDBDialect
from cuboid_duckdb.driver import DuckDBConfig, DuckDBDriver
from cuboid_duckdb.queue import DuckDBQueue

# Hidden: the numbers of all people, and what is sold in Secret, which the city itself says.
TABLES = """
CREATE TABLE people AS SELECT * FROM (VALUES (1, 'Rome', {one}), (2, 'Oslo', {other})) t(id, city, ssn);
CREATE TABLE sales AS SELECT * FROM (VALUES
    (1, 1, 'Rome', 3), (2, 1, 'Rome', 4), (3, 2, 'Oslo', 5), (4, 2, 'Secret', {amount})
) t(id, person_id, city, amount);
"""
MODEL = """
cubes:
  - name: people
    sql: "SELECT * FROM people WHERE {FILTER_PARAMS.people.ssn.filter('ssn')}"
    joins:
      - {name: sales, relationship: one_to_many, sql: "{CUBE}.id = {sales}.person_id"}
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: city, sql: city, type: string}
      - {name: ssn, sql: ssn, type: string}
      - {name: spent, sql: "{sales.everything}", type: number, sub_query: true,
         propagate_filters_to_sub_query: true}
    measures:
      - {name: count, type: count}
    access_policy:
      - groups: [clerk]
        member_level: {excludes: [ssn]}
        member_masking: {includes: [ssn]}
  - name: sales
    sql_table: sales
    joins:
      - {name: people, relationship: many_to_one, sql: "{CUBE}.person_id = {people}.id"}
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: city, sql: city, type: string}
    measures:
      - {name: count, type: count}
      - {name: everything, type: count}
      - {name: amount, type: sum, sql: amount}
      - {name: of_all, type: sum, sql: "{amount}", multi_stage: true, reduce_by: [city]}
      - {name: place, type: rank, multi_stage: true, reduce_by: [city], order_by: [{sql: "{amount}", dir: desc}]}
    access_policy:
      - groups: [clerk]
        member_level: {excludes: [amount, of_all, place]}
        member_masking: {includes: [amount, of_all, place]}
      - groups: [clerk]
        member_level: {includes: "*"}
        row_level: {filters: [{member: city, operator: notEquals, values: [Secret]}]}
"""


def filtered(operator: str, value: str, **query: Any) -> dict[str, Any]:
    return query | {"filters": [{"member": "people.ssn", "operator": operator, "values": [value]}]}


QUESTIONS: list[dict[str, Any]] = [
    {"measures": ["sales.amount", "sales.count"], "dimensions": ["sales.city"]},
    *(
        {
            "measures": ["sales.amount", "sales.count"],
            "dimensions": ["sales.city"],
            "top": {"dimension": "sales.city", "by": "sales.count", "limit": 1, "others": others},
        }
        for others in ("others", "Rome", None, False)
    ),
    {"measures": ["sales.of_all", "sales.place"], "dimensions": ["sales.city"]},
    filtered("notEquals", "222", measures=["people.count"]),
    filtered("notStartsWith", "2", measures=["people.count"]),
    filtered("notEquals", "222", measures=["people.count"], dimensions=["people.city", "people.spent"]),
    filtered("notContains", "2", measures=["sales.count"], dimensions=["people.city"]),
]


def answers(question: dict[str, Any], **hidden: Any) -> list[dict[str, Any]]:
    catalog = compile_catalog([ModelFile("model.yml", MODEL)])
    assert not catalog.errors, catalog.errors
    driver = DuckDBDriver(DuckDBConfig())
    source = DataSource("default", driver, DuckDBDialect(), DuckDBQueue(driver, QueueSettings()))

    async def ask() -> bytes:
        service = Service(lambda: catalog, {"default": source})
        try:
            for text in TABLES.format(**hidden).split(";")[:-1]:
                await source.submit(Statement(text), wait=50)
            answer = await service.load(question, RequestContext(Principal({"groups": ["clerk"]})))
        finally:
            await service.close()
        assert isinstance(answer, bytes)
        return answer

    rows: list[dict[str, Any]] = json.loads(asyncio.run(ask()))["data"]
    return rows


@pytest.mark.parametrize("question", QUESTIONS, ids=str)
def test_a_hidden_value_changes_no_answer(question: dict[str, Any]) -> None:
    some = answers(question, one="'111'", other="'222'", amount=1000)
    others = answers(question, one="'345'", other="'678'", amount=1)
    assert some == others
    assert some


def test_what_is_open_is_told() -> None:
    rows = answers(QUESTIONS[0], one="'111'", other="'222'", amount=1000)
    assert {row["sales.city"]: row["sales.amount"] for row in rows} == {
        "Rome": "7",
        "Oslo": "5",
        "Secret": None,
    }
