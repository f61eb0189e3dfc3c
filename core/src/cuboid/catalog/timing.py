"""Definitions about time: custom granularities, rolling windows, time shifts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Literal

from cuboid.catalog.pieces import Place, Template
from cuboid.types import Interval

WindowBound = Interval | Literal["unbounded"] | None
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
