"""How often a statement reads a table: no oftener than its numbers need."""

from typing import Any

import pytest
from tests.sql.test_shapes import NOW

from cuboid.catalog.compile import compile_catalog
from cuboid.catalog.files import ModelFile
from cuboid.planner import Planner
from cuboid.query.normalize import normalize
from cuboid.query.parse import parse
from cuboid_duckdb.dialect import DuckDBDialect

MODEL = """
cubes:
  - name: sales
    sql_table: sales_table
    joins: [{name: cities, relationship: many_to_one, sql: "{CUBE}.city_id = {cities}.id"}]
    measures:
      - {name: count, type: count}
      - {name: total, type: sum, sql: amount}
      - {name: mean, type: avg, sql: amount}
      - {name: least, type: min, sql: amount}
      - {name: spread, type: number, sql: "max({CUBE}.amount) - min({CUBE}.amount)"}
      - {name: buyers, type: count_distinct, sql: buyer}
      - {name: totalOfAll, type: number, sql: "{total}", multi_stage: true, group_by: []}
      - {name: countOfCountry, type: number, sql: "{count}", multi_stage: true, group_by: [cities.country]}
      - {name: buyersOfAll, type: number, sql: "{buyers}", multi_stage: true, group_by: []}
      - {name: last, type: sum, sql: amount, semi_additive: {time_dimension: at, take: last}}
      - name: either
        type: number
        multi_stage: true
        case: {switch: unit, when: [{value: a, sql: "{total}"}], else: {sql: "{count}"}}
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: channel, sql: channel, type: string}
      - {name: at, sql: at, type: time}
      - {name: unit, type: switch, values: [a, b, c]}
  - name: cities
    sql_table: cities_table
    measures: [{name: count, type: count}, {name: people, type: sum, sql: people}]
    joins: [{name: streets, relationship: one_to_many, sql: "{CUBE}.id = {streets}.city_id"}]
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: country, sql: country, type: string}
      - {name: name, sql: name, type: string}
  - name: streets
    sql_table: streets_table
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: name, sql: name, type: string}
"""

BY_CITY = {"dimensions": ["cities.country", "cities.name"]}
TOP = {"dimension": "cities.name", "by": "sales.total", "limit": 2}

ONCE: dict[str, dict[str, Any]] = {
    "a total of everything": {**BY_CITY, "measures": ["sales.total", "sales.totalOfAll"]},
    "totals of two levels": {
        **BY_CITY,
        "measures": ["sales.totalOfAll", "sales.countOfCountry", "sales.mean"],
    },
    "a total beside what does not add up": {**BY_CITY, "measures": ["sales.buyers", "sales.totalOfAll"]},
    "shares": {
        **BY_CITY,
        "measures": ["sales.total", "sales.count", "sales.buyers"],
        "percentOfTotal": [
            {"measure": "sales.total"},
            {"measure": "sales.count", "within": ["cities.country"]},
        ],
    },
    "a share of all where groups are left out": {
        **BY_CITY,
        "measures": ["sales.total"],
        "percentOfTotal": [{"measure": "sales.total"}],
        "filters": [{"member": "sales.total", "operator": "gt", "values": ["5"]}],
    },
    "the first values alone": {**BY_CITY, "measures": ["sales.total", "sales.buyers"], "top": TOP},
    "the first values and the others": {
        **BY_CITY,
        "measures": ["sales.count"],
        "top": {**TOP, "others": "x"},
    },
    "shares beside the first values": {
        **BY_CITY,
        "measures": ["sales.total"],
        "top": {**TOP, "others": "x"},
        "percentOfTotal": [{"measure": "sales.total"}],
    },
    "a snapshot beside sums": {**BY_CITY, "measures": ["sales.last", "sales.total", "sales.mean"]},
    "each value of a switch": {
        "dimensions": ["sales.unit", "sales.channel"],
        "measures": ["sales.either", "sales.mean"],
    },
}

TWICE: dict[str, dict[str, Any]] = {
    "distinct counts do not add up": {**BY_CITY, "measures": ["sales.buyersOfAll"]},
    "a share of a distinct count": {
        **BY_CITY,
        "measures": ["sales.buyers"],
        "percentOfTotal": [{"measure": "sales.buyers"}],
    },
    "a share where groups are left out by what is not shown": {
        **BY_CITY,
        "measures": ["sales.total"],
        "percentOfTotal": [{"measure": "sales.total"}],
        "filters": [{"member": "sales.count", "operator": "gt", "values": ["5"]}],
    },
    "others of a mean": {**BY_CITY, "measures": ["sales.mean"], "top": {**TOP, "others": "x"}},
    "rows that a join repeats": {
        "dimensions": ["streets.name"],
        "measures": ["sales.total"],
        "percentOfTotal": [{"measure": "sales.total"}],
    },
}


@pytest.fixture(scope="module")
def planner() -> Planner:
    catalog = compile_catalog([ModelFile("m.yml", MODEL)])
    assert not catalog.errors
    return Planner(catalog, lambda _: DuckDBDialect())


def scans(planner: Planner, query: dict[str, Any]) -> int:
    (question,) = normalize(parse(query), planner.catalog, now=NOW)
    return planner.prepare(question.shape).bind(question.values).sql.count("sales_table")


@pytest.mark.parametrize("title", ONCE)
def test_a_table_is_read_once(planner: Planner, title: str) -> None:
    assert scans(planner, ONCE[title]) == 1


@pytest.mark.parametrize("title", TWICE)
def test_what_does_not_add_up_is_read_again(planner: Planner, title: str) -> None:
    assert scans(planner, TWICE[title]) == 2
