"""Every kind of window by every kind of bucket, on every engine: generated queries have few that are alike."""

from __future__ import annotations

from datetime import datetime
from itertools import product
from typing import Any

import pytest
from tests.oracle.expressions import Column
from tests.oracle.members import Window
from tests.oracle.pipeline import Pipeline
from tests.oracle.spans import Span
from tests.oracle.test_planner_agrees import check
from tests.oracle.world import Cube, Dimension, Measure, Table, TableColumn, World

ROWS = (
    (1, datetime(1969, 12, 31, 23, 59, 59), 5),
    (2, datetime(2023, 12, 31, 12), 3),
    (3, datetime(2024, 1, 1), 1),
    (4, datetime(2024, 1, 1, 23, 30), 2),
    (5, datetime(2024, 1, 2, 13), None),
    (6, datetime(2024, 1, 2, 14), -4),
    (7, datetime(2024, 1, 5), 8),
    (8, datetime(2024, 1, 29), 7),
    (9, datetime(2024, 2, 1), 64),
    (10, datetime(2024, 2, 29, 6), 16),
    (11, datetime(2024, 4, 1), 11),
    (12, None, 32),
)
DAY, WEEK, TWO_MONTHS = Span(1, "day"), Span(1, "week"), Span(2, "month")
REACHES = (None, DAY, WEEK, TWO_MONTHS, "unbounded")
WINDOWS = (
    *(
        Window(trailing=trailing, leading=leading, offset=offset)  # type: ignore[arg-type]
        for trailing, leading, offset in product(
            REACHES, (None, DAY, TWO_MONTHS, "unbounded"), ("start", "end")
        )
        if trailing or leading
    ),
    *(Window(to_date=period) for period in ("week", "month", "quarter", "year")),
)
TYPES = ("sum", "count", "min", "max")
IN_DAYS = {
    number
    for number, window in enumerate(WINDOWS)
    if {window.trailing, window.leading} & {DAY, WEEK} or window.to_date == "week"
}
TOGETHER = [
    [number for number in range(half, len(WINDOWS), 2) if in_days or number not in IN_DAYS]
    for half, in_days in product((0, 1), (False, True))
]
"""Windows of one query share buckets of rows: those that reach over days would have the others read days, too."""
RANGES = (None, ["2024-01-01", "2024-03-15"], ["2023-12-30", "2024-01-07"])


def sales() -> World:
    """Rows before, in and after the ranges, with gaps between them; one has no time, one no amount."""
    columns = (
        TableColumn("id", "integer"),
        TableColumn("made_at", "timestamp"),
        TableColumn("amount", "integer"),
    )
    dimensions = (
        Dimension("id", "number", Column("sales", "id"), primary_key=True),
        Dimension("at", "time", Column("sales", "made_at")),
    )
    amount = Column("sales", "amount")
    measures = (
        Measure(f"w{number}", TYPES[number // 2 % len(TYPES)], amount, window=window)  # type: ignore[arg-type]
        for number, window in enumerate(WINDOWS)
    )
    return World((Cube("sales", Table("t_sales", columns, ROWS), dimensions, tuple(measures)),))


@pytest.mark.parametrize(
    "granularity", ["hour", "day", "week", "month", "quarter", "month_from_the_15th", "half_from_the_31st"]
)
def test_windows_of_every_kind_agree_with_the_rules(pipeline: Pipeline, granularity: str) -> None:
    world = sales()
    pipeline.show(world)
    ranges = {
        "hour": RANGES[2:],
        "day": RANGES[1:],
        "week": RANGES[1:],
        "month_from_the_15th": RANGES[1:],
    }.get(granularity, RANGES)
    for windows, date_range in product(TOGETHER, ranges):
        time: dict[str, Any] = {"dimension": "sales.at", "granularity": granularity}
        if date_range is not None:
            time |= {"dateRange": date_range}
        measures = [f"sales.w{number}" for number in windows]
        check(pipeline, world, {"measures": measures, "timeDimensions": [time]})
