"""Conversions, computed by hand, on every engine."""

from __future__ import annotations

from typing import Any

import pytest
from tests.engines.fixtures import ENGINES

FAILED = {"member": "buys.state", "operator": "equals", "values": ["failed"]}
BY_AD = {"member": "calls.channel", "operator": "equals", "values": ["ad"]}


def by(dimension: str, *measures: str) -> dict[str, Any]:
    return {
        "dimensions": [dimension],
        "measures": [f"calls.{name}" for name in measures],
        "order": [[dimension, "asc"]],
    }


def ranged(start: str, end: str, *measures: str, **more: Any) -> dict[str, Any]:
    return {
        "measures": [f"calls.{name}" for name in measures],
        "timeDimensions": [{"dimension": "calls.at", "dateRange": [start, end]}],
        **more,
    }


CASES: dict[str, tuple[dict[str, Any], list[list[Any]]]] = {
    # Call 1 is followed at the same time. Call 2 only a week later, to the second: that is no longer in the window.
    "within a window": ({"measures": ["calls.bought_in_a_week"]}, [["1"]]),
    # Calls 1 and 2 by buys 1 and 5, call 3 by buy 3 (buy 2 was before), call 5 by buy 4; no other goes through.
    "at any time": ({"measures": ["calls.bought", "calls.count"]}, [["4", "8"]]),
    "by channel": (
        by("calls.channel", "bought", "bought_rate"),
        [["ad", "2", "0.5"], ["mail", "2", "0.5"]],
    ),
    "by client": (
        by("clients.name", "bought", "bought_rate"),
        [
            ["Ann", "2", "0.6666666666666666"],
            ["Ben", "1", "1"],
            ["Cem", "1", "1"],
            ["Dua", "0", "0"],
            [None, "0", "0"],
        ],
    ),
    "over repeated rows": (by("pages.name", "bought"), [["a", "1"], ["b", "2"], [None, "2"]]),
    "each step another row": ({"measures": ["calls.bought_twice", "calls.came_again"]}, [["1", "3"]]),
    "a condition on a later step": (
        {"measures": ["calls.bought", "calls.bought_rate"], "filters": [FAILED]},
        [["1", "0.125"]],
    ),
    "a condition on the first step": (
        {"measures": ["calls.bought", "calls.came_again"], "filters": [BY_AD]},
        [["2", "1"]],
    ),
    "beside other facts, and filtered by": (
        {
            "dimensions": ["clients.name"],
            "measures": ["calls.bought", "buys.count"],
            "filters": [{"member": "calls.bought", "operator": "gt", "values": ["0"]}],
            "order": [["clients.name", "asc"]],
        },
        [["Ann", "2", "2"], ["Ben", "1", "2"], ["Cem", "1", "1"]],
    ),
    # The range is the first step's: what follows may be later.
    "of a range": (
        ranged("2024-01-05", "2024-01-06", "bought", "bought_in_a_week", "came_again"),
        [["1", "0", "2"]],
    ),
    "of a day on another clock": (
        ranged("2024-01-01", "2024-01-01", "bought", "came_again", timezone="Pacific/Auckland"),
        [["1", "1"]],
    ),
    "of nothing": (
        {
            "measures": ["calls.bought", "calls.bought_rate"],
            "filters": [{"member": "calls.channel", "operator": "equals", "values": ["fax"]}],
        },
        [["0", None]],
    ),
}


@pytest.mark.parametrize("title", CASES)
@pytest.mark.parametrize("engine", [pytest.param(each, marks=pytest.mark.engine(each)) for each in ENGINES])
def test_conversions(ask_on, engine: str, title: str) -> None:
    query, expected = CASES[title]
    assert ask_on(engine, query) == expected
