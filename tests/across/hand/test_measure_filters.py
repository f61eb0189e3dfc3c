"""``measureFilter``, computed by hand, on every engine: a measure's own filters restrict the rows of others."""

from __future__ import annotations

from typing import Any

import pytest
from tests.engines.fixtures import ENGINES

WEB = {"member": "sales.web", "operator": "measureFilter"}  # sold on the web; to drill down, in Italy

CASES: dict[str, tuple[dict[str, Any], list[list[Any]]]] = {
    "it restricts all measures of the fact": (
        {"measures": ["sales.total", "sales.count", "sales.web"], "filters": [WEB]},
        [["70", "2", "70"]],
    ),
    "and no other fact": (
        {"measures": ["sales.total", "sent_back.total"], "filters": [WEB]},
        [["70", "20"]],
    ),
    "beside a dimension in one `or`": (
        {
            "measures": ["sales.total"],
            "filters": [{"or": [WEB, {"member": "cities.name", "operator": "equals", "values": ["Oslo"]}]}],
        },
        [["170"]],
    ),
    "rows are listed": (
        {"dimensions": ["sales.channel", "cities.name"], "filters": [WEB], "order": [["cities.name", "asc"]]},
        [["web", "Milan"], ["web", "Rome"]],
    ),
    "a measure without filters is no condition": (
        {"measures": ["sales.total"], "filters": [{"member": "sales.total", "operator": "measureFilter"}]},
        [["200"]],
    ),
}


@pytest.mark.parametrize("title", CASES)
@pytest.mark.parametrize("engine", [pytest.param(each, marks=pytest.mark.engine(each)) for each in ENGINES])
def test_measure_filters(ask_on, engine: str, title: str) -> None:
    query, expected = CASES[title]
    assert ask_on(engine, query) == expected
