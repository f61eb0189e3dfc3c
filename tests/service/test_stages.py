"""Measures that are evaluated in stages, on numbers that were worked out by hand (semantics.md, section 9).

orders   month  city  status  amount            by city and month
1        Jan    Rome  paid    10                Rome  Jan 30, Feb 40
2        Jan    Rome  open    20                Oslo  Jan 50
3        Jan    Oslo  paid    50                (no city) Feb 5
4        Feb    Rome  paid    40
5        Feb    -     paid    5
"""

from __future__ import annotations

from typing import Any

import pytest
from tests.service.conftest import Ask

from cuboid.errors import UnsupportedFeature

MODEL = """
cubes:
  - name: orders
    sql: >
      SELECT 1 AS id, TIMESTAMP '2024-01-05' AS at, 'Rome' AS city, 'paid' AS status, 10 AS amount
      UNION ALL SELECT 2, TIMESTAMP '2024-01-31 12:00:00', 'Rome', 'open', 20
      UNION ALL SELECT 3, TIMESTAMP '2024-01-10', 'Oslo', 'paid', 50
      UNION ALL SELECT 4, TIMESTAMP '2024-02-01', 'Rome', 'paid', 40
      UNION ALL SELECT 5, TIMESTAMP '2024-02-29', NULL, 'paid', 5
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: at, sql: at, type: time}
      - {name: city, sql: city, type: string}
      - {name: status, sql: status, type: string}
    measures:
      - {name: count, type: count}
      - {name: total, type: sum, sql: amount}
      - {name: all_cities, type: sum, sql: "{total}", multi_stage: true, reduce_by: [city]}
      - {name: of_city, type: sum, sql: "{total}", multi_stage: true, group_by: [city]}
      - {name: grand, type: sum, sql: "{total}", multi_stage: true, group_by: []}
      - {name: share, type: number, sql: "100.0 * {total} / {all_cities}"}
      - {name: mean_city, type: avg, sql: "{total}", multi_stage: true, add_group_by: [city]}
      - {name: best_city, type: max, sql: "{total}", multi_stage: true, add_group_by: [city]}
      - {name: big_cities, type: count, sql: "{city}", multi_stage: true, add_group_by: [city],
         filters: [{sql: "{total} >= 50"}]}
      - {name: mean_of_best, type: avg, sql: "{best_status}", multi_stage: true, add_group_by: [city]}
      - {name: best_status, type: max, sql: "{total}", multi_stage: true, add_group_by: [status]}
      - name: place
        type: rank
        multi_stage: true
        reduce_by: [city]
        order_by: [{sql: "{total}", dir: desc}]
      - {name: paid, type: sum, sql: "{total}", multi_stage: true,
         filter: {include: [{member: status, operator: equals, values: [paid]}]}}
      - {name: any_status, type: sum, sql: "{total}", multi_stage: true, filter: {exclude: [status]}}
      - {name: only_city, type: sum, sql: "{total}", multi_stage: true, filter: {keep_only: [city]}}
      - {name: outer_fixed, type: sum, sql: "{total} + {inner_fixed}", multi_stage: true, filter: {exclude: [status]}}
      - {name: inner_fixed, type: sum, sql: "{total}", multi_stage: true, filter: {mode: fixed}}
      - {name: size, type: string, sql: "CASE WHEN {total} >= 50 THEN 'big' ELSE 'small' END", multi_stage: true}
      - {name: average, type: number, sql: "1.0 * {total} / {count}", multi_stage: true}
      - {name: before, type: sum, sql: "{total}", multi_stage: true,
         time_shift: [{time_dimension: at, interval: 1 month, type: prior}]}
      - {name: after, type: sum, sql: "{total}", multi_stage: true, time_shift: [{interval: 1 month, type: next}]}
      - {name: growth, type: number, sql: "{total} - {before}"}
      - {name: before_all, type: sum, sql: "{before}", multi_stage: true, group_by: [at]}
"""


def rows(answer: list[list[Any]]) -> list[list[Any]]:
    return sorted(answer, key=lambda row: [(value is None, value) for value in row])


def number(text: Any) -> float | None:
    return None if text is None else float(text)


def table(answer: list[list[Any]], keys: int) -> dict[Any, Any]:
    """Group (a tuple, or one value) -> values (a tuple, or one number)."""
    found = {}
    for row in answer:
        group, values = tuple(row[:keys]), tuple(number(value) for value in row[keys:])
        found[group[0] if keys == 1 else group] = values[0] if len(values) == 1 else values
    return found


def test_a_total_of_fewer_groups_stands_beside_each_of_them(ask: Ask) -> None:
    answer = ask(
        MODEL, dimensions=["orders.city", "orders.status"], measures=["orders.total", "orders.all_cities"]
    )
    assert table(answer, 2) == {
        ("Rome", "paid"): (50, 105),
        ("Rome", "open"): (20, 20),
        ("Oslo", "paid"): (50, 105),
        (None, "paid"): (5, 105),
    }


def test_group_by_keeps_only_the_dimensions_it_names(ask: Ask) -> None:
    answer = ask(
        MODEL, dimensions=["orders.city", "orders.status"], measures=["orders.of_city", "orders.grand"]
    )
    assert table(answer, 2) == {
        ("Rome", "paid"): (70, 125),
        ("Rome", "open"): (70, 125),
        ("Oslo", "paid"): (50, 125),
        (None, "paid"): (5, 125),
    }


def test_a_share_of_the_total(ask: Ask) -> None:
    answer = table(ask(MODEL, dimensions=["orders.city"], measures=["orders.share"]), 1)
    assert answer == pytest.approx({"Rome": 56.0, "Oslo": 40.0, None: 4.0})


def test_without_dimensions_there_is_nothing_to_reduce(ask: Ask) -> None:
    assert table(ask(MODEL, measures=["orders.all_cities", "orders.grand"]), 0) == {(): (125, 125)}


def test_added_groups_are_aggregated_again(ask: Ask) -> None:
    measures = ["orders.mean_city", "orders.best_city", "orders.big_cities"]
    assert table(ask(MODEL, dimensions=["orders.status"], measures=measures), 1) == {
        "paid": (35, 50, 2),  # Rome 50, Oslo 50, none 5; no city is not counted and small
        "open": (20, 20, 0),
    }
    assert table(ask(MODEL, measures=measures), 0) == {(): (pytest.approx(125 / 3), 70, 2)}


def test_stages_nest(ask: Ask) -> None:
    # the best status of each city: Rome 50, Oslo 50, none 5
    assert table(ask(MODEL, measures=["orders.mean_of_best"]), 0) == {(): 35}


def test_ranks_are_within_the_dimensions_that_are_kept(ask: Ask) -> None:
    answer = ask(MODEL, dimensions=["orders.city", "orders.status"], measures=["orders.place"])
    assert table(answer, 2) == {
        ("Rome", "paid"): 1,
        ("Oslo", "paid"): 1,
        (None, "paid"): 3,
        ("Rome", "open"): 1,
    }


def test_ranks_are_told_from_all_groups_whatever_is_shown(ask: Ask) -> None:
    keep = [{"member": "orders.place", "operator": "gt", "values": ["1"]}]
    answer = ask(MODEL, dimensions=["orders.city"], measures=["orders.place"], filters=keep)
    assert table(answer, 1) == {"Oslo": 2, None: 3}


def test_a_directive_changes_the_filters_inside(ask: Ask) -> None:
    filters = [
        {"member": "orders.status", "operator": "equals", "values": ["open"]},
        {"member": "orders.id", "operator": "lt", "values": ["4"]},
    ]
    measures = ["orders.total", "orders.paid", "orders.any_status", "orders.only_city"]
    assert table(ask(MODEL, measures=measures, filters=filters), 0) == {(): (20, None, 80, 125)}
    # 'fixed' starts from what the query asks, whatever the measure around it excludes
    assert table(ask(MODEL, measures=["orders.outer_fixed"], filters=filters), 0) == {(): 80 + 20}


def test_formulas_are_computed_from_the_groups(ask: Ask) -> None:
    answer = ask(MODEL, dimensions=["orders.city"], measures=["orders.size", "orders.average"])
    assert {row[0]: (row[1], number(row[2])) for row in answer} == {
        "Rome": ("big", pytest.approx(70 / 3)),
        "Oslo": ("big", 50),
        None: ("small", 5),
    }


JAN, FEB, MAR = (f"2024-{month:02}-01T00:00:00.000" for month in (1, 2, 3))


def by_month(ask: Ask, *measures: str, date_range: list[str] | None = None, **query: Any) -> dict[Any, Any]:
    time = {
        "dimension": "orders.at",
        "granularity": "month",
        **({"dateRange": date_range} if date_range else {}),
    }
    dimensions = query.pop("dimensions", [])
    answer = ask(
        MODEL,
        names=["orders.at.month"],
        dimensions=dimensions,
        measures=list(measures),
        timeDimensions=[time],
        **query,
    )
    return table(answer, 1 + len(dimensions))


def test_a_shift_moves_last_months_rows_into_this_month(ask: Ask) -> None:
    assert by_month(ask, "orders.total", "orders.before", "orders.after") == {
        "2023-12-01T00:00:00.000": (None, None, 80),
        JAN: (80, None, 45),
        FEB: (45, 80, None),
        MAR: (None, 45, None),
    }


def test_a_shift_moves_the_date_range_too(ask: Ask) -> None:
    february = ["2024-02-01", "2024-02-29"]
    assert by_month(ask, "orders.growth", date_range=february) == {FEB: 45 - 80}
    assert by_month(ask, "orders.before", date_range=["2024-02-01", "2024-02-28"]) == {
        FEB: 60
    }  # 31 January is 29 Feb


def test_shifts_of_nested_stages_add_up(ask: Ask) -> None:
    answer = by_month(ask, "orders.before", "orders.before_all", dimensions=["orders.city"])
    assert answer == {
        (FEB, "Rome"): (30, 80),
        (FEB, "Oslo"): (50, 80),
        (MAR, "Rome"): (40, 45),
        (MAR, None): (5, 45),
    }


def test_a_shift_by_months_cannot_begin_within_a_day(ask: Ask) -> None:
    with pytest.raises(UnsupportedFeature, match="cannot be restricted within a day"):
        by_month(ask, "orders.before", date_range=["2024-02-01T10:00:00", "2024-02-29T12:00:00"])


@pytest.mark.parametrize(
    ("measure", "reason"),
    [
        ("{name: x, type: sum, sql: '1', multi_stage: true}", "refers to no measure"),
        ("{name: x, type: sum, sql: 'amount', multi_stage: true}", "have no columns of 'orders'"),
        (
            "{name: x, type: sum, sql: '{CUBE}.amount * {total}', multi_stage: true}",
            "have no columns of 'orders'",
        ),
        ("{name: x, type: max, sql: '{total} || {city}', multi_stage: true}", "not grouped by in this query"),
    ],
)
def test_what_has_no_value_is_refused_with_the_reason(ask: Ask, measure: str, reason: str) -> None:
    with pytest.raises(UnsupportedFeature, match=reason):
        ask(f"{MODEL}      - {measure}\n", measures=["orders.x"])


def test_rows_have_no_stages(ask: Ask) -> None:
    with pytest.raises(UnsupportedFeature, match="cannot be shown row by row"):
        ask(MODEL, dimensions=["orders.id"], measures=["orders.grand"], ungrouped=True)
