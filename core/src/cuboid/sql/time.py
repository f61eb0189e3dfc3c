"""Time columns on their way out: the one place where a dialect's two abstract methods are composed."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from cuboid.catalog.timing import Granularity
from cuboid.errors import InternalError
from cuboid.sql.dialect import Dialect
from cuboid.types import Interval, TimeKind


def civil_time(
    dialect: Dialect,
    value: exp.Expr,
    zone: str,
    kind: TimeKind,
    granularity: str | Granularity | None = None,
    shifts: Sequence[Interval] = (),
) -> exp.Expr:
    """``value`` as wall-clock time in ``zone``, moved by ``shifts``, floored to ``granularity`` if one is given.

    The conversion comes before the truncation: a day is the zone's day. Both hours that a clock set back
    shows twice become the same civil hour. Bins of a custom granularity are counted on the wall clock, too.
    """
    civil = dialect.to_civil(value, zone, kind)
    for interval in shifts:
        civil = dialect.add_interval(civil, interval)
    return floored(dialect, civil, granularity)


def floored(dialect: Dialect, civil: exp.Expr, granularity: str | Granularity | None) -> exp.Expr:
    """The beginning of the bin of ``granularity`` that a wall-clock time is in."""
    match granularity:
        case None:
            return civil
        case str():
            return dialect.date_trunc(granularity, civil)
        case Granularity(interval=Interval() as interval, origin=origin):
            return dialect.date_bin(interval, origin, civil)
    raise InternalError(f"The granularity '{granularity.name}' has no interval.")
