"""Rolling windows beside each other, computed by hand, on every engine: each has its own frames over the same rows."""

from __future__ import annotations

from typing import Any

import pytest
from tests.engines.fixtures import ENGINES

FEBRUARY = {"dimension": "sales.at", "granularity": "day", "dateRange": ["2024-02-05", "2024-02-08"]}
WINDOWS = ["sales.two_days", "sales.running", "sales.tomorrow", "sales.largest", "sales.ways"]

CASES: dict[str, tuple[dict[str, Any], list[list[Any]]]] = {
    # In January 40 and 30 were sold, on the web; then 10 in the shop, 100 on the web, 20 in the shop, nothing.
    "one after the other": (
        {"measures": WINDOWS, "timeDimensions": [FEBRUARY]},
        [
            ["2024-02-05T00:00:00.000", "10", "80", "1", "10", "2"],
            ["2024-02-06T00:00:00.000", "110", "180", "1", "100", "2"],
            ["2024-02-07T00:00:00.000", "120", "200", "0", "100", "2"],
            ["2024-02-08T00:00:00.000", "20", "200", "0", "100", "2"],
        ],
    ),
    "by what rows have": (
        {
            "measures": ["sales.two_days", "sales.running", "sales.total"],
            "dimensions": ["sales.channel"],
            "timeDimensions": [{**FEBRUARY, "dateRange": ["2024-02-06", "2024-02-07"]}],
            "order": [["sales.at", "asc"], ["sales.channel", "asc"]],
        },
        [
            ["shop", "2024-02-06T00:00:00.000", "10", "10", None],
            ["web", "2024-02-06T00:00:00.000", "100", "170", "100"],
            ["shop", "2024-02-07T00:00:00.000", "20", "30", "20"],
            ["web", "2024-02-07T00:00:00.000", "100", "170", None],
        ],
    ),
    # The last two days of a month saw no sale; March has none at all.
    "by month, in a zone": (
        {
            "measures": ["sales.running", "sales.two_days", "sales.largest"],
            "timeDimensions": [
                {**FEBRUARY, "granularity": "month", "dateRange": ["2024-01-01", "2024-03-31"]}
            ],
            "timezone": "Asia/Kolkata",
        },
        [
            ["2024-01-01T00:00:00.000", "70", None, "40"],
            ["2024-02-01T00:00:00.000", "200", None, "100"],
            ["2024-03-01T00:00:00.000", "200", None, None],
        ],
    ),
}


@pytest.mark.parametrize("title", CASES)
@pytest.mark.parametrize("engine", [pytest.param(each, marks=pytest.mark.engine(each)) for each in ENGINES])
def test_windows(ask_on: Any, engine: str, title: str) -> None:
    query, expected = CASES[title]
    # The time comes twice: by its granularity, and without one.
    assert [row[:-1] for row in ask_on(engine, query)] == expected
