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

# Hidden: the numbers of all people, and what is sold and sent back in Secret, which the city itself says.
TABLES = """
CREATE TABLE people AS SELECT * FROM (VALUES (1, 'Rome', {one}), (2, 'Oslo', {other})) t(id, city, ssn);
CREATE TABLE sales AS SELECT * FROM (VALUES
    (1, 1, 'Rome', 3), (2, 1, 'Rome', 4), (3, 2, 'Oslo', 5), (4, 2, 'Secret', {amount})
) t(id, person_id, city, amount);
CREATE TABLE returns AS SELECT * FROM (VALUES
    (1, 1, 'Rome', 2), (2, 2, 'Oslo', 1), (3, 2, 'Secret', {amount})
) t(id, person_id, city, refund);
"""
MODEL = """
cubes:
  - name: people
    sql: >
      SELECT * FROM people WHERE {FILTER_PARAMS.people.ssn.filter('ssn')}
      AND {FILTER_GROUP(FILTER_PARAMS.people.ssn.filter('ssn'), FILTER_PARAMS.people.city.filter('city'))}
    joins:
      - {name: sales, relationship: one_to_many, sql: "{CUBE}.id = {sales}.person_id"}
      - {name: returns, relationship: one_to_many, sql: "{CUBE}.id = {returns}.person_id"}
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
      - {name: unit, type: switch, values: [money, pieces]}
      - {name: secret_unit, type: switch, values: [money, pieces]}
    measures:
      - {name: count, type: count}
      - {name: everything, type: count}
      - &worth
        name: worth
        type: number
        multi_stage: true
        case: {switch: unit, when: [{value: money, sql: "{amount}"}], else: {sql: "{everything}"}}
      - name: secret_worth
        type: number
        multi_stage: true
        case: {switch: secret_unit, when: [{value: money, sql: "{amount}"}], else: {sql: "{everything}"}}
      - {name: amount, type: sum, sql: amount}
      - {name: of_all, type: sum, sql: "{amount}", multi_stage: true, reduce_by: [city]}
      - {name: place, type: rank, multi_stage: true, reduce_by: [city], order_by: [{sql: "{amount}", dir: desc}]}
    access_policy:
      - groups: [clerk]
        member_level: {excludes: [amount, of_all, place, worth, secret_worth, secret_unit]}
        member_masking: {includes: [amount, of_all, place, worth, secret_worth, secret_unit]}
      - groups: [clerk]
        member_level: {includes: "*", excludes: [secret_unit]}
        row_level: {filters: [{member: city, operator: notEquals, values: [Secret]}]}
  - name: returns
    sql_table: returns
    joins:
      - {name: people, relationship: many_to_one, sql: "{CUBE}.person_id = {people}.id"}
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: city, sql: city, type: string}
    measures:
      - {name: count, type: count}
      - {name: refund, type: sum, sql: refund}
    access_policy:
      - groups: [clerk]
        member_level: {excludes: [refund]}
        member_masking: {includes: [refund]}
      - groups: [clerk]
        member_level: {includes: "*"}
        row_level: {filters: [{member: city, operator: notEquals, values: [Secret]}]}
"""


def filtered(operator: str, value: str, **query: Any) -> dict[str, Any]:
    return query | {"filters": [{"member": "people.ssn", "operator": operator, "values": [value]}]}


def over(measure: str, value: int) -> dict[str, Any]:
    return {"member": measure, "operator": "gt", "values": [str(value)]}


def pinned(switch: str) -> dict[str, Any]:
    return {"member": switch, "operator": "equals", "values": ["money"]}


BOTH = ["sales.amount", "sales.count", "returns.refund", "returns.count"]


def first(dimension: str, by: str, *measures: str, **query: Any) -> list[dict[str, Any]]:
    """The question by the first value of the dimension, with the others and without them."""
    return [
        {
            "measures": list(measures or BOTH),
            "dimensions": [dimension],
            "top": {"dimension": dimension, "by": by, "limit": 1, "others": others},
            **query,
        }
        for others in ("others", "Rome", False)
    ]


def either(operator: str, value: str) -> dict[str, Any]:
    """One condition on what is hidden and on what is not."""
    hidden = {"member": "people.ssn", "operator": operator, "values": [value]}
    return {"or": [hidden, {"member": "people.city", "operator": "equals", "values": ["Rome"]}]}


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
    # Of two facts: by what is hidden of either, and by what is not.
    *(question for by in BOTH for question in first("people.city", by)),
    *(question for by in BOTH for question in first("sales.city", by)),
    *first("sales.city", "returns.count", dimensions=["sales.city", "returns.city"]),
    *first("returns.city", "sales.amount", dimensions=["sales.city", "returns.city"]),
    *first("people.city", "sales.amount", order=[["sales.amount", "desc"]], limit=1),
    *first(
        "sales.city",
        "sales.count",
        filters=[{"or": [over("sales.amount", 500), over("returns.refund", 500), over("sales.count", 0)]}],
    ),
    *first("sales.city", "sales.count", percentOfTotal=[{"measure": "sales.amount"}]),
    {"measures": BOTH, "dimensions": ["people.city"], "order": [["returns.refund", "desc"]], "limit": 1},
    {
        "measures": BOTH,
        "dimensions": ["sales.city"],
        "filters": [{"or": [over("sales.amount", 500), over("sales.count", 0)]}],
    },
    {"measures": ["sales.amount"], "dimensions": ["sales.city"], "ungrouped": True},
    # By the values of switches, which are shown and which are not.
    {"measures": ["sales.worth"], "dimensions": ["sales.unit", "sales.city"]},
    {"measures": ["sales.worth"], "dimensions": ["sales.unit"], "order": [["sales.worth", "desc"]]},
    *first("sales.city", "sales.worth", "sales.worth", dimensions=["sales.unit", "sales.city"]),
    *first("people.city", "sales.worth", "sales.worth", "returns.count", filters=[pinned("sales.unit")]),
    {"measures": ["sales.worth"], "filters": [pinned("sales.unit")]},
    {
        "measures": ["sales.secret_worth", "sales.count"],
        "dimensions": ["sales.city"],
        "filters": [pinned("sales.secret_unit")],
    },
    filtered("notEquals", "222", measures=["people.count"]),
    filtered("notStartsWith", "2", measures=["people.count"]),
    filtered("notEquals", "222", measures=["people.count"], dimensions=["people.city", "people.spent"]),
    filtered("notContains", "2", measures=["sales.count"], dimensions=["people.city"]),
    {"measures": ["people.count"], "filters": [either("notEquals", "222")]},
    {"measures": ["sales.count"], "dimensions": ["people.city"], "filters": [either("notStartsWith", "2")]},
    *first("people.city", "people.count", "people.count", filters=[either("notEquals", "222")]),
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
