"""SQLite's SQL. Times are texts; what SQLite lacks are Python functions that the driver registers."""

from sqlglot import exp

from cuboid import Dialect
from cuboid_sqlite.functions import written


def _call(name, *arguments):
    return exp.Anonymous(this=name, expressions=list(arguments))


class SQLiteDialect(Dialect):
    name = "sqlite"
    sqlglot = "sqlite"
    max_identifier_bytes = 255  # SQLite itself has no limit

    def to_civil(self, value, zone, kind):
        return _call("cuboid_civil", value, exp.Literal.string("UTC" if kind == "date" else zone))

    def date_trunc(self, granularity, civil):
        return _call("cuboid_floor", civil, exp.Literal.string(granularity))

    def bin_months(self, months, origin, civil):
        return _call(
            "cuboid_bin", civil, exp.Literal.number(months), exp.Literal.number(0), self.constant(origin)
        )

    def bin_seconds(self, seconds, origin, civil):
        return _call(
            "cuboid_bin", civil, exp.Literal.number(0), exp.Literal.number(seconds), self.constant(origin)
        )

    def shift(self, civil, count, unit):
        return _call("cuboid_shift", civil, count, exp.Literal.string(unit))

    def constant(self, moment):
        return exp.Literal.string(written(moment))

    def epoch(self):
        return _call("unixepoch")

    def parameter(self, placeholder, type):
        # The driver binds times as texts of one form; dates may be stored without a time.
        return _call("cuboid_day", placeholder) if type == "date" else placeholder

    def padding(self, type, donor):
        return exp.null()  # columns have no types

    def like(self, value, pattern):
        return _call("cuboid_like", value, pattern)  # LIKE knows the case of ASCII only
