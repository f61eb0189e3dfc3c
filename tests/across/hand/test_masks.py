"""What some principals see masked, computed by hand, on every engine."""

from __future__ import annotations

from typing import Any

import pytest
from tests.engines.fixtures import ENGINES

CLERK = {"city": "Rome"}
BOSS = {"city": "Rome", "groups": ["boss"]}
BY_LABEL = {"dimensions": ["staff.label"], "order": [["staff.label", "asc"]]}

CASES: dict[str, tuple[dict[str, Any], dict[str, Any], list[list[Any]]]] = {
    "rows": (
        CLERK,
        {"dimensions": ["staff.id", "staff.earned"], "order": [["staff.id", "asc"]]},
        [["1", "-1"], ["2", "-1"]],
    ),
    "rows of which some are shown": (
        BOSS,
        {"dimensions": ["staff.id", "staff.earned"], "order": [["staff.id", "asc"]]},
        [["1", "10"], ["2", "-1"], ["3", "40"]],
    ),
    "groups": (CLERK, {**BY_LABEL, "measures": ["staff.salaries"]}, [["x", None], ["y", None]]),
    "groups of which some are shown": (
        BOSS,
        {**BY_LABEL, "measures": ["staff.salaries", "staff.count"]},
        [["x", "50", "2"], ["y", None, "1"]],
    ),
    "groups that do not tell which they are": (
        BOSS,
        {"measures": ["staff.salaries", "staff.count"]},
        [[None, "3"]],
    ),
    "a condition on what is shown of groups": (
        BOSS,
        {
            **BY_LABEL,
            "measures": ["staff.count"],
            "filters": [{"member": "staff.salaries", "operator": "gt", "values": ["5"]}],
        },
        [["x", "2"]],
    ),
    "an `or` of it and a group": (
        BOSS,
        {
            **BY_LABEL,
            "measures": ["staff.salaries"],
            "filters": [
                {
                    "or": [
                        {"member": "staff.salaries", "operator": "gt", "values": ["15"]},
                        {"member": "staff.label", "operator": "equals", "values": ["y"]},
                    ]
                }
            ],
        },
        [["x", "50"], ["y", None]],
    ),
    "what is hidden orders nothing": (
        CLERK,
        {
            "dimensions": ["staff.label"],
            "measures": ["desks.count", "staff.salaries"],
            "order": [["staff.salaries", "desc"]],
        },
        [["x", "1", None], ["y", "1", None]],
    ),
    "nor does it choose what is first": (
        CLERK,
        {
            "dimensions": ["staff.label"],
            "measures": ["desks.count", "staff.salaries"],
            "order": [["staff.salaries", "desc"]],
            "limit": 1,
        },
        [["x", "1", None]],
    ),
}


@pytest.mark.parametrize("engine", [pytest.param(name, marks=pytest.mark.engine(name)) for name in ENGINES])
@pytest.mark.parametrize("name", CASES)
def test_masks(ask_on, engine, name) -> None:
    claims, query, expected = CASES[name]
    assert ask_on(engine, query, claims) == expected
