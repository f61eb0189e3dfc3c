"""Postgres' SQL."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp, parse_one

from cuboid.sql.dialect import Dialect, call, mean, number, rewritten, text
from cuboid.types import SemanticType, TimeKind

ABBREVIATED: Mapping[str, str] = {
    "CET": "Europe/Brussels",
    "EET": "Europe/Athens",
    "EST": "America/Panama",
    "HST": "Pacific/Honolulu",
    "MET": "Europe/Brussels",
    "MST": "America/Phoenix",
    "WET": "Europe/Lisbon",
}
"""Zones whose names Postgres reads as abbreviations of a fixed offset: ``AT TIME ZONE 'CET'`` has no summer time.
Their rules are those of the zones on the right, whose links they are in the zone database."""


FOLDS = parse_one(
    """EXISTS(
        SELECT 1 FROM pg_type AS given LEFT JOIN pg_type AS meant ON meant.oid = given.typbasetype
        WHERE given.oid = PG_TYPEOF(:value)
        AND (given.typname IN ('citext', 'bpchar') OR meant.typname IN ('citext', 'bpchar') OR meant.typtype = 'd')
    ) OR CASE WHEN EXISTS(SELECT 1 FROM pg_type WHERE oid = PG_TYPEOF(:value) AND typcollation <> 0) THEN EXISTS(
        SELECT 1 FROM pg_collation
        WHERE NOT collisdeterministic AND PG_COLLATION_FOR(:value) LIKE '%' || QUOTE_IDENT(collname)
    ) ELSE FALSE END""",
    dialect="postgres",
)
"""By the type's own name, in whatever schema it lies, and by what a domain is made of. A CHARACTER is padded, so that
trailing spaces do not count. What has no collation is no text."""


class PostgresDialect(Dialect):
    """Postgres. Sessions run in UTC (the driver sees to it), so casts between TIMESTAMP and TIMESTAMPTZ are exact."""

    name = "postgres"
    sqlglot = "postgres"
    placeholders = "dollar"
    max_identifier_bytes = 63

    def to_civil(self, value: exp.Expr, zone: str, kind: TimeKind) -> exp.Expr:
        if kind == "date" or zone == "UTC":
            return exp.cast(value, exp.DataType.Type.TIMESTAMP)
        instant = exp.cast(value, exp.DataType.Type.TIMESTAMPTZ)
        return exp.AtTimeZone(this=instant, zone=text(ABBREVIATED.get(zone, zone)))

    def date_trunc(self, granularity: str, civil: exp.Expr) -> exp.Expr:
        return call("DATE_TRUNC", text(granularity), civil)

    def same(self, left: exp.Expr, right: exp.Expr) -> exp.Expr:
        # IS NOT DISTINCT FROM is compared pair by pair, rows times rows. Arrays hold NULLs that equal each other, and
        # are joined by hashing: 20,000 rows with 20,000 in half a second instead of a minute.
        return exp.EQ(this=exp.Array(expressions=[left]), expression=exp.Array(expressions=[right]))

    def padding(self, type: SemanticType, donor: exp.Expr) -> exp.Expr:
        return donor  # of a third branch it takes the type from the first two alone

    def series(self, first: exp.Expr, last: exp.Expr, step: int) -> exp.Expr:
        return call("GENERATE_SERIES", first, last, number(step))

    def pick(self, value: exp.Expr, type: SemanticType) -> exp.Expr:
        if type == "boolean":
            return exp.LogicalOr(this=value)  # BOOL_OR: there is no MAX of booleans
        if type == "string":
            # Nor is there one of uuid or json, which models call strings too.
            return exp.Max(this=exp.cast(value, exp.DataType.Type.TEXT))
        return exp.Max(this=value)

    def average(self, value: exp.Expr) -> exp.Expr:
        # AVG of integers and decimals is a decimal with 16 digits or few more, trailing zeros included: one in thirty
        # is not the double next to the mean. With more zeros there are more digits; the mean of doubles stays as it is.
        # The sum of REAL is a REAL, of seven digits; REAL + 0 is a DOUBLE PRECISION, and all other types stay theirs.
        summed = exp.Sum(this=exp.Add(this=exp.paren(value), expression=number(0)))
        return mean(summed, value, exp.Literal.number("1." + "0" * 32))

    def quotient(self, division: exp.Div) -> exp.Expr:
        # Decimals divide to more digits than a double has, whole numbers to whole ones, as the model's author knows
        # them to; which of the two a column holds only the server knows.
        type = exp.cast(call("PG_TYPEOF", division), exp.DataType.Type.TEXT)
        double = division.copy()
        double.set("this", exp.cast(double.this, exp.DataType.Type.DOUBLE))
        exact = exp.EQ(this=type, expression=text("numeric"))
        return exp.Case().when(exact, double).else_(division.copy())

    # ------------------------------------------------------------ model SQL

    def own(self, tree: exp.Expr) -> exp.Expr:
        return rewritten(tree, exp.Hex, lambda node: call("TO_HEX", node.this))  # sqlglot writes it as HEX

    # ------------------------------------------------------------ collations

    def folds(self, value: exp.Expr) -> exp.Expr:
        # A column of the type citext, or of a collation that is not deterministic.
        return exp.replace_placeholders(FOLDS.copy(), value=value)

    def like(self, value: exp.Expr, pattern: exp.Expr) -> exp.Expr:
        # Nothing but text has LIKE: not uuid, enums, numbers, that a model may call strings. And a column may have a
        # collation in which ILIKE knows the case of ASCII alone ("C"), or none at all: the database's own has to serve.
        default = exp.to_identifier("default", quoted=True)
        return super().like(
            exp.Collate(this=exp.cast(value, exp.DataType.Type.TEXT), expression=default), pattern
        )
