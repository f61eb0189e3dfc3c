"""Time shifts undone: from what shifted times are compared with to what the times themselves are."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from datetime import datetime, time, timedelta

from cuboid.errors import UnsupportedFeature
from cuboid.types import Interval

_DAY = timedelta(days=1)


def moved(civil: datetime, interval: Interval) -> datetime:
    """``civil`` plus the interval, months first; a month that lacks the day gives its last. Raises OverflowError."""
    if interval.months:
        year, month = divmod(civil.year * 12 + civil.month - 1 + interval.months, 12)
        if not datetime.min.year <= year <= datetime.max.year:
            raise OverflowError
        day = min(civil.day, calendar.monthrange(year, month + 1)[1])
        civil = civil.replace(year=year, month=month + 1, day=day)
    return civil + timedelta(seconds=interval.seconds)


def unshifted(bound: datetime, shifts: Sequence[Interval]) -> datetime:
    """The earliest civil time that ``shifts``, applied in order, move to ``bound`` or later.

    Moving keeps the order of times, so the times that are moved into ``[a, b)`` are ``[unshifted(a), unshifted(b))``.
    Of a shift by months this holds for days only, since the last days of a long month become one: raises
    :class:`UnsupportedFeature` for a bound within a day then. What would be before year 1 or after 9999 is the first or
    the last time there is.
    """
    for interval in reversed(shifts):
        try:
            bound = _unmoved(bound, interval)
        except OverflowError:
            return datetime.max if interval.months + interval.seconds < 0 else datetime.min
    return bound


def _unmoved(bound: datetime, interval: Interval) -> datetime:
    bound -= timedelta(seconds=interval.seconds)
    if not interval.months:
        return bound
    if bound.time() != time.min and bound != datetime.max:
        raise UnsupportedFeature(
            f"A measure that is shifted by months cannot be restricted within a day, as by {bound.isoformat(' ')}.",
            hint="Use whole days in the date range and in filters on the time dimension.",
        )
    earliest = moved(bound, Interval(-interval.months))
    while moved(earliest, interval) < bound:  # at most three days: 31 March less a month is 28 February
        earliest += _DAY
    return earliest
