"""Calendars, computed by hand, on every engine: bins and time shifts that stand in the rows of a calendar."""

from __future__ import annotations

from typing import Any

import pytest
from tests.engines.fixtures import ENGINES

from cuboid.errors import UnsupportedFeature

DAY = "shop_days.day"
THIS_YEAR = ["2024-02-04", "2024-02-07"]


def at(date: str) -> str:
    return f"{date}T00:00:00.000"


def asked(
    granularity: str, *measures: str, date_range: list[str] | None = None, **more: Any
) -> dict[str, Any]:
    time: dict[str, Any] = {"dimension": DAY, "granularity": granularity}
    if date_range:
        time["dateRange"] = date_range
    return {"measures": [f"tills.{each}" for each in measures], "timeDimensions": [time], **more}


def rows(*found: tuple[str | None, *tuple[str | None, ...]]) -> list[list[Any]]:
    """Each by its day; the wire has the time twice, under the names with and without granularity."""
    return [[at(day) if day else None, *values, at(day) if day else None] for day, *values in found]


CASES: dict[str, tuple[dict[str, Any], list[list[Any]]]] = {
    "a month is what the calendar says": (
        asked("month", "takings"),
        rows(
            ("2023-01-29", "30"),
            ("2023-01-31", "40"),
            ("2024-02-04", "1"),
            ("2024-02-06", "6"),
            (None, "300"),  # a day that is unknown, and one that the calendar lacks
        ),
    ),
    "in another zone as well": (
        asked("shop_year", "takings", "count", timezone="America/Los_Angeles"),
        rows(("2023-01-29", "70", "3"), ("2024-02-04", "7", "3"), (None, "300", "2")),
    ),
    "under a range of days": (
        asked("month", "takings", date_range=["2023-01-30", "2024-02-04"]),
        rows(("2023-01-29", "20"), ("2023-01-31", "40"), ("2024-02-04", "1")),
    ),
    "of the calendar alone": (
        {
            "dimensions": ["shop_days.kind"],
            "timeDimensions": [{"dimension": DAY, "granularity": "shop_year"}],
            "order": [[DAY, "asc"], ["shop_days.kind", "asc"]],
        },
        [
            ["long", at("2023-01-29"), at("2023-01-29")],
            ["short", at("2023-01-29"), at("2023-01-29")],
            ["long", at("2024-02-04"), at("2024-02-04")],
            ["short", at("2024-02-04"), at("2024-02-04")],
        ],
    ),
    # The 6th and the 7th both stand for 31 January 2023, whose row counts once in their month.
    "the year before by months": (
        asked("month", "takings", "last_year", "growth", date_range=THIS_YEAR),
        rows(("2024-02-04", "1", "30", "-29"), ("2024-02-06", "6", "40", "-34")),
    ),
    "the year before by days": (
        asked("day", "takings", "last_year", date_range=THIS_YEAR),
        rows(
            ("2024-02-04", "1", "10"),
            ("2024-02-05", None, "20"),
            ("2024-02-06", "2", "40"),
            ("2024-02-07", "4", "40"),
        ),
    ),
    "an interval for which the calendar has a column": (
        asked("shop_year", "year_ago", date_range=THIS_YEAR),
        rows(("2024-02-04", "70")),
    ),
    "rows that no day stands for have no time": (
        asked("shop_year", "last_year"),
        rows(("2024-02-04", "70"), (None, "307")),
    ),
    "an interval on the way to a month of the calendar": (
        asked("month", "two_days_ago"),
        rows(("2023-01-31", "10"), ("2024-02-06", "1"), (None, "366")),
    ),
    "other columns of the calendar are those of the day that is asked about": (
        asked(
            "shop_year",
            "last_year",
            date_range=THIS_YEAR,
            dimensions=["shop_days.kind"],
            order=[["shop_days.kind", "asc"]],
        ),
        [
            ["long", at("2024-02-04"), "10", at("2024-02-04")],
            ["short", at("2024-02-04"), "60", at("2024-02-04")],
        ],
    ),
    "SQL restates no filter as a calendar shifts it": (
        {"measures": ["safes.count"], "timeDimensions": [{"dimension": DAY, "dateRange": THIS_YEAR}]},
        [["1"]],
    ),
    "without a time nothing is shifted": ({"measures": ["tills.last_year"]}, [["377"]]),
    "a filter alone shifts as well": (
        {
            "measures": ["tills.last_year"],
            "filters": [{"member": DAY, "operator": "inDateRange", "values": ["2024-02-05", "2024-02-06"]}],
        },
        [["60"]],
    ),
    "a window of the year before": (
        asked("day", "rolling_last_year", date_range=["2024-02-05", "2024-02-07"]),
        rows(("2024-02-05", "30"), ("2024-02-06", "60"), ("2024-02-07", "40")),
    ),
    # Along the calendar's months: 29 and 30 January, the 31st; 4 and 5 February, 6 and 7 February of the year after.
    "months of a calendar are counted": (
        asked("month", "two_months", "before", "coming", "these_and_coming"),
        rows(
            ("2023-01-29", "30", None, "40", "70"),
            ("2023-01-31", "70", "30", "1", "41"),
            ("2024-02-04", "41", "70", "6", "7"),
            ("2024-02-06", "7", "41", None, "6"),
        ),
    ),
    "other lengths are civil time, from the end of a month": (
        asked("month", "rolling", "a_fortnight"),
        rows(
            ("2023-01-29", "30", "30"),
            ("2023-01-31", "60", "70"),
            ("2024-02-04", "1", "1"),
            ("2024-02-06", "6", "7"),
        ),
    ),
    "months that have a day in the range are shown": (
        asked("month", "two_months", "so_far", "takings", date_range=["2023-01-30", "2024-02-05"]),
        rows(
            ("2023-01-29", "30", "30", "20"),
            ("2023-01-31", "70", "70", "40"),
            ("2024-02-04", "41", "71", "1"),
        ),
    ),
    "without a range those from the first to the last that has rows": (
        asked(
            "month",
            "two_months",
            filters=[{"member": "tills.id", "operator": "equals", "values": ["2", "4"]}],
        ),
        rows(("2023-01-29", "20"), ("2023-01-31", "20"), ("2024-02-04", "1")),
    ),
    "alone, of rows before and after the range": (
        asked("month", "ever", date_range=["2024-02-06", "2024-02-06"]),
        rows(("2024-02-06", "77")),
    ),
    "alone, of rows before the range": (
        asked("month", "so_far", date_range=["2024-02-04", "2024-02-04"]),
        rows(("2024-02-04", "71")),
    ),
    "alone, of rows after the range": (
        asked("month", "coming", date_range=["2023-01-31", "2023-01-31"]),
        rows(("2023-01-31", "1")),
    ),
    "no month before the first row": (
        asked(
            "month",
            "two_months",
            filters=[{"member": "tills.id", "operator": "equals", "values": ["4", "5"]}],
        ),
        rows(("2024-02-04", "1"), ("2024-02-06", "3")),
    ),
    "ten days are no weeks of the calendar": (
        asked("week", "ten_days"),
        rows(("2023-01-29", "30"), ("2023-01-31", "70"), ("2024-02-04", "1"), ("2024-02-06", "7")),
    ),
    "the year to date by months": (
        asked("month", "to_year", "kinds"),
        rows(
            ("2023-01-29", "30", "2"),
            ("2023-01-31", "70", "3"),
            ("2024-02-04", "1", "1"),
            ("2024-02-06", "7", "3"),
        ),
    ),
    "to date by days: those that the calendar has": (
        asked("day", "to_month", "to_year", date_range=["2024-02-01", "2024-02-09"]),
        rows(
            ("2024-02-04", "1", "1"),
            ("2024-02-05", "1", "1"),
            ("2024-02-06", "2", "3"),
            ("2024-02-07", "6", "7"),
        ),
    ),
    "by what rows have": (
        asked(
            "month",
            "to_year",
            dimensions=["shop_days.kind"],
            order=[[DAY, "asc"], ["shop_days.kind", "asc"]],
        ),
        [
            ["long", at("2023-01-29"), "30", at("2023-01-29")],
            ["long", at("2023-01-31"), "30", at("2023-01-31")],
            ["short", at("2023-01-31"), "40", at("2023-01-31")],
            ["long", at("2024-02-04"), "1", at("2024-02-04")],
            ["long", at("2024-02-06"), "1", at("2024-02-06")],
            ["short", at("2024-02-06"), "6", at("2024-02-06")],
        ],
    ),
    "two years of the calendar": (
        asked("shop_year", "two_years"),
        rows(("2023-01-29", "70"), ("2024-02-04", "77")),
    ),
    "the best of two months' takings": (
        asked("month", "best"),
        rows(("2023-01-29", "30"), ("2023-01-31", "40"), ("2024-02-04", "40"), ("2024-02-06", "6")),
    ),
    # Two days later 29 January is the 31st, 4 February the 6th; no day of the calendar is two days after the others.
    "a window of two days ago": (
        asked("month", "to_year_two_days_ago"),
        rows(("2023-01-31", "10"), ("2024-02-04", None), ("2024-02-06", "1")),
    ),
    # By kind alone two months are those before the range's end: 6 on short days, 1 on the long one.
    "through a view, with the first values of what rows have": (
        {
            "measures": ["shop.to_year", "shop.two_months"],
            "dimensions": ["shop.kind"],
            "timeDimensions": [{"dimension": "shop.day", "granularity": "month", "dateRange": THIS_YEAR}],
            "top": {"dimension": "shop.kind", "by": "shop.two_months", "limit": 1, "others": "other"},
            "order": [["shop.day", "asc"], ["shop.kind", "asc"]],
        },
        [
            ["other", at("2024-02-04"), "1", "1", at("2024-02-04")],
            ["short", at("2024-02-04"), None, "40", at("2024-02-04")],
            ["other", at("2024-02-06"), "1", "1", at("2024-02-06")],
            ["short", at("2024-02-06"), "6", "6", at("2024-02-06")],
        ],
    ),
    # The 6th and the 7th both stand for 31 January 2023.
    "windows of the year before": (
        asked("month", "to_year_last_year", "rolling_last_year", date_range=THIS_YEAR),
        rows(("2024-02-04", "30", "30"), ("2024-02-06", "70", "40")),
    ),
}

WATCHES: dict[str, tuple[str, list[list[Any]]]] = {
    "a bin ends where the next begins, on the same day": (
        "so_far",
        [["2024-03-01T06", "3"], ["2024-03-01T22", "7"], ["2024-03-02T06", "15"]],
    ),
    "bins within a day are counted": (
        "two_watches",
        [["2024-03-01T06", "3"], ["2024-03-01T22", "7"], ["2024-03-02T06", "12"]],
    ),
}


@pytest.mark.parametrize("title", CASES)
@pytest.mark.parametrize("engine", [pytest.param(each, marks=pytest.mark.engine(each)) for each in ENGINES])
def test_calendars(ask_on, engine: str, title: str) -> None:
    query, expected = CASES[title]
    assert ask_on(engine, query) == expected


@pytest.mark.engine("duckdb")
def test_a_time_that_is_none_of_the_calendar_s_is_refused(ask_on) -> None:
    query = {
        "measures": ["tills.last_year"],
        "timeDimensions": [{"dimension": "tills.day", "granularity": "day"}],
    }
    with pytest.raises(UnsupportedFeature, match="'last_year' is a calendar's, and 'tills"):
        ask_on("duckdb", query)


@pytest.mark.parametrize("title", WATCHES)
@pytest.mark.parametrize("engine", [pytest.param(each, marks=pytest.mark.engine(each)) for each in ENGINES])
def test_windows_along_bins_shorter_than_a_day(ask_on, engine: str, title: str) -> None:
    measure, expected = WATCHES[title]
    times = [{"dimension": "watches.shift", "granularity": "watch"}]
    found = ask_on(engine, {"measures": [f"beeps.{measure}"], "timeDimensions": times})
    assert [[row[0][:13], row[1]] for row in found] == expected


@pytest.mark.parametrize("engine", [pytest.param(each, marks=pytest.mark.engine(each)) for each in ENGINES])
def test_days_beside_the_months_that_the_calendar_has_them_in(ask_on, engine: str) -> None:
    query = asked("day", "to_month", date_range=THIS_YEAR, order=[])
    query["timeDimensions"].append({"dimension": DAY, "granularity": "month"})
    found = ask_on(engine, query)
    assert sorted([row[0][:10], row[1][:10], row[2]] for row in found) == [
        ["2024-02-04", "2024-02-04", "1"],
        ["2024-02-05", "2024-02-04", "1"],
        ["2024-02-06", "2024-02-06", "2"],
        ["2024-02-07", "2024-02-06", "6"],
    ]


@pytest.mark.engine("duckdb")
@pytest.mark.parametrize(
    ("query", "why"),
    [
        (asked("month", "two_years"), "they can be counted from such a bin only"),
        (
            {"measures": ["tills.to_year"], "timeDimensions": [{"dimension": DAY, "dateRange": THIS_YEAR}]},
            "no buckets of time that are in one",
        ),
    ],
)
def test_windows_that_a_calendar_does_not_tell_are_refused(ask_on, query: dict[str, Any], why: str) -> None:
    with pytest.raises(UnsupportedFeature, match=why):
        ask_on("duckdb", query)
