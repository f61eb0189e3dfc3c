"""The parts of a rollup: ranges of civil time that are built, refreshed and removed each by itself."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cuboid.errors import UnsupportedFeature
from cuboid.run.stored import Bounds, StoredRollup
from cuboid.types import Statement

MOST = 10_000
"""Parts of one rollup."""

WHOLE = "all"
REST = "rest"

_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_STEPS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}


@dataclass(frozen=True, slots=True)
class Part:
    """``label`` names it in its table; ``bounds`` are None for the whole rollup and for rows without a time;
    ``tail``: see :class:`cuboid.run.store.NewPart`."""

    label: str
    bounds: Bounds | None = None
    tail: str | None = None


def statement_of(stored: StoredRollup, part: Part) -> Statement | None:
    """What yields the part's rows; None if there are none to ask for."""
    return stored.rest if part.label == REST else stored.select(part.bounds)


def cut(stored: StoredRollup, first: datetime, last: datetime) -> tuple[Part, ...]:
    """The parts that hold both moments and all between them, in order.

    Raises :class:`UnsupportedFeature` if they are more than :data:`MOST`.
    """
    assert stored.parts is not None
    found = []
    for bounds in _ranges(floor(first, stored.parts), last, stored.parts):
        found.append(
            Part(f"{bounds[0]:%Y%m%d%H}" if stored.parts == "hour" else f"{bounds[0]:%Y%m%d}", bounds)
        )
        if len(found) > MOST:
            raise UnsupportedFeature(
                f"The rollup '{stored.name}' would have more than {MOST:,} parts: its times go from {first} to {last}.",
                hint="Choose a longer partition_granularity, or say with build_range_start and build_range_end"
                " what is to be stored.",
            )
    return tuple(found)


def within(parts: Sequence[Part], bounds: Bounds | None) -> Sequence[Part]:
    """Those of the parts, which are in order, that have a moment of ``bounds``."""
    if bounds is None:
        return parts
    start, end = bounds
    first = bisect_right(parts, start, key=lambda part: _of(part)[1])
    return parts[first : bisect_left(parts, end, key=lambda part: _of(part)[0])]


def around(stored: StoredRollup, first: datetime, last: datetime) -> Bounds:
    """From the beginning of the part that holds the first moment to the end of that which holds the last one."""
    assert stored.parts is not None
    return floor(first, stored.parts), _next(floor(last, stored.parts), stored.parts)


def floor(civil: datetime, granularity: str) -> datetime:
    """The beginning of the hour, day, week (Monday), month, quarter or year."""
    if granularity == "hour":
        return civil.replace(minute=0, second=0, microsecond=0)
    day = civil.replace(hour=0, minute=0, second=0, microsecond=0)
    if granularity == "day":
        return day
    if granularity == "week":
        return day - timedelta(days=day.weekday())
    months = _MONTHS[granularity]
    return day.replace(month=(day.month - 1) // months * months + 1, day=1)


def _of(part: Part) -> Bounds:
    assert part.bounds is not None
    return part.bounds


def _ranges(start: datetime, last: datetime, granularity: str) -> Iterator[Bounds]:
    while start <= last:
        end = _next(start, granularity)
        yield start, end
        if end == datetime.max:
            return
        start = end


def _next(start: datetime, granularity: str) -> datetime:
    try:
        if granularity in _STEPS:
            return start + _STEPS[granularity]
        months = start.year * 12 + start.month - 1 + _MONTHS[granularity]
        return start.replace(year=months // 12, month=months % 12 + 1)
    except (OverflowError, ValueError):
        return datetime.max
