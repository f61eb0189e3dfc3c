"""Switches, computed by hand, on every engine."""

from __future__ import annotations

from typing import Any

import pytest
from tests.engines.fixtures import ENGINES

CURRENCY, MONEY = "sales.currency", "sales.money"


def where(operator: str, *values: str) -> dict[str, Any]:
    return {"member": CURRENCY, "operator": operator, "values": list(values)}


CASES: dict[str, tuple[dict[str, Any], list[list[Any]]]] = {
    "its values are groups; measures that do not depend on it repeat": (
        {"dimensions": [CURRENCY], "measures": [MONEY, "sales.count"], "order": [[CURRENCY, "asc"]]},
        [["EUR", "200", "5"], ["GBP", None, "5"], ["USD", "400", "5"]],
    ),
    "pinned by a filter": (
        {"measures": [MONEY, "sales.count"], "filters": [where("equals", "USD")]},
        [["400", "5"]],
    ),
    "a switch of one value needs no filter": ({"measures": ["sales.euros"]}, [["200"]]),
    "beside other dimensions, filtered, ordered and cut": (
        {
            "dimensions": ["cities.name", CURRENCY],
            "measures": [MONEY, "sales.money_per_sale"],
            "filters": [where("notEquals", "GBP"), {"member": MONEY, "operator": "gt", "values": ["70"]}],
            "order": [[MONEY, "desc"], [CURRENCY, "asc"]],
            "limit": 3,
        },
        [["Oslo", "USD", "200", "200"], ["Oslo", "EUR", "100", "100"], ["Rome", "USD", "100", "50"]],
    ),
    "inside stages": (
        {
            "dimensions": ["cities.name"],
            "measures": [MONEY, "sales.all_money"],
            "filters": [where("contains", "us")],
            "order": [["cities.name", "asc"]],
        },
        [["Milan", "60", "400"], ["Oslo", "200", "400"], ["Rome", "100", "400"], [None, "40", "400"]],
    ),
    "without measures": (
        {"dimensions": [CURRENCY, "cities.country"], "order": [[CURRENCY, "asc"], ["cities.country", "asc"]]},
        [[each, country] for each in ("EUR", "GBP", "USD") for country in ("IT", "NO")],
    ),
    "no value is left": (
        {"dimensions": ["cities.name"], "measures": ["sales.count"], "filters": [where("equals", "CHF")]},
        [],
    ),
    "no value is left of what is grouped by alone": (
        {
            "dimensions": [CURRENCY],
            "measures": ["sales.count"],
            "filters": [where("notStartsWith", "e", "g", "u")],
        },
        [],
    ),
    "no value is left, and no measures": (
        {"dimensions": [CURRENCY, "cities.country"], "filters": [where("equals", "CHF")]},
        [],
    ),
    "no value is left, nothing is grouped by": (
        {"measures": ["sales.count"], "filters": [where("equals", "CHF")]},
        [["0"]],
    ),
}


@pytest.mark.parametrize("title", CASES)
@pytest.mark.parametrize("engine", [pytest.param(each, marks=pytest.mark.engine(each)) for each in ENGINES])
def test_switches(ask_on, engine: str, title: str) -> None:
    query, expected = CASES[title]
    assert ask_on(engine, query) == expected
