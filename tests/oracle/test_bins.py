"""The oracle's bins of custom granularities, by hand."""

from __future__ import annotations

from datetime import datetime

import pytest
from tests.oracle.bins import floor


@pytest.mark.parametrize(
    ("civil", "granularity", "start"),
    [
        ("2024-03-31 23:59:59.999", "fiscal_year", "2023-04-01"),
        ("2024-04-01", "fiscal_year", "2024-04-01"),
        ("1969-12-31", "fiscal_year", "1969-04-01"),
        ("2023-09-29 12:00", "half_from_the_31st", "2023-03-31"),
        ("2023-09-30", "half_from_the_31st", "2023-09-30"),  # September has no 31st
        ("2024-03-30 23:00", "half_from_the_31st", "2023-09-30"),
        ("2024-03-31", "half_from_the_31st", "2024-03-31"),
        ("2022-09-30", "half_from_the_31st", "2022-09-30"),  # before the origin
        ("2024-02-15 05:59:59", "month_from_the_15th", "2024-01-15 06:00"),
        ("2024-02-15 06:00", "month_from_the_15th", "2024-02-15 06:00"),
        ("2024-07-02 23:59", "week_from_wednesday", "2024-06-26"),
        ("2024-07-03", "week_from_wednesday", "2024-07-03"),
        ("1969-12-31", "week_from_wednesday", "1969-12-31"),  # a Wednesday
        ("2029-12-27 11:59:59.999", "five_days", "2029-12-22 12:00"),
        ("2029-12-27 12:00", "five_days", "2029-12-27 12:00"),
        ("2023-07-01 00:00", "ninety_minutes", "2023-06-30 22:40"),
        ("2023-07-01 01:40", "ninety_minutes", "2023-07-01 01:40"),
        ("2024-10-27 02:29:59.5", "quarter_hour", "2024-10-27 02:15"),
    ],
)
def test_bins_begin_where_they_should(civil: str, granularity: str, start: str) -> None:
    assert floor(datetime.fromisoformat(civil), granularity) == datetime.fromisoformat(start)
