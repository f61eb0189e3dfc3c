"""Multi-stage dimensions, computed by hand, on every engine."""

from __future__ import annotations

from typing import Any

import pytest
from tests.engines.fixtures import ENGINES

BY_NAME = [["people.name", "asc"]]


def where(member: str, *values: str) -> dict[str, Any]:
    return {"member": member, "operator": "equals", "values": list(values)}


CASES: dict[str, tuple[dict[str, Any], list[list[Any]]]] = {
    "people by what they spent": (
        {"dimensions": ["people.tier"], "measures": ["people.count"], "order": [["people.tier", "asc"]]},
        [["big", "1"], ["small", "2"]],  # Ben; Ann and Cem
    ),
    "orders by what their people spent": (
        {"dimensions": ["people.tier"], "measures": ["orders.total"], "order": [["people.tier", "asc"]]},
        [["big", "50"], ["small", "30"]],
    ),
    "each row has the value of its own tuple": (
        {"dimensions": ["people.name", "people.of_city", "people.of_all"], "order": BY_NAME},
        [["Ann", "30", "160"], ["Ben", "50", "160"], ["Cem", "30", "160"]],
    ),
    "under the query's conditions": (
        {
            "dimensions": ["people.name", "people.of_city", "people.of_whole_city"],
            "filters": [where("people.name", "Ben", "Cem")],
            "order": BY_NAME,
        },
        [["Ben", "50", "50"], ["Cem", None, "30"]],
    ),
    "with a condition of its own": (
        {"dimensions": ["people.name", "people.paid_of_city"], "order": BY_NAME},
        [["Ann", "10"], ["Ben", "50"], ["Cem", "10"]],
    ),
    # By city and status: Rome paid 10, Rome open 20, Oslo paid 50. The root is people: nobody's order is left out.
    "of dimensions of several cubes": (
        {
            "dimensions": ["people.name", "orders.status", "orders.of_city_and_status"],
            "measures": ["orders.count"],
            "order": [*BY_NAME, ["orders.status", "asc"]],
        },
        [
            ["Ann", "open", "20", "1"],
            ["Ann", "paid", "10", "1"],
            ["Ben", "paid", "50", "1"],
            ["Cem", None, None, "0"],
        ],
    ),
    # To the instant, whatever the zone and the groups: no two orders are of one moment.
    "of a time": (
        {
            "dimensions": ["orders.of_its_moment"],
            "measures": ["orders.count"],
            "timeDimensions": [{"dimension": "orders.at", "granularity": "month"}],
            "timezone": "Europe/Rome",
        },
        [
            ["1", "2024-02-01T00:00:00.000", "3", "2024-02-01T00:00:00.000"],
            ["1", "2024-03-01T00:00:00.000", "1", "2024-03-01T00:00:00.000"],
        ],
    ),
    "a condition on itself is left out": (
        {
            "dimensions": ["people.name", "people.of_city"],
            "filters": [where("people.of_city", "30")],
            "order": BY_NAME,
        },
        [["Ann", "30"], ["Cem", "30"]],
    ),
    "conditions on two of them": (
        {
            "dimensions": ["people.name", "people.of_city"],
            "filters": [where("people.tier", "small"), where("people.of_city", "30")],
            "order": BY_NAME,
        },
        [["Ann", "30"], ["Cem", "30"]],
    ),
}


@pytest.mark.parametrize("title", CASES)
@pytest.mark.parametrize("engine", [pytest.param(each, marks=pytest.mark.engine(each)) for each in ENGINES])
def test_stage_dimensions(ask_on, engine: str, title: str) -> None:
    query, expected = CASES[title]
    assert ask_on(engine, query) == expected
