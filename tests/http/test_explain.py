"""``/v1/explain`` on a real server."""

from __future__ import annotations

from typing import Any

import pytest

COMPARED = {
    "measures": ["Orders.count"],
    "timeDimensions": [
        {"dimension": "Orders.createdAt", "compareDateRange": [["2024-01-01"], ["2024-01-02", "2024-01-03"]]}
    ],
}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_each_query_of_a_request_is_explained(production: Any, method: str) -> None:
    answer = (
        production.get("explain", COMPARED)
        if method == "GET"
        else production.post("explain", {"query": COMPARED})
    )
    assert answer.status == 200
    assert answer.body["queryType"] == "compareDateRangeQuery"
    first, second = answer.body["explanations"]
    assert first["dates"]["ranges"][0]["civil"] == ["2024-01-01T00:00:00.000", "2024-01-01T23:59:59.999"]
    assert second["dates"]["ranges"][0]["compared"] == "2024-01-02T00:00:00 <= x < 2024-01-04T00:00:00"


def test_who_may_not_ask_for_the_sql_may_not_ask_why(production: Any) -> None:
    nobody = type(production)(production.port)
    assert nobody.get("explain", {"measures": ["Orders.count"]}).status == 403
    assert nobody.get("sql", {"measures": ["Orders.count"]}).status == 403


def test_what_cannot_be_planned_is_refused_as_elsewhere(production: Any) -> None:
    answer = production.get("explain", {"measures": ["Orders.nothing"]})
    assert answer.status == 400
