"""The SQL of MySQL and MariaDB."""

from __future__ import annotations

from datetime import datetime

from sqlglot import exp

from cuboid.sql.dialect import Dialect, ShiftUnit, call, mean, number, rewritten, text
from cuboid.types import ParameterType, TimeKind
from cuboid_mysql.early import early_offset

PATTERNS = {
    "second": "%Y-%m-%d %H:%i:%s",
    "minute": "%Y-%m-%d %H:%i:00",
    "hour": "%Y-%m-%d %H:00:00",
    "day": "%Y-%m-%d 00:00:00",
    "month": "%Y-%m-01 00:00:00",
    "year": "%Y-01-01 00:00:00",
}
"""Granularities whose floor is a pattern of the digits."""

FIRST_DAY = "0001-01-01"


class MySQLDialect(Dialect):
    """MySQL 8 and MariaDB 10.6. Sessions run in UTC (the driver sees to it), so a TIMESTAMP reads as its UTC time.

    Formulas name the civil time once: it is a long expression, and these engines compute it anew wherever it stands.
    """

    name = "mysql"
    sqlglot = "mysql"
    placeholders = "format"
    max_identifier_bytes = 64
    having_by_alias = True
    cuts_quotients = True
    subtracts_in_windows = True  # MariaDB; MySQL does so for exact numbers only

    # ------------------------------------------------------------ time

    def to_civil(self, value: exp.Expr, zone: str, kind: TimeKind) -> exp.Expr:
        if kind == "date" or zone == "UTC":
            return _datetime(value)
        converted = call("CONVERT_TZ", _datetime(value), text("+00:00"), text(zone))
        offset = early_offset(zone, _datetime(value.copy()))
        if offset is None:
            return converted
        # CONVERT_TZ returns what is before 1970 unchanged.
        early = exp.LT(this=_datetime(value.copy()), expression=self.constant(datetime(1970, 1, 2)))
        return exp.Case().when(early, self.shift(_datetime(value.copy()), offset, "second")).else_(converted)

    def date_trunc(self, granularity: str, civil: exp.Expr) -> exp.Expr:
        if granularity == "week":  # day 2 was a Monday
            days = exp.Sub(this=call("TO_DAYS", civil), expression=number(2))
            weeks = exp.Mul(this=exp.IntDiv(this=exp.paren(days), expression=number(7)), expression=number(7))
            return _datetime(call("FROM_DAYS", exp.Add(this=weeks, expression=number(2))))
        if granularity == "quarter":
            first = self.constant(datetime.fromisoformat(FIRST_DAY))
            return exp.DateAdd(this=first, expression=_since_first("QUARTER", civil), unit=exp.var("QUARTER"))
        return _datetime(call("DATE_FORMAT", civil, text(PATTERNS[granularity])))

    def constant(self, moment: datetime) -> exp.Expr:
        return _datetime(text(moment.isoformat(" ")))

    def shift(self, civil: exp.Expr, count: exp.Expr, unit: ShiftUnit) -> exp.Expr:
        return exp.DateAdd(this=civil, expression=exp.paren(count), unit=exp.var(unit.upper()))

    def month_number(self, civil: exp.Expr) -> exp.Expr:
        return exp.paren(exp.Add(this=_since_first("MONTH", civil), expression=number(12 + 1)))

    def elapsed_seconds(self, start: exp.Expr, end: exp.Expr) -> exp.Expr:
        # TIMESTAMPDIFF rounds towards zero: half a second before the start would be no second before it.
        return exp.paren(exp.Sub(this=call("TO_SECONDS", end), expression=call("TO_SECONDS", start)))

    def steps(self, first: exp.Expr, last: exp.Expr, step: int, source: exp.Expr | None) -> exp.Select:
        # Not by recursion: MariaDB's cannot read the CTEs around it, and both stop after 1000 rows by default.
        bounds = exp.select(exp.alias_(first, "first_n"), exp.alias_(last, "last_n"))
        if source is not None:
            bounds = bounds.from_(source)
        first, last = exp.column("first_n"), exp.column("last_n")
        more = exp.IntDiv(this=exp.paren(exp.Sub(this=last, expression=first)), expression=number(step))
        listed = call("CONCAT", text("[0"), call("REPEAT", text(",0"), more), text("]"))
        place = exp.JSONColumnDef(this=exp.to_identifier("place"), ordinality=True)
        table = exp.JSONTable(this=listed, path=text("$[*]"), schema=exp.JSONSchema(expressions=[place]))
        places = exp.Table(this=table, alias=exp.TableAlias(this=exp.to_identifier("places")))
        before = exp.paren(exp.Sub(this=exp.column("place"), expression=number(1)))
        passed = exp.Add(this=first.copy(), expression=exp.Mul(this=before, expression=number(step)))
        return (
            exp.select(exp.alias_(passed, "n", quoted=True))
            .from_(bounds.subquery("bounds"))
            .join(places, join_type="CROSS")
            .where(exp.LTE(this=first.copy(), expression=last.copy()))
        )

    def epoch(self) -> exp.Expr:
        return call("UNIX_TIMESTAMP")

    # ------------------------------------------------------------ values

    def parameter(self, placeholder: exp.Expr, type: ParameterType) -> exp.Expr:
        return _datetime(placeholder) if type in ("instant", "utc", "date") else placeholder

    # ------------------------------------------------------------ strings

    def like(self, value: exp.Expr, pattern: exp.Expr) -> exp.Expr:
        # By code points, after lowering: a column's own collation may tell cases apart, take e for é, or hold all
        # emoji to be equal. The backslash escapes by default; the driver's sql_mode keeps it so.
        lowered = exp.Lower(this=exp.cast(value, exp.DataType.Type.CHAR))
        exact = exp.Collate(this=lowered, expression=exp.var("utf8mb4_bin"))
        return exp.Like(this=exact, expression=exp.Lower(this=pattern))

    def own(self, tree: exp.Expr) -> exp.Expr:
        return rewritten(rewritten(tree, exp.RegexpLike, _matched), exp.Interval, _counted)

    def folds(self, value: exp.Expr) -> exp.Expr:
        # Other binary collations take 'a' and 'a ' for one.
        exact = [
            text(name) for name in ("binary", "utf8mb4_0900_bin", "utf8mb4_nopad_bin", "utf8mb3_nopad_bin")
        ]
        return exp.Not(this=exp.In(this=call("COLLATION", value), expressions=exact))

    # ------------------------------------------------------------ aggregates

    def average(self, value: exp.Expr) -> exp.Expr:
        # AVG has 16 places after the point (see the session's settings), and a small mean needs more: 14 zeros make it
        # the 30 that these engines have at most.
        return mean(exp.Sum(this=value), value, exp.Literal.number("1." + "0" * 14))


def _datetime(value: exp.Expr) -> exp.Expr:
    return exp.Cast(this=value, to=exp.DataType.build("DATETIME(6)", dialect="mysql"))


def _matched(node: exp.Expr) -> exp.Expr:
    """``x REGEXP y``, which sqlglot writes as ``REGEXP_LIKE``, by a function that MariaDB has, too."""
    if node.args.get("flag") is not None:
        return node
    return exp.paren(exp.GT(this=call("REGEXP_INSTR", node.this, node.expression), expression=number(0)))


def _counted(node: exp.Expr) -> exp.Expr:
    """The function ``INTERVAL(x, y)``, which sqlglot takes for a length of time."""
    return call("INTERVAL", *node.this.expressions) if isinstance(node.this, exp.Tuple) else node


def _since_first(unit: str, civil: exp.Expr) -> exp.Expr:
    """Whole months or quarters from the year 1 to ``civil``."""
    return call("TIMESTAMPDIFF", exp.var(unit), text(FIRST_DAY), civil)
