"""The oracle's rolling windows, time shifts and snapshots, against numbers worked out by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from tests.oracle.evaluate import RefusedError, answer
from tests.oracle.expressions import Column, Compare, Constant, Expression, Reference, Value
from tests.oracle.members import SemiAdditive, Shift, Stage, Window
from tests.oracle.spans import Span
from tests.oracle.world import Cube, Dimension, Measure, Table, TableColumn, World

DAY, TWO_DAYS, MONTH = Span(1, "day"), Span(2, "day"), Span(1, "month")
ROWS = (
    (1, datetime(2024, 1, 1, 10), "a", 1),
    (2, datetime(2024, 1, 2, 12), "a", 2),
    (3, datetime(2024, 1, 2, 13), "b", 4),
    (4, datetime(2024, 1, 5), "a", 8),
    (5, datetime(2024, 2, 1), "b", 16),
    (6, None, "a", 32),
)
AMOUNT = Column("sales", "amount")


def sales(*rows: tuple[Value, ...]) -> World:
    """One cube with a measure of each kind."""
    types = {"id": "integer", "made_at": "timestamp", "shop": "text", "amount": "integer"}
    table = Table("sales", tuple(TableColumn(*each) for each in types.items()), rows or ROWS)  # type: ignore[arg-type]

    def rolling(name: str, **window: Any) -> Measure:
        return Measure(name, "sum", AMOUNT, window=Window(**window))

    def over(name: str, child: str, *shifts: Shift, type: Any = "number", **more: Any) -> Measure:
        return Measure(name, type, Reference("sales", child), stage=Stage(shifts=shifts), **more)

    never: Expression = Compare(">", AMOUNT, Constant(1000))
    return World(
        (
            Cube(
                "sales",
                table,
                (
                    Dimension("id", "number", Column("sales", "id"), primary_key=True),
                    Dimension("at", "time", Column("sales", "made_at")),
                    Dimension("none", "time", Column("sales", "made_at")),
                    Dimension("shop", "string", Column("sales", "shop")),
                ),
                (
                    Measure("count", "count"),
                    Measure("total", "sum", AMOUNT),
                    rolling("last2", trailing=TWO_DAYS),
                    rolling("upto", trailing="unbounded"),
                    rolling("ever", trailing="unbounded", leading="unbounded"),
                    rolling("mtd", to_date="month"),
                    rolling("before", trailing=DAY, offset="start"),
                    rolling("ahead", leading=DAY),
                    rolling("month", trailing=MONTH),
                    rolling("hour", trailing=Span(1, "hour")),
                    Measure("count2", "count", window=Window(trailing=TWO_DAYS)),
                    Measure("never", "sum", AMOUNT, (never,), window=Window(trailing=TWO_DAYS)),
                    over("peak", "total", type="max", window=Window(trailing=TWO_DAYS)),
                    over("last_month", "total", Shift(None, MONTH)),
                    over("before_last", "last_month", Shift("sales.at", MONTH)),
                    over("yesterday", "total", Shift(None, DAY)),
                    over("other_time", "total", Shift("sales.none", DAY)),
                    over("last2_yesterday", "last2", Shift(None, DAY)),
                ),
            ),
        )
    )


def found(
    measure: str,
    unit: str | None,
    range: list[str] | None = None,
    *dimensions: str,
    world: World | None = None,
    **query: Any,
) -> list[Any]:
    """(time without its zeros, other dimensions, value) of each row; just the value where there is nothing else."""
    entry = {"dimension": "sales.at"} | ({"granularity": unit} if unit else {})
    entry |= {"dateRange": range} if range else {}
    by = [f"sales.{name}" for name in dimensions]
    given = {"measures": [f"sales.{measure}"], "dimensions": by, "timeDimensions": [entry], **query}
    rows = answer(world or sales(), given).rows
    columns = [*([f"sales.at.{unit}"] if unit else []), *by, f"sales.{measure}"]
    short = [
        tuple(str(row[c])[5:10] if c.startswith("sales.at") else row[c] for c in columns) for row in rows
    ]
    return [row[0] if len(row) == 1 else row for row in short]


WEEK = ["2024-01-02", "2024-01-04"]


@pytest.mark.parametrize(
    ("measure", "values"),
    [
        ("last2", (7, 6, None)),  # 1 + 2 + 4; 2 + 4; nothing on the 3rd and 4th
        ("count2", (3, 2, 0)),
        ("upto", (7, 7, 7)),
        ("ever", (31, 31, 31)),  # the row without a time is in no frame
        ("mtd", (7, 7, 7)),
        ("before", (1, 6, None)),
        ("ahead", (None, None, 8)),
        ("never", (None, None, None)),
        ("peak", (6, 6, None)),  # the greater of the totals of two days: 1 and 6
        ("last2_yesterday", (1, 7, 6)),
    ],
)
def test_every_bucket_of_the_range_has_the_aggregate_of_its_frame(
    measure: str, values: tuple[int | None, ...]
) -> None:
    days = ("01-02", "01-03", "01-04")
    assert found(measure, "day", WEEK) == list(zip(days, values, strict=True))


def test_with_other_keys_only_frames_that_hold_a_row_are_groups() -> None:
    by = {"order": [["sales.at", "asc"], ["sales.shop", "asc"]]}
    assert found("last2", "day", WEEK, "shop", **by) == [
        ("01-02", "a", 3),
        ("01-02", "b", 4),
        ("01-03", "a", 2),
        ("01-03", "b", 4),
    ]
    # Rows that the measure's filters leave out make groups, too.
    assert [row[2] for row in found("never", "day", WEEK, "shop", **by)] == [None] * 4


def test_without_a_range_the_buckets_are_those_from_the_first_row_to_the_last() -> None:
    assert found("upto", "month") == [("01-01", 15), ("02-01", 31)]
    days = found("upto", "day", None, filters=[of("b")])
    assert (len(days), days[0], days[-1]) == (31, ("01-02", 4), ("02-01", 20))
    assert found("upto", "day", None, filters=[of("nobody")]) == []


def of(shop: str) -> dict[str, Any]:
    return {"member": "sales.shop", "operator": "equals", "values": [shop]}


def test_a_filter_on_the_time_holds_inside_the_frames_too() -> None:
    late = {"member": "sales.at", "operator": "afterOrOnDate", "values": ["2024-01-02"]}
    assert found("upto", "day", WEEK, filters=[late]) == [("01-02", 6), ("01-03", 6), ("01-04", 6)]


def test_a_range_within_a_bucket_shows_the_whole_bucket() -> None:
    assert found("last2", "month", ["2024-01-20", "2024-02-03"]) == [("01-01", None), ("02-01", None)]
    assert found("mtd", "month", ["2024-01-20", "2024-02-03"]) == [("01-01", 15), ("02-01", 16)]


def test_without_a_granularity_the_range_is_the_bucket_and_without_the_time_there_is_no_window() -> None:
    assert found("last2", None, WEEK) == [None]
    assert found("upto", None, WEEK) == [7]
    assert found("upto", None, WEEK, "shop") == [("b", 4), ("a", 3)]
    assert answer(sales(), {"measures": ["sales.last2"]}).rows == ({"sales.last2": 63},)


def test_months_end_on_the_last_day_of_shorter_ones() -> None:
    # The bucket of the 30th of March ends on the 31st, and a month before that is the 29th of February.
    ends = ((1, datetime(2024, 2, 28, 23), "a", 1), (2, datetime(2024, 2, 29), "a", 2))
    assert found("month", "day", ["2024-03-30", "2024-03-30"], world=sales(*ends)) == [("03-30", 2)]


def test_a_frame_of_hours_holds_both_passes_of_a_repeated_one() -> None:
    passes = ((1, datetime(2024, 10, 27, 0, 30), "a", 1), (2, datetime(2024, 10, 27, 1, 30), "a", 2))
    rows = answer(
        sales(*passes),
        {
            "measures": ["sales.hour"],
            "timeDimensions": [{"dimension": "sales.at", "granularity": "hour"}],
            "timezone": "Europe/Berlin",
        },
    ).rows
    assert [(row["sales.at.hour"], row["sales.hour"]) for row in rows] == [("2024-10-27T02:00:00.000", 3)]


def test_weeks_beside_months_are_refused_and_days_are_not() -> None:
    def by(*units: str) -> dict[str, Any]:
        entries = [{"dimension": "sales.at", "granularity": unit} for unit in units]
        ranged: dict[str, Any] = {"dimension": "sales.at", "dateRange": WEEK}
        return {"measures": ["sales.upto"], "timeDimensions": [*entries, ranged]}

    with pytest.raises(RefusedError):
        answer(sales(), by("week", "month"))
    rows = answer(sales(), by("month", "day")).rows
    assert [(row["sales.at.month"][:7], row["sales.at.day"][5:10], row["sales.upto"]) for row in rows] == [  # type: ignore[index]
        ("2024-01", "01-02", 7),
        ("2024-01", "01-03", 7),
        ("2024-01", "01-04", 7),
    ]


def test_two_ranges_are_refused() -> None:
    twice = [{"dimension": "sales.at", "dateRange": WEEK, "granularity": unit} for unit in ("day", "month")]
    with pytest.raises(RefusedError, match="several date ranges"):
        answer(sales(), {"measures": ["sales.upto"], "timeDimensions": twice})


# ---------------------------------------------------------------- shifts


def test_a_prior_month_counts_last_months_rows_as_this_months() -> None:
    assert found("last_month", "month", ["2024-02-01", "2024-02-29"]) == [("02-01", 15)]
    assert found("last_month", None, ["2024-02-01", "2024-02-02"]) == [
        1 + 2 + 4
    ]  # of the 1st and 2nd of January
    assert found("before_last", "month") == [("03-01", 15), ("04-01", 16), ("", 32)]


def test_filters_see_shifted_times() -> None:
    early = {"member": "sales.at", "operator": "beforeDate", "values": ["2024-02-02"]}
    assert answer(sales(), {"measures": ["sales.last_month"], "filters": [early]}).rows[0] == {
        "sales.last_month": 1
    }


def test_the_end_of_a_month_clips() -> None:
    ends = tuple((day, datetime(2024, 1, day, 5), "a", day) for day in (28, 29, 30, 31))
    assert found("last_month", "day", world=sales(*ends)) == [("02-28", 28), ("02-29", 29 + 30 + 31)]
    assert found("last_month", None, ["2024-02-29", "2024-03-01"], world=sales(*ends)) == [29 + 30 + 31]
    assert found("last_month", None, ["2024-03-01", "2024-03-31"], world=sales(*ends)) == [None]


def test_a_dimension_that_is_not_used_is_not_shifted() -> None:
    assert found("other_time", "month") == found("total", "month")


def test_days_shift_within_days_and_months_do_not() -> None:
    noon = ["2024-01-02T12:00:00.000", "2024-01-03T12:30:00.000"]
    assert found("yesterday", None, noon) == [2]  # of the 2nd at 12:00, a day later at 12:00
    with pytest.raises(RefusedError, match="within a day"):
        found("last_month", None, noon)
    equal = {"member": "sales.at", "operator": "equals", "values": ["2024-02-01"]}
    with pytest.raises(RefusedError, match="by months"):
        answer(sales(), {"measures": ["sales.last_month"], "filters": [equal]})


# ---------------------------------------------------------------- snapshots


def balances() -> World:
    types = {"id": "integer", "at": "timestamp", "account": "text", "amount": "integer"}
    first, second = datetime(2024, 1, 1), datetime(2024, 1, 2)
    rows = (
        (1, first, "A", 10),
        (2, second, "A", 20),
        (3, first, "B", 5),
        (4, None, "B", 100),
        (5, second, "C", None),
    )
    table = Table("b", tuple(TableColumn(*each) for each in types.items()), rows)  # type: ignore[arg-type]

    def of(name: str, take: Any, *by: str, filters: tuple[Expression, ...] = ()) -> Measure:
        return Measure(name, "sum", Column("b", "amount"), filters, semi=SemiAdditive("b.at", take, by))

    members = (
        Dimension("id", "number", Column("b", "id"), primary_key=True),
        Dimension("at", "time", Column("b", "at")),
        Dimension("account", "string", Column("b", "account")),
    )
    measures = (
        of("last", "last"),
        of("first", "first"),
        of("mean", "average"),
        of("last_each", "last", "b.account"),
        of("last_of_a", "last", filters=(Compare("<", Column("b", "amount"), Constant(20)),)),
    )
    return World((Cube("b", table, members, measures),))


def test_snapshots_of_a_group_are_its_last_its_first_or_all_by_themselves() -> None:
    row = answer(
        balances(), {"measures": [f"b.{m}" for m in ("last", "first", "mean", "last_each", "last_of_a")]}
    )
    # On the 1st 10 + 5, on the 2nd 20 and an unknown one; the last of A, B, C: 20, 5 and the unknown one.
    assert tuple(row.rows[0].values()) == (20, 15, 17.5, 25, 15)


def test_the_last_snapshot_is_that_of_each_group() -> None:
    rows = answer(
        balances(), {"measures": ["b.last"], "dimensions": ["b.account"], "order": [["b.account", "asc"]]}
    )
    assert [tuple(row.values()) for row in rows.rows] == [("A", 20), ("B", 5), ("C", None)]
