"""DuckDB's SQL."""

from __future__ import annotations

from datetime import datetime

from sqlglot import exp

from cuboid.sql.dialect import Dialect, ShiftUnit, call, number, text
from cuboid.types import TimeKind


class DuckDBDialect(Dialect):
    """DuckDB 2. Sessions run in UTC (the driver sees to it), so casts between TIMESTAMP and TIMESTAMPTZ are exact."""

    name = "duckdb"
    sqlglot = "duckdb"
    max_identifier_bytes = 255

    def to_civil(self, value: exp.Expr, zone: str, kind: TimeKind) -> exp.Expr:
        if kind == "date" or zone == "UTC":
            return exp.cast(value, exp.DataType.Type.TIMESTAMP)
        instant = exp.cast(value, exp.DataType.Type.TIMESTAMPTZ)
        return exp.AtTimeZone(this=instant, zone=text(zone))

    def date_trunc(self, granularity: str, civil: exp.Expr) -> exp.Expr:
        # sqlglot's own node may render a DATE where DuckDB gives one; the cast keeps days and weeks timestamps.
        floored = call("DATE_TRUNC", text(granularity), civil)
        return exp.cast(floored, exp.DataType.Type.TIMESTAMP)

    def bin_seconds(self, seconds: int, origin: datetime, civil: exp.Expr) -> exp.Expr:
        # The engine's own is wrong for months only: it drops the day of the origin.
        return call("TIME_BUCKET", call("TO_SECONDS", number(seconds)), civil, self.constant(origin))

    def shift(self, civil: exp.Expr, count: exp.Expr, unit: ShiftUnit) -> exp.Expr:
        # INTERVAL times a number takes 32 bits: 68 years of seconds.
        return exp.paren(exp.Add(this=civil, expression=call(f"TO_{unit.upper()}S", count)))

    def series(self, first: exp.Expr, last: exp.Expr, step: int) -> exp.Expr:
        return call("UNNEST", call("RANGE", first, exp.Add(this=last, expression=number(1)), number(step)))

    def approx_count_distinct(self, value: exp.Expr) -> exp.Expr:
        return exp.ApproxDistinct(this=value)

    def folds(self, value: exp.Expr) -> exp.Expr:
        # No function names a column's collation, but what is made of the column has it: whether it takes letters for
        # one that differ in case, in accents, or in how one is written.
        def same(one: str, other: str) -> exp.Expr:
            null = exp.Nullif(this=value.copy(), expression=value.copy())
            return exp.EQ(this=exp.Coalesce(this=null, expressions=[text(one)]), expression=text(other))

        return exp.or_(same("A", "a"), same("\u00e9", "e"), same("e\u0301", "\u00e9"))
