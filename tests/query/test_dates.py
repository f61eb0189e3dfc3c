"""Date ranges in words and numbers, with the clock held still."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from cuboid.errors import InvalidDateRange
from cuboid.query.dates import bounds, parse_range, point
from cuboid.query.moments import CivilRange

UTC_ZONE = ZoneInfo("UTC")
LA = ZoneInfo("America/Los_Angeles")


def wire(written: str | tuple[str, ...], now: str, zone: ZoneInfo = UTC_ZONE) -> tuple[str, str]:
    return parse_range(written, zone, datetime.fromisoformat(now).replace(tzinfo=UTC)).wire


def days(start: str, end: str) -> tuple[str, str]:
    return f"{start}T00:00:00.000", f"{end}T23:59:59.999"


# (text, now in UTC, range). 2021-03-05 is a Friday.
WORDS = [
    ("today", "2021-03-05T13:00", days("2021-03-05", "2021-03-05")),
    ("Yesterday", "2021-03-01T13:00", days("2021-02-28", "2021-02-28")),
    ("tomorrow", "2020-02-28T13:00", days("2020-02-29", "2020-02-29")),
    ("this week", "2021-03-05T13:00", days("2021-03-01", "2021-03-07")),
    ("last week", "2021-03-07T13:00", days("2021-02-22", "2021-02-28")),
    ("next week", "2021-03-01T00:00", days("2021-03-08", "2021-03-14")),
    ("this month", "2021-02-05T13:00", days("2021-02-01", "2021-02-28")),
    ("last month", "2021-03-31T13:00", days("2021-02-01", "2021-02-28")),
    ("next month", "2021-03-05T13:00", days("2021-04-01", "2021-04-30")),
    ("last quarter", "2021-05-31T13:00", days("2021-01-01", "2021-03-31")),
    ("this quarter", "2021-12-31T13:00", days("2021-10-01", "2021-12-31")),
    ("last year", "2024-02-29T13:00", days("2023-01-01", "2023-12-31")),
    ("this hour", "2021-03-05T13:20", ("2021-03-05T13:00:00.000", "2021-03-05T13:59:59.999")),
    ("last minute", "2021-03-05T13:00", ("2021-03-05T12:59:00.000", "2021-03-05T12:59:59.999")),
    ("next second", "2021-03-05T13:00", ("2021-03-05T13:00:01.000", "2021-03-05T13:00:01.999")),
    ("last 1 day", "2021-03-05T13:00", days("2021-03-04", "2021-03-04")),
    ("next 1 day", "2021-03-05T13:00", days("2021-03-06", "2021-03-06")),
    ("next 5 days", "2021-03-05T13:00", days("2021-03-06", "2021-03-10")),
    ("last 360 days", "2021-03-05T13:00", days("2020-03-10", "2021-03-04")),
    ("last 2 quarters", "2021-02-15T13:00", days("2020-07-01", "2020-12-31")),
    ("last 6 months", "2021-02-15T13:00", days("2020-08-01", "2021-01-31")),
    ("last 6 months", "2021-03-15T13:00", days("2020-09-01", "2021-02-28")),
    ("next 6 months", "2021-02-20T13:00", days("2021-03-01", "2021-08-31")),
    ("last 6 hours", "2021-03-05T13:20", ("2021-03-05T07:00:00.000", "2021-03-05T12:59:59.999")),
    ("last  2   weeks", "2021-03-05T13:00", days("2021-02-15", "2021-02-28")),
    ("sales of the last 2 weeks please", "2021-03-05T13:00", days("2021-02-15", "2021-02-28")),
    ("from yesterday to today", "2021-03-05T13:00", days("2021-03-05", "2021-03-05")),  # the tests' order
    ("from 1 days ago to now", "2021-03-05T13:00", days("2021-03-04", "2021-03-05")),
    ("from 7 days ago to now", "2021-03-05T13:00", days("2021-02-26", "2021-03-05")),
    ("from 7 days ago to 7 days from now", "2021-03-05T13:00", days("2021-02-26", "2021-03-12")),
    ("from now to 2 weeks from now", "2021-03-05T13:00", days("2021-03-05", "2021-03-19")),
    ("from 1 quarter ago to now", "2021-05-03T12:00", days("2021-02-03", "2021-05-03")),
    ("from 1 month ago to now", "2021-03-31T12:00", days("2021-02-28", "2021-03-31")),
    ("from 23 hours ago to now", "2021-03-05T13:20", ("2021-03-04T14:00:00.000", "2021-03-05T13:59:59.999")),
    (
        "from now to 23 hours from now",
        "2021-03-05T13:20",
        ("2021-03-05T13:00:00.000", "2021-03-06T12:59:59.999"),
    ),
    ("from 2020-02-02 to 2020-02-05", "2021-03-05T13:00", days("2020-02-02", "2020-02-05")),
    ("2020-02-02 to 2020-02-05", "2021-03-05T13:00", days("2020-02-02", "2020-02-05")),
    ("2020-02-02 - now", "2021-03-05T13:00", days("2020-02-02", "2021-03-05")),
    ("now", "2021-03-05T13:00", days("2021-03-05", "2021-03-05")),
    ("3 days ago", "2021-03-01T13:00", days("2021-02-26", "2021-02-26")),
    ("a week ago", "2021-03-08T13:00", days("2021-03-01", "2021-03-01")),
    ("an hour ago", "2021-03-08T13:10", ("2021-03-08T12:00:00.000", "2021-03-08T12:59:59.999")),
    ("in 2 days", "2021-02-27T13:00", days("2021-03-01", "2021-03-01")),
    ("2 days from now", "2021-02-27T13:00", days("2021-03-01", "2021-03-01")),
    ("2024-01-05", "2021-03-05T13:00", days("2024-01-05", "2024-01-05")),
    ("2024-01-05T10:00:00", "2021-03-05T13:00", days("2024-01-05", "2024-01-05")),
    ("Jan 5 2020", "2021-03-05T13:00", days("2020-01-05", "2020-01-05")),
    ("January 5th, 2020", "2021-03-05T13:00", days("2020-01-05", "2020-01-05")),
    ("5 January 2020", "2021-03-05T13:00", days("2020-01-05", "2020-01-05")),
    ("1/5/2020", "2021-03-05T13:00", days("2020-01-05", "2020-01-05")),
    ("February 2020", "2021-03-05T13:00", days("2020-02-01", "2020-02-29")),
    ("2020", "2021-03-05T13:00", days("2020-01-01", "2020-12-31")),
    ("January 2020 to March 2020", "2021-03-05T13:00", days("2020-01-01", "2020-03-31")),
    ("9999", "2021-03-05T13:00", days("9999-01-01", "9999-12-31")),
]


@pytest.mark.parametrize(("text", "now", "expected"), WORDS, ids=[text for text, *_ in WORDS])
def test_words(text: str, now: str, expected: tuple[str, str]) -> None:
    assert wire(text, now) == expected


def test_words_are_read_in_the_querys_zone() -> None:
    assert wire("today", "2021-03-05T03:00", LA) == days("2021-03-04", "2021-03-04")
    assert wire("today", "2021-03-05T03:00", ZoneInfo("Asia/Tokyo")) == days("2021-03-05", "2021-03-05")
    assert wire("from 1 hour ago to now", "2020-09-22T13:03:20.518", LA) == (
        "2020-09-22T05:00:00.000",
        "2020-09-22T06:59:59.999",
    )
    assert wire("this hour", "2021-03-05T03:20", ZoneInfo("Asia/Kolkata")) == (
        "2021-03-05T08:00:00.000",
        "2021-03-05T08:59:59.999",
    )


def test_an_hour_before_a_clock_change_is_an_hour_on_the_clock_before_it() -> None:
    # 2024-03-10T10:30Z is 03:30 in Los Angeles; the hour before it began at 01:00, as 02:00 never came.
    assert wire("last hour", "2024-03-10T10:30", LA) == ("2024-03-10T01:00:00.000", "2024-03-10T01:59:59.999")
    assert wire("yesterday", "2024-03-10T10:30", LA) == days("2024-03-09", "2024-03-09")


ARRAYS = [
    (("2024-01-05",), days("2024-01-05", "2024-01-05")),
    (("2024-01-01", "2024-01-31"), days("2024-01-01", "2024-01-31")),
    (("2024-01-01T10:00", "2024-01-01 11:30:15.25"), ("2024-01-01T10:00:00.000", "2024-01-01T11:30:15.250")),
    (("2024-01-01T10:00:00", "2024-01-31"), ("2024-01-01T10:00:00.000", "2024-01-31T23:59:59.999")),
    (("2024-01-01T10:00:00",), ("2024-01-01T10:00:00.000", "2024-01-01T10:00:00.000")),
    (
        ("2024-01-01T10:00+03:00", "2024-01-01T10:00:00Z"),
        ("2024-01-01T07:00:00.000", "2024-01-01T10:00:00.000"),
    ),
    (("2024-01-01T10:00:00.1239999", "2024-01-02"), ("2024-01-01T10:00:00.123", "2024-01-02T23:59:59.999")),
    (("2024-02-01", "2024-01-01"), ("2024-02-01T00:00:00.000", "2024-01-01T23:59:59.999")),
    (("0001-01-01", "9999-12-31"), days("0001-01-01", "9999-12-31")),
]


@pytest.mark.parametrize(("written", "expected"), ARRAYS)
def test_absolute_dates(written: tuple[str, ...], expected: tuple[str, str]) -> None:
    assert wire(written, "2021-03-05T13:00", LA) == expected


UNREADABLE: list[tuple[str | tuple[str, ...], str]] = [
    ("Gibberish", "gibberish"),
    ("unexpected date", "unexpected date"),
    ("from invalid to 2020-02-02", "invalid"),
    ("from 2020-02-02 to Invalid", "invalid"),
    ("last 999999999 years", "last 999999999 years"),
    ("999999999 days ago", "999999999 days ago"),
    ("last 99999999999999999999 days", "last 99999999999999999999 days"),
    ("Feb 30 2020", "feb 30 2020"),
    ("0000", "0000"),
    ("13/13/2020", "13/13/2020"),
    ("١٢٣٤", "١٢٣٤"),
    (("Invalid date", "2024-01-01"), "Invalid date"),
    (("today",), "today"),
    (("2024-02-30",), "2024-02-30"),
    (("0000-01-01",), "0000-01-01"),
    (("10000-01-01",), "10000-01-01"),
    (("2024-01-01T25:00",), "2024-01-01T25:00"),
    (("2024-01-01T10:00+25:00",), "2024-01-01T10:00+25:00"),
    (("9999-12-31T23:00-10:00",), "9999-12-31T23:00-10:00"),
    (("2024-01-01x",), "2024-01-01x"),
]


@pytest.mark.parametrize(("written", "part"), UNREADABLE)
def test_what_cannot_be_read_is_named(written: str | tuple[str, ...], part: str) -> None:
    with pytest.raises(InvalidDateRange) as refused:
        parse_range(written, UTC_ZONE, datetime(2021, 3, 5, tzinfo=UTC), path="dateRange")
    assert refused.value.message == f"Can't parse date: '{part}'"
    assert refused.value.path is not None
    assert refused.value.path.startswith("dateRange")


def test_the_edge_of_time_does_not_overflow() -> None:
    now = datetime(9999, 12, 31, 23, 59, tzinfo=UTC)
    assert wire("this year", "9999-12-31T23:59") == days("9999-01-01", "9999-12-31")
    with pytest.raises(InvalidDateRange):
        parse_range("tomorrow", UTC_ZONE, now)
    with pytest.raises(InvalidDateRange):
        parse_range("today", ZoneInfo("Asia/Tokyo"), now)


@pytest.mark.parametrize(
    "text", ["from " * 5000, "to " * 5000, "1 " * 5000, "last" + " " * 100_000, "a" * 100_000]
)
def test_long_texts_are_refused_at_once(text: str) -> None:
    with pytest.raises(InvalidDateRange) as refused:
        parse_range(text, UTC_ZONE, datetime(2021, 3, 5, tzinfo=UTC))
    assert len(refused.value.message) < 150


def test_bounds_are_half_open_and_typed_by_the_columns_kind() -> None:
    january = CivilRange(datetime(2024, 1, 1), datetime(2024, 1, 31, 23, 59, 59, 999000))
    assert bounds(january, LA, "instant") == (
        datetime(2024, 1, 1, 8, tzinfo=UTC),
        datetime(2024, 2, 1, 8, tzinfo=UTC),
    )
    assert bounds(january, LA, "utc") == (datetime(2024, 1, 1, 8), datetime(2024, 2, 1, 8))
    assert bounds(january, LA, "date") == (datetime(2024, 1, 1), datetime(2024, 2, 1))


def test_a_day_that_begins_in_a_gap_begins_at_the_change() -> None:
    sao_paulo = ZoneInfo("America/Sao_Paulo")
    day = parse_range("2018-11-04", sao_paulo, datetime(2021, 3, 5, tzinfo=UTC))
    assert bounds(day, sao_paulo, "utc") == (datetime(2018, 11, 4, 3), datetime(2018, 11, 5, 2))  # 23 hours


def test_the_whole_of_time_is_a_range() -> None:
    everything = parse_range(("0001-01-01", "9999-12-31"), LA, datetime(2021, 3, 5, tzinfo=UTC))
    start, end = bounds(everything, LA, "utc")
    assert start < datetime(1, 1, 2)
    assert end == datetime.max


def test_points_are_civil_unless_they_have_an_offset() -> None:
    assert point("2024-01-01", LA, "utc") == datetime(2024, 1, 1, 8)
    assert point("2024-01-01T10:00:00.123456", LA, "instant") == datetime(2024, 1, 1, 18, 0, 0, 123456, UTC)
    assert point("2024-01-01T10:00:00Z", LA, "utc") == datetime(2024, 1, 1, 10)
    assert point("2024-01-01T10:00:00Z", LA, "instant") == datetime(2024, 1, 1, 10, tzinfo=UTC)
    assert point("2024-01-01T02:00:00Z", LA, "date") == datetime(2023, 12, 31, 18)
    assert point("2024-01-01", LA, "date") == datetime(2024, 1, 1)
