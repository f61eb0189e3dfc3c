"""Absurdly large queries: an answer or a clear refusal, never a failure of the server."""

from __future__ import annotations

from typing import Any

import pytest


def equals(number: int) -> dict[str, Any]:
    return {"member": "Orders.status", "operator": "notEquals", "values": [f"no such status {number}"]}


def above(number: int) -> dict[str, Any]:
    return {"member": "Orders.count", "operator": "gt", "values": [str(-number)]}


QUERIES = {
    "2,000 filters": {"measures": ["Orders.count"], "filters": [equals(n) for n in range(2000)]},
    "2,000 time dimensions": {
        "measures": ["Orders.count"],
        "timeDimensions": [
            {"dimension": "Orders.createdAt", "dateRange": ["2024-01-01", f"2024-12-{n % 28 + 1:02}"]}
            for n in range(2000)
        ],
    },
    "900 measure filters": {"measures": ["Orders.count"], "filters": [above(n) for n in range(900)]},
}


@pytest.mark.parametrize("endpoint", ["load", "sql"])
@pytest.mark.parametrize("name", QUERIES)
def test_a_huge_query_is_answered_or_refused(production: Any, endpoint: str, name: str) -> None:
    answer = production.post(endpoint, {"query": QUERIES[name]})
    assert answer.status in (200, 400), answer.raw[:500]
    if answer.status == 400:
        assert len(answer.body["error"]) > 10
    elif endpoint == "load":
        assert len(answer.body["data"]) == 1
