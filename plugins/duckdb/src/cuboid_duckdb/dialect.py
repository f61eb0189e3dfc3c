"""DuckDB's SQL."""

from __future__ import annotations

from sqlglot import exp

from cuboid.sql.dialect import Dialect
from cuboid.types import SemanticType, TimeKind


class DuckDBDialect(Dialect):
    """DuckDB 2. Sessions run in UTC (the driver sees to it), so casts between TIMESTAMP and TIMESTAMPTZ are exact."""

    name = "duckdb"
    sqlglot = "duckdb"
    max_identifier_bytes = 255

    def to_civil(self, value: exp.Expr, zone: str, kind: TimeKind) -> exp.Expr:
        if kind == "date" or zone == "UTC":
            return exp.cast(value, exp.DataType.Type.TIMESTAMP)
        instant = exp.cast(value, exp.DataType.Type.TIMESTAMPTZ)
        return exp.AtTimeZone(this=instant, zone=exp.Literal.string(zone))

    def date_trunc(self, granularity: str, civil: exp.Expr) -> exp.Expr:
        # sqlglot's own node may render a DATE where DuckDB gives one; the cast keeps days and weeks timestamps.
        floored = exp.Anonymous(this="DATE_TRUNC", expressions=[exp.Literal.string(granularity), civil])
        return exp.cast(floored, exp.DataType.Type.TIMESTAMP)

    def padding(self, type: SemanticType, donor: exp.Expr) -> exp.Expr:
        return exp.null()  # UNION ALL takes each column's type from the branches that have one

    def approx_count_distinct(self, value: exp.Expr) -> exp.Expr:
        return exp.ApproxDistinct(this=value)
