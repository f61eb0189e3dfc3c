"""Offsets of zones before 1970, which CONVERT_TZ does not know: it returns such instants unchanged.

They are computed by zoneinfo and written into the statement, as a search in a sorted list. Zones have up to 120
changes in that time, most have fewer than 30.
"""

from __future__ import annotations

from sqlglot import exp

from cuboid.sql.dialect import call, number, text
from cuboid.sql.zones import offsets

YEAR_ZERO_SECONDS = 62_167_219_200
"""``TO_SECONDS('1970-01-01')``."""

END = 86_400
"""Seconds since 1970 up to which offsets are listed here; CONVERT_TZ begins at second 1."""

BEGIN = -4_300_000_000
"""In 1833: no zone's history begins earlier (the first is Amsterdam's, 1835)."""


def early_offset(zone: str, instant: exp.Expr) -> exp.Expr | None:
    """The zone's offset in seconds at ``instant``, a DATETIME in UTC before 1970-01-02, as an integer expression;
    None if the zone never had one."""
    changes = offsets(zone, BEGIN, END)
    if changes == ((BEGIN, 0),):
        return None
    found = [text(str(seconds)) for _, seconds in changes]
    if len(found) == 1:
        return exp.cast(found[0], exp.DataType.Type.BIGINT)
    bounds = [number(YEAR_ZERO_SECONDS + second) for second, _ in changes[1:]]
    index = call("INTERVAL", call("TO_SECONDS", instant), *bounds)
    position = exp.Add(this=index, expression=number(1))
    return exp.cast(call("ELT", position, *found), exp.DataType.Type.BIGINT)
