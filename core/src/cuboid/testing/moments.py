"""Times that go wrong, and what is right: zones, instants around their changes, and civil time by Python alone."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from cuboid.types import Interval

ZONES = (
    "UTC",
    "Europe/Berlin",
    "Europe/Dublin",  # summer time is the standard here, and winter the exception
    "America/New_York",
    "America/Sao_Paulo",  # clocks changed at midnight: days that began at one
    "America/St_Johns",  # half an hour, and changes at 00:01 until 2011
    "Africa/Casablanca",  # four changes a year, around Ramadan
    "Asia/Tehran",  # half an hour with summer time, until 2022
    "Asia/Kolkata",  # half an hour
    "Asia/Kathmandu",  # 45 minutes
    "Australia/Lord_Howe",  # summer time of half an hour
    "Pacific/Chatham",  # 45 minutes with summer time
    "Pacific/Apia",  # 2011-12-30 did not happen
    "Pacific/Kwajalein",  # 1993-08-21 did not happen
    "Pacific/Kiritimati",  # 14 hours ahead
    "Asia/Pyongyang",  # a new offset in 2015 and the old one again in 2018
    "America/Caracas",  # half an hour until 2016
    "Antarctica/Troll",  # summer time of two hours
)

EARLY_ZONES = ("Europe/Berlin", "America/New_York", "America/St_Johns", "Asia/Kolkata")
"""Zones whose history before 1970 is the same in every edition of the zone tables."""

SEARCHED = (1978, 1993, 2002, 2011, 2015, 2018, 2024)
"""Years in which changes are looked for."""

STEADY = ("UTC", "Europe/Berlin", "America/New_York")
"""Zones whose future is the same in every edition of the zone tables; it is tested up to 2037, where tables of the
older kind end."""

CALENDAR = tuple(
    datetime.fromisoformat(text)
    for text in (
        "1970-01-01T00:00:00",
        "1970-01-01T00:00:01",
        "1972-02-29T23:59:59",
        "1999-12-31T23:59:59.999",
        "2000-01-01T00:00:00",
        "2000-02-29T12:00:00",
        "2004-12-31T23:30:00",  # a Friday in ISO week 53
        "2005-01-02T23:59:59.999",  # its Sunday
        "2005-01-03T00:00:00",
        "2016-12-31T23:59:59.999",  # a leap second followed, which no clock here shows
        "2020-02-29T00:00:00",
        "2020-12-28T00:00:00",  # Monday of ISO week 53
        "2021-01-03T23:59:59.999",  # its Sunday
        "2021-01-04T00:00:00",
        "2021-03-31T23:59:59.999",
        "2021-04-01T00:00:00",
        "2021-06-30T12:34:56.789",
        "2021-10-01T00:00:00",
        "2023-02-28T23:59:59.999",
        "2024-02-29T00:00:01",
        "2024-12-30T00:00:00",  # Monday of week 1 of the next year
    )
)

EARLY = tuple(
    datetime.fromisoformat(text)
    for text in (
        "1969-12-31T23:59:59",
        "1969-12-31T23:59:59.999",
        "1969-12-28T12:00:00",  # a Sunday
        "1968-02-29T06:30:00",
        "1967-07-01T00:00:00",
        "1960-02-29T23:59:59.999",
        "1959-12-31T12:00:00",
        "1950-06-15T01:02:03",
        "1946-04-14T00:59:59",
    )
)
"""Before 1970, where seconds since then are negative and division rounds the wrong way."""


@cache
def changes(zone: str) -> tuple[datetime, ...]:
    """The instants (naive, UTC) of the searched years at which the zone's offset changes."""
    years = (*SEARCHED, 2037) if zone in STEADY else SEARCHED
    return tuple(change for year in years for change in _changes(ZoneInfo(zone), year))


def _changes(zone: ZoneInfo, year: int) -> Iterator[datetime]:
    day = datetime(year, 1, 1, tzinfo=UTC)
    while day.year == year:
        early, late = day, day + timedelta(days=1)
        if _offset(zone, early) != _offset(zone, late):
            while late - early > timedelta(seconds=1):
                middle = early + timedelta(seconds=(late - early) // timedelta(seconds=2))
                early, late = (
                    (middle, late) if _offset(zone, middle) == _offset(zone, early) else (early, middle)
                )
            yield late.replace(tzinfo=None)
        day += timedelta(days=1)


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta | None:
    return moment.astimezone(zone).utcoffset()


@cache
def instants(zone: str) -> tuple[datetime, ...]:
    """Instants (naive, UTC) from 1970 on: around the zone's changes, and around its calendar's edges."""
    around = [change + step for change in changes(zone) for step in _STEPS]
    here = ZoneInfo(zone)
    edges = [edge.replace(tzinfo=here).astimezone(UTC).replace(tzinfo=None) for edge in CALENDAR[2:]]
    return tuple(dict.fromkeys([*CALENDAR, *edges, *around]))


_STEPS = tuple(timedelta(seconds=seconds) for seconds in (-3600.001, -0.001, 0, 1799, 1800, 3599.999, 3600))


def in_zone(instant: datetime, zone: str) -> datetime:
    """Wall time of a naive UTC datetime in the zone, in whole seconds."""
    moment = instant.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
    return moment.replace(tzinfo=None, microsecond=0, fold=0)


def floored(civil: datetime, granularity: str) -> datetime:
    """The start of the unit of civil time."""
    midnight = civil.replace(hour=0, minute=0, second=0, microsecond=0)
    match granularity:
        case "second":
            return civil.replace(microsecond=0)
        case "minute":
            return civil.replace(second=0, microsecond=0)
        case "hour":
            return civil.replace(minute=0, second=0, microsecond=0)
        case "day":
            return midnight
        case "week":
            return midnight - timedelta(days=civil.weekday())
        case "month":
            return midnight.replace(day=1)
        case "quarter":
            return midnight.replace(day=1, month=civil.month - (civil.month - 1) % 3)
        case _:
            return midnight.replace(day=1, month=1)


def moved(civil: datetime, interval: Interval, times: int = 1) -> datetime:
    """``civil`` moved by so many intervals; a month that lacks the day gives its last one."""
    months = civil.year * 12 + civil.month - 1 + interval.months * times
    year, month = divmod(months, 12)
    day = civil.day
    while True:
        try:
            return civil.replace(year=year, month=month + 1, day=day) + timedelta(
                seconds=interval.seconds * times
            )
        except ValueError:
            day -= 1


def binned(civil: datetime, interval: Interval, origin: datetime) -> datetime:
    """The last of origin ± n intervals that is not after ``civil``, found by walking."""
    length = timedelta(days=interval.months * 30.436875, seconds=interval.seconds)
    times = int((civil - origin) / length) + 2
    while moved(origin, interval, times) > civil:
        times -= 1
    return moved(origin, interval, times)


INTERVALS = (
    (Interval(months=1), datetime(2024, 1, 31)),
    (Interval(months=1), datetime(2020, 2, 29, 12)),
    (Interval(months=2), datetime(2019, 11, 15, 10, 30)),
    (Interval(months=3), datetime(1970, 1, 1)),
    (Interval(months=5), datetime(2021, 8, 31, 23, 59, 59)),
    (Interval(months=6), datetime(2024, 1, 1)),
    (Interval(months=12), datetime(2023, 4, 6)),
    (Interval(months=36), datetime(1970, 1, 1)),
    (Interval(seconds=1), datetime(2024, 1, 1)),
    (Interval(seconds=90), datetime(2024, 1, 1, 0, 0, 30)),
    (Interval(seconds=15 * 60), datetime(1970, 1, 1)),
    (Interval(seconds=7000), datetime(2020, 2, 29, 1, 2, 3)),
    (Interval(seconds=8 * 3600), datetime(2024, 1, 1, 6)),
    (Interval(seconds=86400), datetime(2024, 1, 1, 6)),
    (Interval(seconds=14 * 86400), datetime(1970, 1, 5)),
    (Interval(seconds=100 * 86400), datetime(2030, 5, 17, 23)),
)
"""Intervals and origins: the first of a month and others, before and after most of the values."""


def scattered(count: int, first: int, last: int, seed: int = 7) -> list[datetime]:
    """Civil times between two years, the same ones each time; every third on an edge of a month or day."""
    chance = random.Random(seed)  # noqa: S311 - the same times in every run
    start = datetime(first, 1, 1)
    seconds = int((datetime(last, 1, 1) - start).total_seconds())
    times = []
    for n in range(count):
        time = start + timedelta(seconds=chance.randrange(seconds), milliseconds=chance.randrange(1000))
        if n % 3 == 1:
            time = floored(time, chance.choice(["month", "day"]))
        elif n % 3 == 2:
            time = floored(time, chance.choice(["month", "day"])) - timedelta(milliseconds=1)
        times.append(time)
    return times
