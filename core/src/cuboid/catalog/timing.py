"""Definitions about time: custom granularities, rolling windows, time shifts."""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Literal

from cuboid.catalog.pieces import Place, Template
from cuboid.types import Interval


@dataclass(frozen=True, slots=True)
class BinCount:
    """So many bins of a custom granularity of the time dimension that a window runs along."""

    count: int
    granularity: str


WindowBound = Interval | BinCount | Literal["unbounded"] | None
"""How far a window reaches; None means not at all."""


@dataclass(frozen=True, slots=True)
class Granularity:
    """A custom granularity of a time dimension: bins of ``interval`` counted from ``origin``, in civil time.

    :param interval: whole months or whole seconds, above zero, never both. None where ``sql`` is given.
    :param origin: what is written, else 1970-01-01 (for weeks Monday 1970-01-05), with ``offset`` added.
    :param written: ``interval``, ``origin`` and ``offset`` as the model has them, for ``/v1/meta``.
    :param sql: on calendar cubes: the column or expression that holds the start of the bin.
    """

    name: str
    title: str
    interval: Interval | None
    origin: datetime
    place: Place
    written: tuple[tuple[str, str], ...] = ()
    sql: Template | None = None


_MONTH = 30.436875 * 86400
"""Seconds of a month on the average of 400 years: to compare lengths, not to compute with."""

_LENGTHS: Mapping[str, float] = MappingProxyType(
    {
        "second": 1,
        "minute": 60,
        "hour": 3600,
        "day": 86400,
        "week": 7 * 86400,
        "month": _MONTH,
        "quarter": 3 * _MONTH,
        "year": 12 * _MONTH,
    }
)


def length_of(granularity: str, custom: Mapping[str, Granularity]) -> float:
    """About how many seconds a bin lasts: what tells which of two granularities is the finer one.

    :param custom: those of the time dimension by name. One that a calendar defines by SQL is taken for the longest.
    """
    found = custom.get(granularity)
    if found is None:
        return _LENGTHS[granularity]
    interval = found.interval
    return float("inf") if interval is None else interval.months * _MONTH + interval.seconds


@dataclass(frozen=True, slots=True)
class Bins:
    """Intervals of civil time that touch: the k-th begins at ``origin`` plus k times ``interval``, which is whole
    months or whole seconds. Months are counted from the origin's day, or the last day of a month that lacks it."""

    interval: Interval
    origin: datetime

    @property
    def step(self) -> int:
        """The interval as a number of months or of seconds."""
        return self.interval.months or self.interval.seconds

    def offset(self, civil: datetime) -> int:
        """How many months or seconds after the origin the bin begins that ``civil`` is in; negative before it."""
        if self.interval.months:
            passed = (civil.year - self.origin.year) * 12 + civil.month - self.origin.month
            day = min(self.origin.day, calendar.monthrange(civil.year, civil.month)[1])
            if (civil.day, civil.time()) < (day, self.origin.time()):
                passed -= 1
        else:
            passed = (civil - self.origin) // timedelta(seconds=1)
        return passed - passed % self.step

    def hold(self, finer: Bins) -> bool:
        """Whether each bin of ``finer`` is in one of these bins: they begin where bins of it do."""
        mine, theirs = self.interval, finer.interval
        apart = int((self.origin - finer.origin).total_seconds())
        if theirs.seconds and mine.seconds:
            return mine.seconds % theirs.seconds == 0 and apart % theirs.seconds == 0
        if theirs.seconds:  # months move by whole days
            return _DAY % theirs.seconds == 0 and apart % theirs.seconds == 0
        if mine.seconds or self.origin.day > _SHORTEST_MONTH or finer.origin.day > _SHORTEST_MONTH:
            return self == finer
        same_day = (self.origin.day, self.origin.time()) == (finer.origin.day, finer.origin.time())
        months = (self.origin.year - finer.origin.year) * 12 + self.origin.month - finer.origin.month
        return same_day and mine.months % theirs.months == 0 and months % theirs.months == 0


_DAY = 86400
_SHORTEST_MONTH = 28
_UNIX = datetime(1970, 1, 1)

_BINS: Mapping[str, Bins] = MappingProxyType(
    {
        "second": Bins(Interval(seconds=1), _UNIX),
        "minute": Bins(Interval(seconds=60), _UNIX),
        "hour": Bins(Interval(seconds=3600), _UNIX),
        "day": Bins(Interval(seconds=_DAY), _UNIX),
        "week": Bins(Interval(seconds=7 * _DAY), datetime(1970, 1, 5)),
        "month": Bins(Interval(months=1), _UNIX),
        "quarter": Bins(Interval(months=3), _UNIX),
        "year": Bins(Interval(months=12), _UNIX),
    }
)


def bins_of(granularity: str, custom: Mapping[str, Granularity]) -> Bins | None:
    """The bins of a granularity of a time dimension; None for one that a calendar defines by SQL.

    :param custom: those of the time dimension by name.
    """
    found = custom.get(granularity)
    if found is None:
        return _BINS[granularity]
    return None if found.interval is None else Bins(found.interval, found.origin)


@dataclass(frozen=True, slots=True)
class RollingWindow:
    """Which rows count for a bucket of the queried time dimension, besides its own.

    Without ``to_date`` the window runs from ``trailing`` before to ``leading`` after the bucket's end, or its start
    (``offset``). With ``to_date``, the name of a granularity, from the beginning of that period to the bucket's end.
    """

    trailing: WindowBound = None
    leading: WindowBound = None
    offset: Literal["start", "end"] = "end"
    to_date: str | None = None


@dataclass(frozen=True, slots=True)
class TimeShift:
    """Reads another time in place of that asked for.

    :param time_dimension: the full name of the dimension that is shifted; None for all that are grouped or ranged.
    :param interval: what is added to a row's time: positive for ``prior`` (last month's rows count as this month's),
        negative for ``next``. None where ``name`` is given.
    :param name: a shift that a calendar cube's time dimension defines.
    """

    time_dimension: str | None = None
    interval: Interval | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class NamedShift:
    """A ``time_shift`` of a calendar cube's time dimension: by ``interval`` (as in :class:`TimeShift`) or ``sql``.

    A shift without ``name`` defines how its ``interval`` is found: by ``sql``.
    """

    name: str | None
    interval: Interval | None
    sql: Template | None
    place: Place
