"""Dates of a query: texts to civil ranges, civil times to the bounds that SQL compares with.

A civil range is inclusive to the millisecond, as the wire writes it (``2024-01-31T23:59:59.999``). Bounds are
half-open, so that a row at 23:59:59.9995 counts too.
"""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from cuboid.errors import InvalidDateRange
from cuboid.query import moments, relative
from cuboid.query.model import DateRange
from cuboid.query.moments import MILLISECOND, CivilRange, Moment
from cuboid.query.zones import to_utc
from cuboid.types import TimeKind


def parse_range(written: DateRange, zone: ZoneInfo, now: datetime, *, path: str | None = None) -> CivilRange:
    """A date range as written: words or a date as a string, or one or two absolute dates as a tuple.

    ``now`` is aware. An end before the start is kept: nothing lies in such a range. Raises
    :class:`InvalidDateRange`.
    """
    if isinstance(written, str):
        try:
            return relative.parse(written, zone, now)
        except relative.UnreadableError as error:
            raise _unreadable(error.text, path) from None
    ranges = [
        parse_moment(text, path=path and f"{path}[{index}]").range for index, text in enumerate(written)
    ]
    return CivilRange(ranges[0].start, ranges[-1].end)


def parse_moment(text: str, *, path: str | None = None) -> Moment:
    """An absolute date or date-time. Raises :class:`InvalidDateRange`."""
    moment = moments.read(text)
    if moment is None:
        raise _unreadable(text, path)
    return moment


def half_open(civil: CivilRange) -> tuple[datetime, datetime]:
    """``[start, end)`` on the wall clock."""
    return civil.start, following(civil.end)


def bounds(civil: CivilRange, zone: ZoneInfo, kind: TimeKind) -> tuple[datetime, datetime]:
    """``(start, end)`` such that a column of that kind lies in the range if ``start <= x < end``."""
    start, end = half_open(civil)
    return bound(start, zone, kind), bound(end, zone, kind)


def bound(civil: datetime, zone: ZoneInfo, kind: TimeKind) -> datetime:
    """``civil`` as the value to compare a column of that kind with (see :data:`cuboid.types.ParameterType`)."""
    if kind == "date":
        return civil
    instant = to_utc(civil, zone)
    return instant if kind == "instant" else instant.replace(tzinfo=None)


def following(civil: datetime) -> datetime:
    """The next millisecond; after the last one of year 9999, the last time there is."""
    try:
        return civil + MILLISECOND
    except OverflowError:
        return datetime.max


def point(text: str, zone: ZoneInfo, kind: TimeKind, *, path: str | None = None) -> datetime:
    """The value of one absolute time, e.g. of an ``equals`` filter: a bare date is its midnight, a text
    with an offset the instant it names. Raises :class:`InvalidDateRange`."""
    civil = parse_moment(text, path=path).civil
    if civil.tzinfo is None:
        return bound(civil, zone, kind)
    if kind == "date":
        try:
            return civil.astimezone(zone).replace(tzinfo=None)
        except OverflowError:
            raise _unreadable(text, path) from None
    instant = civil.astimezone(UTC)
    return instant if kind == "instant" else instant.replace(tzinfo=None)


def on_wall_clock(text: str, zone: ZoneInfo) -> datetime:
    """What one absolute time that :func:`point` could read is on the wall clock of ``zone``."""
    civil = parse_moment(text).civil
    if civil.tzinfo is None:
        return civil
    try:
        return civil.astimezone(zone).replace(tzinfo=None)
    except OverflowError:
        return civil.replace(tzinfo=None)


def _unreadable(text: str, path: str | None) -> InvalidDateRange:
    shown = text if len(text) <= 100 else f"{text[:100]}…"
    return InvalidDateRange(
        f"Can't parse date: '{shown}'",
        path=path,
        hint="Write dates as '2024-01-31' or '2024-01-31T10:00:00', alone or as an array of two; words such as "
        "'last 7 days' or 'from 2 weeks ago to now' as one string.",
    )
