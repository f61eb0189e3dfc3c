"""``percentOfTotal`` and ``top``, computed by hand, on every engine."""

from __future__ import annotations

from typing import Any

import pytest
from tests.engines.fixtures import ENGINES

from cuboid.errors import NoJoinPath

CITY = "cities.name"
TOTAL = "sales.total"
SHARE = f"{TOTAL}.percent_of_total"
WEB = {"member": "sales.channel", "operator": "equals", "values": ["web"]}


def share(*within: str, measure: str = TOTAL) -> dict[str, Any]:
    return {"percentOfTotal": [{"measure": measure, "within": list(within)}]}


def top(limit: int, **more: Any) -> dict[str, Any]:
    return {"top": {"dimension": CITY, "by": TOTAL, "limit": limit, **more}}


BY_CITY = {"dimensions": [CITY], "measures": [TOTAL], "order": [[TOTAL, "desc"]]}

CASES: dict[str, tuple[dict[str, Any], list[list[Any]]]] = {
    "shares of all": (
        {**BY_CITY, **share()},
        [["Oslo", "100", "0.5"], ["Rome", "50", "0.25"], ["Milan", "30", "0.15"], [None, "20", "0.1"]],
    ),
    "shares within a country": (
        {
            "dimensions": ["cities.country", CITY],
            "measures": [TOTAL],
            **share("cities.country"),
            "order": [[SHARE, "desc"], [CITY, "asc"]],
        },
        [
            ["NO", "Oslo", "100", "1"],
            [None, None, "20", "1"],
            ["IT", "Rome", "50", "0.625"],
            ["IT", "Milan", "30", "0.375"],
        ],
    ),
    "shares under the query's row conditions, not under those on measures": (
        {
            **BY_CITY,
            **share(),
            "filters": [WEB, {"member": TOTAL, "operator": "lt", "values": ["80"]}],
            "limit": 1,
        },
        [["Rome", "40", "0.23529411764705882"]],  # 40 of 170
    ),
    "shares of all beside an `or` over groups, which leaves two cities": (
        {
            "dimensions": [CITY],
            "measures": ["sales.mean", TOTAL],
            **share(),
            "filters": [
                {
                    "or": [
                        {"member": CITY, "operator": "equals", "values": ["Milan"]},
                        {"member": "sales.mean", "operator": "gt", "values": ["60"]},
                    ]
                }
            ],
            "order": [[SHARE, "asc"]],
        },
        [["Milan", "30", "30", "0.15"], ["Oslo", "100", "100", "0.5"]],
    ),
    "shares of all beside a condition on what is not shown": (
        {**BY_CITY, **share(), "filters": [{"member": "sales.count", "operator": "gt", "values": ["1"]}]},
        [["Rome", "50", "0.25"]],
    ),
    "shares of a composed measure, and a distinct count": (
        {
            "dimensions": [CITY],
            "measures": ["sales.channels"],
            **share(measure="sales.channels"),
            "order": [[CITY, "asc"]],
        },
        [["Milan", "1", "0.5"], ["Oslo", "1", "0.5"], ["Rome", "2", "1"], [None, "1", "0.5"]],
    ),
    # The condition is on the sales' own member: returns are not restricted by it, nor is what they are divided by.
    "shares of two facts, one of them restricted": (
        {
            "dimensions": [CITY],
            "measures": ["sent_back.total", TOTAL],
            **share(measure="sent_back.total"),
            "filters": [WEB],
            "order": [[CITY, "asc"]],
        },
        [
            ["Milan", None, "30", None],
            ["Oslo", "15", "100", "0.75"],
            ["Rome", "5", "40", "0.25"],
        ],
    ),
    "the first two and the others by month, under an `or` over groups": (
        {
            "dimensions": [CITY],
            "timeDimensions": [{"dimension": "sales.at", "granularity": "month"}],
            "measures": [TOTAL, "sales.count"],
            **top(2, others="rest"),
            "filters": [
                {
                    "or": [
                        {"member": CITY, "operator": "equals", "values": ["rest"]},
                        {"member": TOTAL, "operator": "gt", "values": ["15"]},
                    ]
                }
            ],
            "order": [["sales.at", "asc"], [CITY, "asc"]],
        },
        [
            ["Rome", "2024-01-01T00:00:00.000", "40", "1", "2024-01-01T00:00:00.000"],
            ["rest", "2024-01-01T00:00:00.000", "30", "1", "2024-01-01T00:00:00.000"],
            ["Oslo", "2024-02-01T00:00:00.000", "100", "1", "2024-02-01T00:00:00.000"],
            ["rest", "2024-02-01T00:00:00.000", "20", "1", "2024-02-01T00:00:00.000"],
        ],
    ),
    "shares of what two facts have, the others as one": (
        {
            "dimensions": [CITY],
            "measures": [TOTAL, "sent_back.total", "sales.count"],
            **top(1, others="rest"),
            "percentOfTotal": [
                {"measure": "sent_back.total"},
                {"measure": TOTAL},
                {"measure": "sales.count"},
            ],
            "order": [[TOTAL, "desc"]],
        },
        [["Oslo", "100", "15", "1", "0.75", "0.5", "0.2"], ["rest", "100", "5", "4", "0.25", "0.5", "0.8"]],
    ),
    # Sales are not restricted by what is asked of returns: Oslo is the first of them.
    "the first by one fact, under a condition of the other": (
        {
            "dimensions": [CITY],
            "measures": [TOTAL, "sent_back.total"],
            **top(1, others="rest"),
            "filters": [{"member": "sent_back.id", "operator": "equals", "values": ["1"]}],
            "order": [[TOTAL, "desc"], [CITY, "asc"]],
        },
        [["Oslo", "100", None], ["rest", "100", "5"]],
    ),
    "the first by what is restricted, which is not asked for": (
        {
            "dimensions": [CITY],
            "measures": [TOTAL],
            "top": {"dimension": CITY, "by": "sent_back.total", "limit": 1, "others": "rest"},
            "filters": [{"member": "sent_back.id", "operator": "equals", "values": ["1"]}],
            "order": [[CITY, "asc"]],
        },
        [["Rome", "50"], ["rest", "150"]],
    ),
    "the first under conditions of both facts": (
        {
            "measures": ["sales.count", "sent_back.total"],
            "dimensions": [CITY],
            "top": {"dimension": CITY, "by": "sales.web", "limit": 2},
            "filters": [WEB, {"member": "sent_back.id", "operator": "equals", "values": ["2"]}],
            "order": [[CITY, "asc"]],
        },
        [["Oslo", "1", "15"], ["Rome", "1", None]],
    ),
    "shares within a month": (
        {
            "dimensions": [CITY],
            "measures": [TOTAL],
            "timeDimensions": [{"dimension": "sales.at", "granularity": "month"}],
            **share("sales.at.month"),
            "filters": [{"member": CITY, "operator": "equals", "values": ["Rome", "Milan"]}],
            "order": [["sales.at", "asc"], [CITY, "asc"]],
        },
        [
            ["Milan", "2024-01-01T00:00:00.000", "30", "0.42857142857142855", "2024-01-01T00:00:00.000"],
            ["Rome", "2024-01-01T00:00:00.000", "40", "0.5714285714285714", "2024-01-01T00:00:00.000"],
            ["Rome", "2024-02-01T00:00:00.000", "10", "1", "2024-02-01T00:00:00.000"],
        ],
    ),
    "the first two, the others named": (
        {**BY_CITY, **top(2, others="Others"), "order": [[CITY, "asc"]]},
        [["Oslo", "100"], ["Others", "50"], ["Rome", "50"]],
    ),
    "the others are aggregated from rows": (
        {
            "dimensions": [CITY],
            "measures": ["sales.channels", "sales.mean", "sent_back.total"],
            **top(1, others="Others"),
            "order": [[CITY, "asc"]],
        },
        [["Oslo", "1", "100", "15"], ["Others", "2", "25", "5"]],
    ),
    "NULL can be among the first, and a real value is one of the others of its name": (
        {**BY_CITY, **top(4, others="Rome"), "order": [[CITY, "asc"]]},
        [["Milan", "30"], ["Oslo", "100"], ["Rome", "50"], [None, "20"]],
    ),
    "others by the name of a real value": (
        {**BY_CITY, **top(2, others="Oslo"), "order": [[CITY, "asc"]]},
        [["Oslo", "150"], ["Rome", "50"]],
    ),
    "the others are NULL": (
        {**BY_CITY, **top(3, others=None), "order": [[CITY, "asc"]]},
        [["Milan", "30"], ["Oslo", "100"], ["Rome", "50"], [None, "20"]],
    ),
    "the others are left out": ({**BY_CITY, **top(2)}, [["Oslo", "100"], ["Rome", "50"]]),
    "the first under the query's conditions, with shares of what is left": (
        {**BY_CITY, **top(2, others=False), **share(), "filters": [WEB]},
        [["Oslo", "100", "0.7142857142857143"], ["Rome", "40", "0.2857142857142857"]],
    ),
    "equal ones by their value": (
        {
            "dimensions": [CITY],
            "measures": ["sales.count"],
            "top": {"dimension": CITY, "by": "sales.count", "limit": 2, "others": "Others"},
            "order": [[CITY, "asc"]],
        },
        [
            ["Milan", "1"],
            ["Others", "2"],
            ["Rome", "2"],
        ],  # Rome has two; of those with one Milan is the first
    ),
}


@pytest.mark.parametrize("title", CASES)
@pytest.mark.parametrize("engine", [pytest.param(each, marks=pytest.mark.engine(each)) for each in ENGINES])
def test_additions(ask_on, engine: str, title: str) -> None:
    query, expected = CASES[title]
    assert ask_on(engine, query) == expected


@pytest.mark.parametrize("engine", [pytest.param(each, marks=pytest.mark.engine(each)) for each in ENGINES])
def test_what_goes_by_a_fact_that_does_not_reach_the_dimension_is_refused(ask_on, engine: str) -> None:
    query = {
        "dimensions": ["sales.channel"],
        "measures": [TOTAL],
        "top": {"dimension": "sales.channel", "by": "sent_back.total", "limit": 1},
    }
    with pytest.raises(NoJoinPath, match="sent_back"):
        ask_on(engine, query)
