"""Mistakes in SQL: time, text, unions, aggregates."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlglot import exp
from tests.testing.seeding import Mistake

from cuboid_duckdb.dialect import DuckDBDialect

TIMESTAMP = exp.DataType.Type.TIMESTAMP
RIGHT = DuckDBDialect()


def call(name, *arguments):
    return exp.Anonymous(this=name, expressions=list(arguments))


def literal(value):
    return exp.Literal.number(value) if isinstance(value, int) else exp.Literal.string(value)


def plus(value, seconds):
    return exp.paren(
        exp.Add(this=exp.cast(value, TIMESTAMP), expression=call("TO_SECONDS", literal(seconds)))
    )


def winter_offset(self, value, zone, kind):
    offset = datetime(2024, 1, 15, tzinfo=ZoneInfo(zone)).utcoffset()
    return RIGHT.to_civil(value, zone, kind) if kind == "date" else plus(value, int(offset.total_seconds()))


def todays_offset(self, value, zone, kind):
    offset = datetime(2024, 7, 15, tzinfo=ZoneInfo(zone)).utcoffset()
    return RIGHT.to_civil(value, zone, kind) if kind == "date" else plus(value, int(offset.total_seconds()))


def hours_before_zones(self, value, zone, kind):
    return RIGHT.to_civil(RIGHT.date_trunc("hour", exp.cast(value, TIMESTAMP)), zone, kind)


def other_way(self, value, zone, kind):
    if kind == "date":
        return RIGHT.to_civil(value, zone, kind)
    there = exp.AtTimeZone(this=exp.cast(value, TIMESTAMP), zone=exp.Literal.string(zone))
    return exp.cast(there, TIMESTAMP)


def no_zone(self, value, zone, kind):
    return exp.cast(value, TIMESTAMP)


def zone_for_dates(self, value, zone, kind):
    return RIGHT.to_civil(value, zone, "utc")


def instants_are_utc_walls(self, value, zone, kind):
    """The wall time comes back as an instant: both hours of a clock set back stay two groups."""
    return (
        exp.cast(value, exp.DataType.Type.TIMESTAMPTZ)
        if kind != "date"
        else RIGHT.to_civil(value, zone, kind)
    )


def date_only(self, value, zone, kind):
    return exp.cast(exp.cast(RIGHT.to_civil(value, zone, kind), exp.DataType.Type.DATE), TIMESTAMP)


def rounded(self, value, zone, kind):
    half = exp.Add(this=RIGHT.to_civil(value, zone, kind), expression=call("TO_MILLISECONDS", literal(500)))
    return RIGHT.date_trunc("second", exp.paren(half))


def sunday_weeks(self, granularity, civil):
    if granularity != "week":
        return RIGHT.date_trunc(granularity, civil)
    return plus(RIGHT.date_trunc("week", plus(civil, 86400)), -86400)


def weeks_of_the_year(self, granularity, civil):
    if granularity != "week":
        return RIGHT.date_trunc(granularity, civil)
    return call("GREATEST", RIGHT.date_trunc("week", civil), RIGHT.date_trunc("year", civil.copy()))


def quarters_are_months(self, granularity, civil):
    return RIGHT.date_trunc("month" if granularity == "quarter" else granularity, civil)


def towards_zero(self, granularity, civil):
    if granularity not in ("second", "minute", "hour"):
        return RIGHT.date_trunc(granularity, civil)
    step = {"second": 1, "minute": 60, "hour": 3600}[granularity]
    epoch = exp.paren(exp.Div(this=call("EPOCH", civil), expression=literal(step)))
    whole = exp.paren(exp.Mul(this=call("TRUNC", epoch), expression=literal(step)))
    return exp.cast(call("TO_TIMESTAMP", whole), TIMESTAMP)


def text_of_times(self, granularity, civil):
    return exp.cast(RIGHT.date_trunc(granularity, civil), exp.DataType.Type.TEXT)


def thirty_days(self, months, origin, civil):
    return RIGHT.bin_seconds(months * 30 * 86400, origin, civil)


def engines_own_bins(self, months, origin, civil):
    width = call("TO_MONTHS", literal(months))
    return call("TIME_BUCKET", width, civil, self.constant(origin))


def first_of_the_month(self, months, origin, civil):
    return RIGHT.bin_months(months, datetime(origin.year, origin.month, 1), civil)


def bins_towards_zero(self, seconds, origin, civil):
    elapsed = RIGHT.elapsed_seconds(self.constant(origin), civil)
    steps = call("TRUNC", exp.Div(this=exp.paren(elapsed), expression=literal(seconds)))
    return RIGHT.shift(self.constant(origin), exp.Mul(this=steps, expression=literal(seconds)), "second")


def no_origin(self, seconds, origin, civil):
    return RIGHT.bin_seconds(seconds, datetime(1970, 1, 1), civil)


def month_of_thirty_days(self, civil, count, unit):
    seconds = exp.Mul(this=exp.paren(count), expression=literal(int(timedelta(days=30).total_seconds())))
    return RIGHT.shift(civil, seconds if unit == "month" else count, "second")


def like_without_escape(self, value, pattern):
    return exp.ILike(this=value, expression=pattern)


def like_with_case(self, value, pattern):
    return exp.Escape(this=exp.Like(this=value, expression=pattern), expression=exp.Literal.string("\\"))


def ascii_only(self, value, pattern):
    pairs = [
        exp.Literal.string("ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
        exp.Literal.string("abcdefghijklmnopqrstuvwxyz"),
    ]

    def low(each):
        return call("TRANSLATE", each, *(pair.copy() for pair in pairs))

    return like_with_case(self, low(value), low(pattern))


def regular_expression(self, value, pattern):
    return call("REGEXP_MATCHES", value, call("REPLACE", pattern, literal("%"), literal(".*")), literal("i"))


ZONES = ("right_to_the_second",)

MISTAKES = [
    Mistake("a fixed offset, that of winter, instead of the zone", ZONES, {"to_civil": winter_offset}),
    Mistake("a fixed offset, that of today, instead of the zone", ZONES, {"to_civil": todays_offset}),
    Mistake("truncated before it is converted", ZONES, {"to_civil": hours_before_zones}),
    Mistake("converted the other way round", ZONES, {"to_civil": other_way}),
    Mistake("the zone is dropped", ZONES, {"to_civil": no_zone}),
    Mistake("a zone moves dates", ("moves_a_date",), {"to_civil": zone_for_dates}),
    Mistake("civil time is still an instant", ZONES, {"to_civil": instants_are_utc_walls}),
    Mistake("civil time loses its hours", ZONES, {"to_civil": date_only}),
    Mistake("fractions of a second are rounded up", ZONES, {"to_civil": rounded}),
    Mistake("weeks begin on Sunday", ("moves_a_date",), {"date_trunc": sunday_weeks}),
    Mistake("weeks begin anew with the year", ("moves_a_date",), {"date_trunc": weeks_of_the_year}),
    Mistake("a quarter is a month", ("moves_a_date",), {"date_trunc": quarters_are_months}),
    Mistake("times before 1970 are truncated towards zero", ("before_1970",), {"date_trunc": towards_zero}),
    Mistake("truncated times are texts", ("moves_a_date",), {"date_trunc": text_of_times}),
    Mistake("bins count a month as 30 days", ("bins_of_any",), {"bin_months": thirty_days}),
    Mistake(
        "the engine's own bins forget the origin's day", ("bins_of_any",), {"bin_months": engines_own_bins}
    ),
    Mistake("bins of months begin on the first", ("bins_of_any",), {"bin_months": first_of_the_month}),
    Mistake(
        "bins before the origin are those after it", ("bins_of_any",), {"bin_seconds": bins_towards_zero}
    ),
    Mistake("the origin of a bin is ignored", ("bins_of_any",), {"bin_seconds": no_origin}),
    Mistake("adding a month adds 30 days", ("intervals_are_added",), {"shift": month_of_thirty_days}),
    Mistake("LIKE has no escape", ("text_is_found",), {"like": like_without_escape}),
    Mistake("LIKE regards case", ("text_is_found",), {"like": like_with_case}),
    Mistake("LIKE regards the case of all but ASCII", ("text_is_found",), {"like": ascii_only}),
    Mistake("LIKE is a regular expression", ("text_is_found",), {"like": regular_expression}),
    Mistake(
        "absent measures are 0, not NULL",
        ("branches",),
        {"padding": lambda self, type, donor: literal(0) if type == "number" else exp.null()},
    ),
    Mistake(
        "padding is text, whatever the column",
        ("branches",),
        {"padding": lambda self, type, donor: exp.cast(exp.null(), exp.DataType.Type.TEXT)},
    ),
    Mistake(
        "the first value of a group is picked, NULL or not",
        ("branches",),
        {"pick": lambda self, value, type: call("FIRST", value)},
    ),
    Mistake(
        "a distinct count counts NULL",
        ("distinct_values",),
        {
            "count_distinct": lambda self, value: call(
                "LEN", call("LIST_DISTINCT", call("LIST", call("HASH", value)))
            )
        },
    ),
    Mistake(
        "a distinct count counts all",
        ("distinct_values",),
        {"count_distinct": lambda self, value: exp.Count(this=value)},
    ),
    Mistake(
        "an approximate count is none",
        ("approximate_count_is_near",),
        {"approx_count_distinct": lambda self, value: exp.Count(this=value)},
    ),
    Mistake(
        "the database's clock is in milliseconds",
        ("databases_clock",),
        {"epoch": lambda self: call("EPOCH_MS", exp.CurrentTimestamp())},
    ),
]
