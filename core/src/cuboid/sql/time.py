"""Time columns on their way out: the one place where a dialect's two abstract methods are composed."""

from __future__ import annotations

from sqlglot import exp

from cuboid.sql.dialect import Dialect
from cuboid.types import TimeKind


def civil_time(
    dialect: Dialect, value: exp.Expr, zone: str, kind: TimeKind, granularity: str | None = None
) -> exp.Expr:
    """``value`` as wall-clock time in ``zone``, floored to ``granularity`` if one is given.

    The conversion comes before the truncation: a day is the zone's day. Both hours that a clock set back
    shows twice become the same civil hour.
    """
    civil = dialect.to_civil(value, zone, kind)
    return civil if granularity is None else dialect.date_trunc(granularity, civil)
