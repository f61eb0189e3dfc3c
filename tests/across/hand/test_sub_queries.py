"""Sub-query dimensions, computed by hand, on every engine."""

from __future__ import annotations

from typing import Any

import pytest
from tests.engines.fixtures import ENGINES

BY_NAME = [["people.name", "asc"]]
PAID = {"member": "orders.status", "operator": "equals", "values": ["paid"]}

CASES: dict[str, tuple[dict[str, Any], list[list[Any]]]] = {
    "alone": (
        {"dimensions": ["people.name", "people.spent", "people.kind"], "order": BY_NAME},
        [["Ann", "30", "often"], ["Ben", "50", "once"], ["Cem", None, "never"]],
    ),
    "with and without the query's filters": (
        {"dimensions": ["people.name", "people.spent", "people.paid"], "filters": [PAID], "order": BY_NAME},
        [["Ann", "30", "10"], ["Ben", "50", "50"]],
    ),
    "a time, in a zone": (
        {"dimensions": ["people.name", "people.last_at"], "timezone": "Asia/Tokyo", "order": BY_NAME},
        [["Ann", "2024-02-01T09:30:00.000"], ["Ben", "2024-02-02T21:00:00.000"], ["Cem", None]],
    ),
    "read by a measure over repeated rows": (
        {
            "dimensions": ["orders.status"],
            "measures": ["people.spent_in_all"],
            "order": [["orders.status", "asc"]],
        },
        [["open", "30"], ["paid", "80"], [None, None]],
    ),
    # Only tips lead to people, so a query for tips by people has no row for Ben and Cem: not even an "else".
    "of keys that the inner query lacks": (
        {"dimensions": ["people.name", "people.tipper"], "order": BY_NAME},
        [["Ann", "kind"], ["Ben", None], ["Cem", None]],
    ),
    "of absent rows": (
        {
            "dimensions": ["visits.id", "people.kind", "people.known"],
            "measures": ["visits.count"],
            "order": [["visits.id", "asc"]],
        },
        [["1", "often", "30", "1"], ["2", None, "0", "1"]],
    ),
    "a key of two columns, one NULL": (
        {
            "dimensions": ["rows_.order_id", "rows_.line", "rows_.parts_"],
            "order": [["rows_.order_id", "asc"], ["rows_.line", "asc"]],
        },
        [["1", "1", "1"], ["1", "2", "0"], ["2", "1", "0"], [None, "1", "2"]],
    ),
}


@pytest.mark.parametrize("title", CASES)
@pytest.mark.parametrize("engine", [pytest.param(each, marks=pytest.mark.engine(each)) for each in ENGINES])
def test_sub_queries(ask_on, engine: str, title: str) -> None:
    query, expected = CASES[title]
    assert ask_on(engine, query) == expected
