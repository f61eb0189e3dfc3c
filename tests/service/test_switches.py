"""Where a switch says too little, and what stands beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cuboid.errors import UnsupportedFeature

MODEL = (Path(__file__).parents[1] / "across" / "hand" / "sales.yml").read_text()
USD = {"member": "sales.currency", "operator": "equals", "values": ["USD"]}


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (
            {"measures": ["sales.money"]},
            r"depends on the switch 'sales\.currency', of which this query leaves 3 values",
        ),
        ({"dimensions": ["sales.currency"]}, "is on no row and has no values by itself"),
        ({"dimensions": ["sales.currency", "sales.channel"], "ungrouped": True}, "is on no row"),
        (
            {
                "measures": ["sales.money"],
                "filters": [{"or": [USD, {"member": "sales.channel", "operator": "set"}]}],
            },
            r"The switch 'sales\.currency' is tested together with other members",
        ),
        (
            {
                "dimensions": ["sales.currency"],
                "measures": ["sales.count"],
                "top": {"dimension": "sales.currency", "by": "sales.count", "limit": 1},
            },
            r"'sales\.currency' is a switch, which has no first values",
        ),
    ],
)
def test_a_query_that_leaves_several_values_is_refused(ask, query: dict[str, Any], message: str) -> None:
    with pytest.raises(UnsupportedFeature, match=message):
        ask(MODEL, **query)


def test_totals_count_the_rows_of_all_values(answered) -> None:
    query = {"dimensions": ["sales.currency"], "measures": ["sales.money"], "total": True, "limit": 1}
    (result,) = answered(MODEL, query)
    assert result["total"] == 3
    assert len(result["data"]) == 1


def test_shares_are_within_a_value(answered) -> None:
    query = {
        "dimensions": ["cities.country", "sales.currency"],
        "measures": ["sales.money"],
        "percentOfTotal": [{"measure": "sales.money", "within": ["sales.currency"]}],
        "filters": [{"member": "sales.currency", "operator": "notEquals", "values": ["GBP"]}],
        "order": [["sales.currency", "asc"], ["cities.country", "asc"]],
    }
    (result,) = answered(MODEL, query)
    shares = [row["sales.money.percent_of_total"] for row in result["data"]]
    assert shares == ["0.4", "0.5", "0.1"] * 2
