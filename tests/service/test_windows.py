"""Rolling windows on numbers that were worked out by hand (semantics.md, section 7).

orders   day     city  amount
1        Jan 1   Rome  1
2        Jan 1   Oslo  2
3        Jan 2   Rome  4
4        Jan 5   Rome  8
5        Feb 1   Oslo  16
6        none    Rome  32
"""

from __future__ import annotations

from typing import Any

import pytest
from tests.service.conftest import Ask

from cuboid.errors import InvalidDateRange, UnsupportedFeature

MODEL = """
cubes:
  - name: orders
    sql: >
      SELECT 1 AS id, TIMESTAMP '2024-01-01 00:00:00' AS at, 'Rome' AS city, 1 AS amount
      UNION ALL SELECT 2, TIMESTAMP '2024-01-01 23:30:00', 'Oslo', 2
      UNION ALL SELECT 3, TIMESTAMP '2024-01-02 10:00:00', 'Rome', 4
      UNION ALL SELECT 4, TIMESTAMP '2024-01-05 12:00:00', 'Rome', 8
      UNION ALL SELECT 5, TIMESTAMP '2024-02-01 00:00:00', 'Oslo', 16
      UNION ALL SELECT 6, NULL, 'Rome', 32
    joins:
      - {name: lines, relationship: one_to_many, sql: "{CUBE.id} = {lines}.order_id"}
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: at, sql: at, type: time, granularities: [{name: fortnight, interval: 14 days, origin: "2024-01-01"}]}
      - {name: city, sql: city, type: string}
    measures:
      - {name: count, type: count}
      - {name: total, type: sum, sql: amount}
      - {name: two_days, type: sum, sql: amount, rolling_window: {trailing: 2 days}}
      - {name: seen, type: count, rolling_window: {trailing: 2 days}}
      - {name: before, type: sum, sql: amount, rolling_window: {trailing: 2 days, offset: start}}
      - {name: ahead, type: sum, sql: amount, rolling_window: {leading: 1 day}}
      - {name: around, type: sum, sql: amount, rolling_window: {trailing: 2 days, leading: 1 day}}
      - {name: running, type: sum, sql: amount, rolling_window: {trailing: unbounded}}
      - {name: ever, type: sum, sql: amount, rolling_window: {trailing: unbounded, leading: unbounded}}
      - {name: cities, type: count_distinct, sql: city, rolling_window: {trailing: 2 days}}
      - {name: big, type: sum, sql: amount, filters: [{sql: "{CUBE}.amount > 1"}], rolling_window: {trailing: 2 days}}
      - {name: month_to_date, type: sum, sql: amount, rolling_window: {type: to_date, granularity: month}}
      - {name: three_months, type: sum, sql: amount, rolling_window: {trailing: 3 months}}
      - {name: spread, type: number, sql: "MAX({CUBE}.amount) - MIN({CUBE}.amount)", rolling_window: {trailing: 2 days}}
      - {name: rows, type: number, sql: "COUNT(*)", rolling_window: {trailing: 2 days}}
      - {name: share, type: number, sql: "1.0 * {total} / {running}"}
      - {name: best, type: max, sql: "{total}", multi_stage: true, rolling_window: {trailing: 2 days}}
      - {name: earlier, type: sum, sql: "{two_days}", multi_stage: true, time_shift: [{interval: 1 day, type: prior}]}
  - name: lines
    sql: SELECT 1 AS id, 1 AS order_id, 'x' AS sku UNION ALL SELECT 2, 1, 'x' UNION ALL SELECT 3, 4, 'x'
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: sku, sql: sku, type: string}
    measures: [{name: count, type: count}]
"""

FIRST_WEEK = ["2024-01-01", "2024-01-06"]


def days(
    ask: Ask,
    *measures: str,
    granularity: str | None = "day",
    date_range: list[str] | None = None,
    **query: Any,
) -> dict[Any, Any]:
    """{(day, dimensions...): values}; the day as its month and day, alone if there are no dimensions."""
    time = {"dimension": "orders.at"}
    time |= {"granularity": granularity} if granularity else {}
    time |= {"dateRange": date_range} if date_range else {}
    names = [f"orders.at.{granularity}"] if granularity else []
    dimensions = query.pop("dimensions", [])
    measures = tuple(f"orders.{each}" for each in measures)
    found = {}
    for row in ask(
        MODEL, names=names, dimensions=dimensions, measures=measures, timeDimensions=[time], **query
    ):
        day = [row[0][5:10] if row[0] else None] if names else []
        group = (*day, *row[len(names) : len(names) + len(dimensions)])
        values = tuple(
            None if value is None else float(value) for value in row[len(names) + len(dimensions) :]
        )
        found[group[0] if len(group) == 1 else group] = values[0] if len(values) == 1 else values
    return found


def test_a_window_reaches_over_days_without_rows(ask: Ask) -> None:
    assert days(ask, "two_days", "seen", date_range=FIRST_WEEK) == {
        "01-01": (3, 2),
        "01-02": (7, 3),
        "01-03": (4, 1),
        "01-04": (None, 0),
        "01-05": (8, 1),
        "01-06": (8, 1),
    }


def test_windows_begin_where_they_say(ask: Ask) -> None:
    assert days(ask, "before", "ahead", "around", date_range=["2024-01-02", "2024-01-05"]) == {
        "01-02": (3, None, 7),
        "01-03": (7, None, 4),
        "01-04": (4, 8, 8),
        "01-05": (None, None, 8),
    }


def test_rows_before_the_range_count(ask: Ask) -> None:
    assert days(ask, "running", date_range=["2024-01-04", "2024-01-05"]) == {"01-04": 7, "01-05": 15}
    assert days(ask, "two_days", date_range=["2024-01-02", "2024-01-02"]) == {"01-02": 7}
    assert days(ask, "ever", date_range=["2024-01-04", "2024-01-04"]) == {"01-04": 31}


def test_without_a_range_the_buckets_are_those_between_the_first_and_the_last_row(ask: Ask) -> None:
    answer = days(ask, "running")
    assert len(answer) == 32
    assert [answer[day] for day in ("01-01", "01-02", "01-04", "01-05", "01-31", "02-01")] == [
        3,
        7,
        7,
        15,
        15,
        31,
    ]
    assert days(ask, "running", granularity="month") == {"01-01": 15, "02-01": 31}


def test_no_rows_have_no_buckets(ask: Ask) -> None:
    nobody = [{"member": "orders.city", "operator": "equals", "values": ["Atlantis"]}]
    assert days(ask, "running", filters=nobody) == {}
    assert days(ask, "running", "seen", filters=nobody, date_range=["2024-01-01", "2024-01-02"]) == {
        "01-01": (None, 0),
        "01-02": (None, 0),
    }


def test_pairs_with_other_keys_are_those_with_rows_in_the_frame(ask: Ask) -> None:
    assert days(
        ask, "two_days", "big", dimensions=["orders.city"], date_range=["2024-01-01", "2024-01-03"]
    ) == {
        ("01-01", "Rome"): (1, None),
        ("01-01", "Oslo"): (2, 2),
        ("01-02", "Rome"): (5, 4),
        ("01-02", "Oslo"): (2, 2),
        ("01-03", "Rome"): (4, 4),
    }


def test_what_cannot_be_added_up_is_aggregated_from_rows(ask: Ask) -> None:
    assert days(ask, "cities", "spread", "rows", date_range=["2024-01-01", "2024-01-04"]) == {
        "01-01": (2, 1, 2),
        "01-02": (2, 3, 3),
        "01-03": (1, 0, 1),
        "01-04": (0, None, 0),
    }


def test_windows_to_date_begin_anew(ask: Ask) -> None:
    answer = days(ask, "month_to_date", date_range=["2024-01-30", "2024-02-02"])
    assert answer == {"01-30": 15, "01-31": 15, "02-01": 16, "02-02": 16}


def test_months_are_counted_by_the_calendar(ask: Ask) -> None:
    answer = days(ask, "three_months", granularity="month", date_range=["2024-03-01", "2024-05-31"])
    assert answer == {"03-01": 31, "04-01": 16, "05-01": None}


def test_beside_measures_without_window(ask: Ask) -> None:
    assert days(ask, "total", "running", "share", date_range=["2024-01-04", "2024-01-05"]) == {
        "01-04": (None, 7, None),
        "01-05": (8, 15, pytest.approx(8 / 15)),
    }


def test_without_granularity_the_range_is_the_one_frame(ask: Ask) -> None:
    assert days(ask, "two_days", "before", granularity=None, date_range=["2024-01-02", "2024-01-05"]) == {
        (): (8, 3)
    }
    assert days(ask, "two_days", "seen", granularity=None, date_range=["2030-01-02", "2030-01-05"]) == {
        (): (None, 0)
    }


def test_without_a_time_dimension_a_window_is_no_window(ask: Ask) -> None:
    assert ask(MODEL, measures=["orders.two_days", "orders.seen"]) == [["63", "6"]]


def test_repeated_rows_count_once_in_a_frame(ask: Ask) -> None:
    answer = days(ask, "two_days", "seen", dimensions=["lines.sku"], date_range=["2024-01-01", "2024-01-02"])
    assert answer == {
        ("01-01", "x"): (1, 1),
        ("01-01", None): (2, 1),
        ("01-02", "x"): (1, 1),
        ("01-02", None): (6, 2),
    }


def test_windows_over_measures(ask: Ask) -> None:
    answer = days(ask, "best", date_range=["2024-01-01", "2024-01-04"])
    assert answer == {"01-01": 3, "01-02": 4, "01-03": 4, "01-04": None}


def test_windows_inside_a_shift(ask: Ask) -> None:
    answer = days(ask, "earlier", date_range=["2024-01-02", "2024-01-04"])
    assert answer == {"01-02": 3, "01-03": 7, "01-04": 4}


def test_custom_buckets(ask: Ask) -> None:
    answer = days(ask, "running", granularity="fortnight", date_range=["2024-01-15", "2024-02-01"])
    assert answer == {"01-15": 15, "01-29": 31}


def test_longer_periods_beside_the_buckets(ask: Ask) -> None:
    time = [
        {"dimension": "orders.at", "granularity": "day", "dateRange": ["2024-01-31", "2024-02-01"]},
        {"dimension": "orders.at", "granularity": "month"},
    ]
    names = ["orders.at.day", "orders.at.month"]
    answer = ask(MODEL, names=names, measures=["orders.month_to_date"], timeDimensions=time)
    assert [[row[0][5:10], row[1][5:10], row[2]] for row in answer] == [
        ["01-31", "01-01", "15"],
        ["02-01", "02-01", "16"],
    ]
    time[0]["granularity"] = "week"
    with pytest.raises(UnsupportedFeature, match="not within one month"):
        ask(MODEL, measures=["orders.month_to_date"], timeDimensions=time)


def test_days_are_those_of_the_zone(ask: Ask) -> None:
    answer = days(ask, "running", date_range=["2023-12-31", "2024-01-01"], timezone="America/New_York")
    assert answer == {"12-31": 1, "01-01": 3}  # 2024-01-01T00:00Z is 19:00 on the day before


def test_too_many_buckets_are_refused(ask: Ask) -> None:
    with pytest.raises(InvalidDateRange, match="2,592,000 buckets"):
        days(ask, "running", granularity="second", date_range=["2024-01-01", "2024-01-30"])
