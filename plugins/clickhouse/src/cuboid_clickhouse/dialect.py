"""ClickHouse's SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal

from sqlglot import exp

from cuboid.errors import UnsupportedFeature
from cuboid.sql.dialect import Dialect, ShiftUnit, call, number, text
from cuboid.types import ParameterType, Scalar, SemanticType, TimeKind
from cuboid_clickhouse.zones import corrections

_WITHIN_A_DAY = ("second", "minute", "hour")
_WIDEST = 76
"""Digits of the widest Decimal."""


class ClickHouseDialect(Dialect):
    """ClickHouse 24.3 and newer, in sessions as :data:`cuboid_clickhouse.driver.SESSION` sets them up.

    There is no zoneless timestamp: civil times are DateTime64 in UTC, and never shifted again.
    """

    name = "clickhouse"
    sqlglot = "clickhouse"
    placeholders = "typed"
    joins_need_equality = True
    cuts_quotients = True
    orders_by_input = True  # by the setting prefer_column_name_to_alias
    max_identifier_bytes = 255  # there is no limit; this keeps texts readable

    # ------------------------------------------------------------ time

    def to_civil(self, value: exp.Expr, zone: str, kind: TimeKind) -> exp.Expr:
        instant = _timestamp(value)
        if kind == "date" or zone == "UTC":
            return instant
        # Not toTimeZone alone: its values are instants still, so an hour that the clock shows twice would be two.
        local = call("toTimeZone", instant.copy(), text(zone))
        offset = call("timeZoneOffset", local)
        if corrected := corrections(zone):
            offset = exp.Add(this=offset, expression=_looked_up(corrected, instant.copy()))
        return call("addSeconds", instant, offset)

    def date_trunc(self, granularity: str, civil: exp.Expr) -> exp.Expr:
        # Days or seconds first: of a time before 1970 with a fraction, all others give the next minute, hour and so on.
        if granularity in _WITHIN_A_DAY:
            seconds = call("toStartOfSecond", civil)
            return seconds if granularity == "second" else call(f"toStartOf{granularity.title()}", seconds)
        day = call("toDate32", civil)
        if granularity == "week":
            day = call("toMonday", day)
        elif granularity != "day":
            day = call(f"toStartOf{granularity.title()}", day)
        return _timestamp(day)

    def constant(self, moment: datetime) -> exp.Expr:
        return _timestamp(text(moment.isoformat(" ")))

    def shift(self, civil: exp.Expr, count: exp.Expr, unit: ShiftUnit) -> exp.Expr:
        return call("addMonths" if unit == "month" else "addSeconds", civil, count)

    def month_number(self, civil: exp.Expr) -> exp.Expr:
        year = exp.Mul(this=call("toYear", civil), expression=number(12))
        return call("toInt64", exp.Add(this=year, expression=call("toMonth", civil.copy())))

    def elapsed_seconds(self, start: exp.Expr, end: exp.Expr) -> exp.Expr:
        return call("dateDiff", text("second"), start, end)

    def series(self, first: exp.Expr, last: exp.Expr, step: int) -> exp.Expr:
        # Of one type: literals are as narrow as their digits allow, and there is none for UInt32 and Int32.
        end = exp.Add(this=last, expression=number(1))
        return call(
            "arrayJoin", call("range", *(call("toInt64", each) for each in (first, end, number(step))))
        )

    def epoch(self) -> exp.Expr:
        return call("toUnixTimestamp", call("now"))

    # ------------------------------------------------------------ values

    def parameter(self, placeholder: exp.Expr, type: ParameterType) -> exp.Expr:
        return placeholder  # has a type

    def parameter_type(self, value: Scalar) -> str:
        match value:
            case None:
                return "Nullable(Nothing)"  # becomes any other type, as in a UNION
            case bool():
                return "Bool"
            case int():
                return _integer_type(value)
            case Decimal():
                return _decimal_type(value)
            case float():
                return "Float64"
            case datetime() | date():
                # Microseconds and a zone: DateTime, the type that parsing gives, would cut the fraction of a bound.
                return "DateTime64(6, 'UTC')"
            case str():
                return "String"

    def is_in(self, value: exp.Expr, candidates: Sequence[exp.Expr], type: ParameterType) -> exp.Expr:
        # IN converts candidates to the column's type: "Type mismatch in IN" for a Decimal candidate of an integer or
        # float column and a DateTime64 one of a Date or DateTime column, and no match at all for a Float64 one of a
        # Decimal(38, 18) column. Equality compares rightly; the server makes a set of a long chain by itself.
        if type in ("string", "boolean"):
            return super().is_in(value, candidates, type)
        return exp.paren(exp.or_(*(exp.EQ(this=value.copy(), expression=each) for each in candidates)))

    def pick(self, value: exp.Expr, type: SemanticType) -> exp.Expr:
        return exp.AnyValue(this=value)  # of any type, NULLs skipped

    # ------------------------------------------------------------ strings and aggregates

    def like(self, value: exp.Expr, pattern: exp.Expr) -> exp.Expr:
        return exp.ILike(this=value, expression=pattern)  # without ESCAPE: it is a backslash, always

    def count_distinct(self, value: exp.Expr) -> exp.Expr:
        return call("uniqExact", value)  # COUNT(DISTINCT x) is as exact as a setting of the server says

    def approx_count_distinct(self, value: exp.Expr) -> exp.Expr:
        return call("uniq", value)

    def average(self, value: exp.Expr) -> exp.Expr:
        # The double next to the true mean, as elsewhere: AVG makes doubles of decimals before it divides, and a Decimal
        # becomes the nearest double by way of its text only. 30 more digits also do for a small mean of whole numbers.
        total = exp.Mul(this=exp.Sum(this=value), expression=call("toDecimal256", number(1), number(30)))
        # A division by zero fails even where the sum is NULL.
        count = call("greatest", exp.Count(this=value.copy()), number(1))
        return call("toFloat64", call("toString", exp.Div(this=total, expression=count)))


def _timestamp(value: exp.Expr) -> exp.Expr:
    return call("toDateTime64", value, number(6), text("UTC"))


def _looked_up(corrected: Mapping[int, int], instant: exp.Expr) -> exp.Expr:
    """The correction of the minute that ``instant`` is in, 0 in all others."""
    minute = call("intDiv", call("toUnixTimestamp64Micro", instant), number(60_000_000))
    minutes = exp.array(*(number(each) for each in corrected))
    seconds = exp.array(*(number(each) for each in corrected.values()))
    return call("transform", minute, minutes, seconds, number(0))


def _integer_type(value: int) -> str:
    """The type in which a comparison with an integer column uses its index; beyond 64 bits one that is right for
    every column (a wide integer overflows when compared with a Decimal column)."""
    if -(1 << 63) <= value < 1 << 63:
        return "Int64"
    if 0 <= value < 1 << 64:
        return "UInt64"
    return f"Decimal({_WIDEST}, 0)" if abs(value) < 10**_WIDEST else "Float64"


def _decimal_type(value: Decimal) -> str:
    """Always of the greatest width: comparing decimals takes both to the larger scale, in the wider of their types."""
    _, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        return "Float64"
    scale = max(-exponent, 0)
    if max(len(digits) + exponent, 0) + scale > _WIDEST:
        raise UnsupportedFeature(f"The clickhouse dialect has no number of more than {_WIDEST} digits.")
    return f"Decimal({_WIDEST}, {scale})"
