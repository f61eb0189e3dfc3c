"""Time zones: names as clients write them, and civil time to the UTC line.

zoneinfo is the only authority; SQL never computes a bound.
"""

from __future__ import annotations

import functools
import zoneinfo
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

_SECOND = timedelta(seconds=1)

_EARLIEST = datetime.min.replace(tzinfo=UTC)
_LATEST = datetime.max.replace(tzinfo=UTC)

# Names in zone folders that are no places: the machine's own zone, and the placeholder of a fresh install.
_NOT_ZONES = frozenset({"localtime", "Factory"})


@functools.cache
def _names() -> Mapping[str, str]:
    """Every known zone by its lower-cased name. Reads the zone folders once (30 ms)."""
    return {name.lower(): name for name in zoneinfo.available_timezones() - _NOT_ZONES}


def canonical(name: str) -> str | None:
    """The IANA name that ``name`` means, case aside (``america/new_york``); None if there is none.

    Looks names up in a list and never opens a file by them, so a path is just an unknown name.
    """
    if name == "UTC":
        return name
    return _names().get(name.lower())


def to_utc(civil: datetime, zone: ZoneInfo) -> datetime:
    """The earliest instant whose wall-clock time in ``zone`` is at or after ``civil`` (zoneless).

    A time that a clock change skips gives the instant of the change; one that occurs twice gives its first
    occurrence. So a half-open civil range ``[a, b)`` is exactly ``[to_utc(a), to_utc(b))``. Results before year 1
    or after 9999 are moved to the end of what a datetime can hold.
    """
    before = _offset(civil, zone, fold=0)
    after = _offset(civil, zone, fold=1)
    if before < after:
        return _change(civil, zone, before, after)
    return _shift(civil, -before)


def _offset(civil: datetime, zone: ZoneInfo, fold: int) -> timedelta:
    offset = civil.replace(tzinfo=zone, fold=fold).utcoffset()
    assert offset is not None, "a ZoneInfo always has an offset for a datetime"
    return offset


def _shift(civil: datetime, by: timedelta) -> datetime:
    try:
        return (civil + by).replace(tzinfo=UTC)
    except OverflowError:
        return _LATEST if by > timedelta(0) else _EARLIEST


def _change(civil: datetime, zone: ZoneInfo, before: timedelta, after: timedelta) -> datetime:
    """The instant of the clock change that skips ``civil``.

    With the offset after the change ``civil`` lies before it, with the offset before the change at or after it; changes
    happen on whole seconds (of UTC), so bisecting the seconds between finds it in at most 17 steps (a day).
    """
    low = (civil - after).replace(microsecond=0)  # wall clock still below civil
    seconds = int((after - before).total_seconds()) + 1
    first, last = 0, seconds
    while last - first > 1:
        middle = (first + last) // 2
        instant = (low + middle * _SECOND).replace(tzinfo=UTC)
        if instant.astimezone(zone).replace(tzinfo=None) >= civil:
            last = middle
        else:
            first = middle
    return (low + last * _SECOND).replace(tzinfo=UTC)
