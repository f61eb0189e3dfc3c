"""Civil time by zoneinfo: truncation, and the bounds of date ranges by search over the zone's transitions."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from tests.oracle.world import TimeKind

GRANULARITIES = ("second", "minute", "hour", "day", "week", "month", "quarter", "year")
MILLISECOND = timedelta(milliseconds=1)


def wall(instant: datetime, zone: str) -> datetime:
    """The wall-clock time in ``zone`` of a naive UTC datetime."""
    if zone == "UTC":
        return instant
    return instant.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def to_civil(value: datetime | date, zone: str, kind: TimeKind) -> datetime:
    """A cell as civil time: dates are not moved by zones."""
    if kind == "date":
        return datetime.combine(value, time()) if not isinstance(value, datetime) else value
    assert isinstance(value, datetime)
    return wall(value, zone)


def floor(civil: datetime, granularity: str) -> datetime:
    """``civil`` at the start of its unit; weeks begin on Monday."""
    if granularity == "second":
        return civil.replace(microsecond=0)
    if granularity == "minute":
        return civil.replace(second=0, microsecond=0)
    if granularity == "hour":
        return civil.replace(minute=0, second=0, microsecond=0)
    day = datetime.combine(civil.date(), time())
    if granularity == "week":
        return day - timedelta(days=day.weekday())
    if granularity == "month":
        return day.replace(day=1)
    if granularity == "quarter":
        return day.replace(month=day.month - (day.month - 1) % 3, day=1)
    return day.replace(month=1, day=1) if granularity == "year" else day


@lru_cache(maxsize=100_000)
def earliest(civil: datetime, zone: str) -> datetime:
    """The earliest instant (naive UTC) at which the wall clock of ``zone`` shows ``civil`` or later.

    The offset is constant between transitions, so each stretch of constant offset has at most one
    candidate: the instant that shows ``civil`` exactly, or the stretch's first one if that shows more.
    """
    start, end = civil - timedelta(hours=30), civil + timedelta(hours=30)
    cuts = [start, *transitions(zone, start, end), end]
    for begin, stop in pairwise(cuts):
        candidate = max(begin, civil - (wall(begin, zone) - begin))
        if candidate < stop:
            return candidate
    raise AssertionError(f"no instant shows {civil} in {zone}")


def transitions(
    zone: str, start: datetime, end: datetime, step: timedelta = timedelta(minutes=30)
) -> list[datetime]:
    """The instants in (start, end] at which the offset changes, to the microsecond; two changes within a ``step``
    that take each other back are not seen."""
    found: list[datetime] = []
    cursor, offset = start, wall(start, zone) - start
    while cursor < end:
        following = min(cursor + step, end)
        then = wall(following, zone) - following
        if offset != then:
            found.append(_bisect(zone, cursor, following))
        cursor, offset = following, then
    return found


def _bisect(zone: str, low: datetime, high: datetime) -> datetime:
    before = wall(low, zone) - low
    while high - low > timedelta(microseconds=1):
        middle = low + (high - low) / 2
        if wall(middle, zone) - middle == before:
            low = middle
        else:
            high = middle
    return high


def read_civil(text: str, *, end: bool) -> datetime:
    """``YYYY-MM-DD`` (the day's first or last millisecond) or ``YYYY-MM-DDTHH:mm:ss.mmm`` as it is."""
    if "T" in text:
        return datetime.fromisoformat(text)
    day = datetime.combine(date.fromisoformat(text), time())
    return day + timedelta(days=1) - MILLISECOND if end else day


def comparable(value: datetime | date, kind: TimeKind) -> datetime:
    """A raw cell as what :func:`bounds` are compared with."""
    return to_civil(value, "UTC", kind)


def wire(civil: datetime) -> str:
    """``YYYY-MM-DDTHH:mm:ss.mmm``."""
    return civil.isoformat(timespec="milliseconds")
