"""Semi-additive measures, computed by hand, on every engine."""

from __future__ import annotations

from typing import Any

import pytest
from tests.engines.fixtures import ENGINES

BY_OWNER = {"dimensions": ["accounts.owner"], "order": [["accounts.owner", "asc"]]}
LAST = ["balances.last", "balances.last_of_each", "balances.last_ok_of_each"]
FIRST = ["balances.first", "balances.read"]
MONTHS = {"timeDimensions": [{"dimension": "balances.at", "granularity": "month"}]}

CASES: dict[str, tuple[dict[str, Any], list[list[Any]]]] = {
    # Last time of all: 29 February, 40 + 320. Of each account: 40, 20, 320; without what is void 80 of account 3.
    "in all": ({"measures": [*LAST, *FIRST]}, [["360", "380", "140", "110", "2"]]),
    # 31 January: 10 + 20 + 80 = 110; 29 February: 40 + 320, or 40 without what is void.
    "averages": ({"measures": ["balances.average", "balances.average_ok"]}, [["235", "75"]]),
    "by owner": (
        {"measures": [*LAST, "balances.average", "balances.total"], **BY_OWNER},
        [
            ["Ann", "40", "60", "60", "35", "70"],  # the average of 30 and 40
            ["Ben", "320", "320", "80", "200", "560"],
        ],
    ),
    # The edge is that of each group: in January all three, in February what there is; without a time nothing counts.
    "by month": (
        {"measures": [*LAST, "balances.count"], **MONTHS, "order": [["balances.at", "asc"]]},
        [
            ["2024-01-01T00:00:00.000", "110", "110", "110", "3", "2024-01-01T00:00:00.000"],
            ["2024-02-01T00:00:00.000", "360", "360", "40", "2", "2024-02-01T00:00:00.000"],
            [None, None, None, None, "1", None],
        ],
    ),
    # Account 1 has x twice and y, account 2 x; Ben's account has no tag.
    "over repeated rows": (
        {
            "measures": [*LAST, "balances.average", "balances.read"],
            "dimensions": ["tags.tag"],
            "order": [["tags.tag", "asc"]],
        },
        [
            ["x", "40", "60", "60", "35", "1"],
            ["y", "40", "40", "40", "25", "1"],
            [None, "320", "320", "80", "200", "1"],
        ],
    ),
    "composed, and filtered by": (
        {
            "measures": ["balances.share"],
            **BY_OWNER,
            "filters": [
                {"member": "balances.last", "operator": "lt", "values": ["100"]},
                {"member": "balances.at", "operator": "inDateRange", "values": ["2024-01-01", "2024-01-31"]},
            ],
        },
        [["Ann", "100"], ["Ben", "100"]],
    ),
}


@pytest.mark.parametrize("title", CASES)
@pytest.mark.parametrize("engine", [pytest.param(each, marks=pytest.mark.engine(each)) for each in ENGINES])
def test_snapshots(ask_on, engine: str, title: str) -> None:
    query, expected = CASES[title]
    assert ask_on(engine, query) == expected
