"""SQLite's SQL. Times are texts; what SQLite lacks are Python functions that the driver registers."""

from sqlglot import exp

from cuboid.sql.dialect import Dialect, call, number, text
from cuboid_sqlite.functions import written


class SQLiteDialect(Dialect):
    name = "sqlite"
    sqlglot = "sqlite"
    max_identifier_bytes = 255  # SQLite itself has no limit

    def to_civil(self, value, zone, kind):
        return call("cuboid_civil", value, text("UTC" if kind == "date" else zone))

    def date_trunc(self, granularity, civil):
        return call("cuboid_floor", civil, text(granularity))

    def bin_months(self, months, origin, civil):
        return call("cuboid_bin", civil, number(months), number(0), self.constant(origin))

    def bin_seconds(self, seconds, origin, civil):
        return call("cuboid_bin", civil, number(0), number(seconds), self.constant(origin))

    def shift(self, civil, count, unit):
        return call("cuboid_shift", civil, count, text(unit))

    def month_number(self, civil):
        year, month = (exp.cast(call("strftime", text(part), civil.copy()), "int") for part in ("%Y", "%m"))
        return exp.Add(this=exp.Mul(this=year, expression=number(12)), expression=month)

    def elapsed_seconds(self, start, end):
        return exp.paren(exp.Sub(this=call("unixepoch", end), expression=call("unixepoch", start)))

    def constant(self, moment):
        return text(written(moment))

    def epoch(self):
        return call("unixepoch")

    def parameter(self, placeholder, type):
        # The driver binds times as texts of one form; dates may be stored without a time.
        return call("cuboid_day", placeholder) if type == "date" else placeholder

    def like(self, value, pattern):
        return call("cuboid_like", value, pattern)  # LIKE knows the case of ASCII only
