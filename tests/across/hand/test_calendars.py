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


@pytest.mark.engine("duckdb")
def test_a_window_along_bins_of_a_calendar_is_refused(ask_on) -> None:
    with pytest.raises(UnsupportedFeature, match="cannot run windows along"):
        ask_on("duckdb", asked("month", "rolling"))
