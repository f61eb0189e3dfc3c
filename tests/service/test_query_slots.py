"""What a query fills in the SQL of a model: claims, its own filters, its zone. Rows are computed by hand."""

from __future__ import annotations

from typing import Any

import pytest

from cuboid.errors import Forbidden

ROWS = """
      SELECT * FROM (VALUES
        (1, 'Berlin', 'A', 10, TIMESTAMP '2024-01-31 22:30:00'),
        (2, 'Berlin', 'B', 20, TIMESTAMP '2024-01-31 23:59:59.9995'),
        (3, 'Rome', 'A', 40, TIMESTAMP '2024-02-01 00:00:00'),
        (4, 'Rome', 'C', 80, TIMESTAMP '2024-02-15 12:00:00')
      ) AS t (id, city, team, amount, made_at)
"""


def model(where: str, members: str = "") -> str:
    """One cube whose relation ends with ``where``."""
    return f"""
cubes:
  - name: sales
    sql: |{ROWS}      WHERE {where}
    dimensions:
      - {{name: id, sql: id, type: number, primary_key: true, public: true}}
      - {{name: city, sql: city, type: string}}
      - {{name: team, sql: team, type: string}}
      - {{name: amount_of, sql: amount, type: number}}
      - {{name: made_at, sql: made_at, type: time}}
    measures:
      - {{name: count, type: count}}
      - {{name: amount, type: sum, sql: amount}}
{members}
views:
  - name: shown
    cubes: [{{join_path: sales, includes: "*"}}]
"""


IDS: dict[str, Any] = {"dimensions": ["sales.id"], "order": {"sales.id": "asc"}}


def ids(ask, where: str, claims: dict[str, Any] | None = None, **query: Any) -> list[int]:
    return [int(row[0]) for row in ask(model(where), claims, **(IDS | query))]


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({}, [1, 2, 3, 4]),
        ({"team": None}, [1, 2, 3, 4]),
        ({"team": "A"}, [1, 3]),
        ({"team": ["A", "C"]}, [1, 3, 4]),
        ({"team": ["B"]}, [2]),
        ({"team": []}, []),
        ({"team": "A' OR '1' = '1"}, []),
    ],
)
def test_a_claim_is_a_condition_on_a_column(ask, claims, expected) -> None:
    assert ids(ask, "{SECURITY_CONTEXT.team.filter('team')}", claims) == expected


@pytest.mark.parametrize(("claim", "expected"), [(40, [3]), ([10, 80], [1, 4]), (0.5, [])])
def test_a_claim_may_be_a_number(ask, claim, expected) -> None:
    where = "{SECURITY_CONTEXT.allowed.amount.filter('amount')}"
    assert ids(ask, where, {"allowed": {"amount": claim}}) == expected


@pytest.mark.parametrize("claim", [{"in": "A"}, [["A"]], ["A", 1], [None], [{"a": 1}], "A\0"])
def test_a_claim_of_a_wrong_type_is_forbidden(ask, claim) -> None:
    with pytest.raises(Forbidden, match="'team' must be a text"):
        ids(ask, "{SECURITY_CONTEXT.team.filter('team')}", {"team": claim})


def test_a_required_claim_must_be_there(ask) -> None:
    where = "{SECURITY_CONTEXT.team.requiredFilter('team')}"
    assert ids(ask, where, {"team": "C"}) == [4]
    with pytest.raises(Forbidden, match="'team' is required"):
        ids(ask, where, {"teams": "C"})


def test_a_function_of_a_claim_is_the_whole_condition(ask) -> None:
    where = "{SECURITY_CONTEXT.team.filter(lambda x: f'NOT team IN ({x})')}"
    assert ids(ask, where, {"team": ["A", "B"]}) == [4]
    assert ids(ask, where, {"team": "A"}) == [2, 4]
    assert ids(ask, where) == [1, 2, 3, 4]


def test_a_claim_counts_in_measures_too(ask) -> None:
    condition = "{SECURITY_CONTEXT.team.filter(f'{CUBE}.team')}"
    own = f'      - {{name: own, type: sum, sql: amount, filters: [{{sql: "{condition}"}}]}}'
    text = model("1 = 1", own)
    assert ask(text, {"team": "A"}, measures=["sales.own", "sales.amount"]) == [["50", "150"]]
    assert ask(text, measures=["sales.own"]) == [["150"]]


# ---------------------------------------------------------------- the query's own filters


def test_a_filter_is_restated_on_a_column_inside_the_relation(ask) -> None:
    # The relation keeps one row of each city: which, depends on what was filtered before.
    where = """{FILTER_PARAMS.sales.team.filter('team')}
      QUALIFY row_number() OVER (PARTITION BY city ORDER BY id) = 1"""
    assert ids(ask, where) == [1, 3]
    team = {"member": "sales.team", "operator": "equals", "values": ["B", "C"]}
    assert ids(ask, where, filters=[team]) == [2, 4]
    assert ids(ask, where, filters=[{**team, "operator": "notEquals"}]) == [1, 3]
    assert ids(ask, where, filters=[{"member": "shown.team", "operator": "equals", "values": ["C"]}]) == [4]


def test_an_or_is_restated_where_all_of_it_belongs_to_the_group(ask) -> None:
    first = "QUALIFY row_number() OVER (PARTITION BY city ORDER BY id) = 1"
    group = (
        "{FILTER_GROUP(FILTER_PARAMS.sales.team.filter('team'), FILTER_PARAMS.sales.city.filter('city'))} "
        + first
    )
    alone = "{FILTER_PARAMS.sales.team.filter('team')} AND {FILTER_PARAMS.sales.city.filter('city')} " + first
    either = {
        "or": [
            {"member": "sales.team", "operator": "equals", "values": ["B"]},
            {"and": [
                {"member": "sales.city", "operator": "equals", "values": ["Rome"]},
                {"member": "sales.team", "operator": "equals", "values": ["C"]},
            ]},
        ]
    }  # fmt: skip
    assert ids(ask, group, filters=[either]) == [2, 4]
    assert ids(ask, alone, filters=[either]) == []  # the first of each city, 1 and 3, are neither
    teams = {"or": [{"member": "sales.team", "operator": "equals", "values": [team]} for team in ("B", "C")]}
    assert ids(ask, alone, filters=[teams]) == [2, 4]
    mixed = {"or": [*either["or"], {"member": "sales.id", "operator": "equals", "values": ["1"]}]}
    assert ids(ask, group, filters=[mixed]) == [1]


@pytest.mark.parametrize("slot", [
    "{FILTER_PARAMS.sales.made_at.filter('made_at')}",
    "{FILTER_PARAMS.sales.made_at.filter(lambda since, until: f'made_at BETWEEN {since} AND {until}')}",
])  # fmt: skip
def test_date_ranges_are_restated_on_the_raw_column(ask, slot) -> None:
    first = "QUALIFY row_number() OVER (ORDER BY id DESC) <= 2"
    january = [{"dimension": "sales.made_at", "dateRange": ["2024-01-31", "2024-01-31"]}]
    assert ids(ask, f"{slot} {first}", timeDimensions=january) == [1, 2]
    # In Berlin 22:30 UTC is 23:30, and 23:59 the next day.
    assert ids(ask, f"{slot} {first}", timeDimensions=january, timezone="Europe/Berlin") == [1]
    view = [{"dimension": "shown.made_at", "dateRange": ["2024-01-31", "2024-01-31"]}]
    query = {"dimensions": ["shown.id"], "order": {"shown.id": "asc"}, "timeDimensions": view}
    assert ids(ask, f"{slot} {first}", **query) == [1, 2]


def test_functions_are_given_what_they_are_written_for(ask) -> None:
    first = "QUALIFY row_number() OVER (ORDER BY id DESC) <= 1"
    slot = "{FILTER_PARAMS.sales.team.filter(lambda x: f'team = {x}')} " + first
    team = {"member": "sales.team", "operator": "equals", "values": ["A", "B"]}
    assert ids(ask, slot, filters=[team]) == [3]
    # Written for equal values, so that the opposite cannot be said: nothing is restated, and row 4 is kept.
    assert ids(ask, slot, filters=[{**team, "operator": "notEquals"}]) == [4]
    assert ids(ask, slot, filters=[{"member": "sales.team", "operator": "set"}]) == [4]


def test_filters_of_measures_and_segments_are_not_restated(ask) -> None:
    text = model("{FILTER_PARAMS.sales.amount.filter('amount')}")
    large = {"member": "sales.amount", "operator": "gt", "values": ["100"]}
    assert ask(text, measures=["sales.amount"], filters=[large]) == [["150"]]


def test_a_time_is_converted_to_the_query_s_zone(ask) -> None:
    where = "EXTRACT(DAY FROM {SQL_UTILS.convertTz('made_at')}) = 1"
    assert ids(ask, where) == [3]
    assert ids(ask, where, timezone="Europe/Berlin") == [2, 3]
