"""Mistakes of serving from rollups that generated questions seldom meet: each is planted, and a question by hand is
answered otherwise than over the tables."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.oracle.planting import Mistake
from tests.oracle.rollup_mistakes import BY_HAND
from tests.service.test_rollups import MODEL, Shop

MONTHLY = """
      - {name: monthly, measures: [revenue], time_dimension: created_at, granularity: month}
"""
MASKS = """
    access_policy:
      - {group: manager}
      - group: clerk
        member_level: {includes: [id, country]}
        member_masking: {includes: [city]}
"""
REPEATED = """
cubes:
  - name: orders
    sql_table: orders
    joins: [{name: items, relationship: one_to_many, sql: "{CUBE}.id = {items}.order_id"}]
    dimensions: [{name: id, sql: id, type: number, primary_key: true}]
    measures: [{name: revenue, type: sum, sql: amount}]
    pre_aggregations: [{name: with_items, measures: [revenue], dimensions: [items.product]}]
  - name: items
    sql_table: items
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: product, sql: product, type: string}
"""


@dataclass(frozen=True)
class Case:
    """A question, and its answer as computed by hand from the tables of the shop."""

    query: dict[str, Any]
    due: list[dict[str, Any]]
    model: str = MODEL
    groups: list[str] = field(default_factory=list)


CASES = {
    "a stored bucket is served whole where a part is due": Case(
        {
            "measures": ["orders.revenue"],
            "timeDimensions": [
                {
                    "dimension": "orders.created_at",
                    "dateRange": ["2024-03-31T12:00:00", "2024-04-01T12:00:00"],
                }
            ],
        },
        [{"orders.revenue": "120"}],
    ),
    "shifts cut stored buckets": Case(
        {
            "measures": ["orders.previous"],
            "timeDimensions": [
                {
                    "dimension": "orders.created_at",
                    "granularity": "month",
                    "dateRange": ["2024-03-01", "2024-04-30"],
                }
            ],
        },
        # A day later only the first order is of March, and the next three are of April.
        [
            {"orders.created_at.month": f"{month}T00:00:00.000", "orders.created_at": f"{month}T00:00:00.000"}
            | {"orders.previous": value}
            for month, value in (("2024-03-01", "10"), ("2024-04-01", "140"))
        ],
        MODEL.replace("      - name: by_country", MONTHLY.lstrip("\n") + "      - name: by_country"),
    ),
    "stored dimensions have no masks": Case(
        {"measures": ["orders.revenue"], "dimensions": ["users.city"]},
        [{"users.city": "hidden", "orders.revenue": "310"}],
        MODEL.replace("city, type: string}", "city, type: string, mask: hidden}", 1).replace(
            "  - name: orders", MASKS.lstrip("\n") + "  - name: orders", 1
        ),
        ["clerk"],
    ),
    "stored values of repeated rows are added up": Case(
        {"measures": ["orders.revenue"]}, [{"orders.revenue": "310"}], REPEATED
    ),
}


def answers(case: Case) -> tuple[Any, Any]:
    """Over the tables, and with rollups."""
    plain, fast, _ = asyncio.run(Shop(case.model).both(case.query, case.groups))
    return plain, fast


@pytest.mark.parametrize("mistake", BY_HAND, ids=lambda mistake: mistake.title)
def test_a_planted_mistake_of_rollups_is_caught_by_hand(mistake: Mistake) -> None:
    case = CASES[mistake.title]
    assert answers(case) == (case.due, case.due)
    with mistake.plant():
        plain, fast = answers(case)
    assert plain == case.due
    assert fast != case.due
