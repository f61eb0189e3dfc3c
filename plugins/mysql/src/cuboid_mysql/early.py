"""Offsets of zones before 1970, which CONVERT_TZ does not know: it returns such instants unchanged.

They are computed by zoneinfo and written into the statement, as a search in a sorted list. Zones have up to 120
changes in that time, most have fewer than 30.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from sqlglot import exp

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
YEAR_ZERO_SECONDS = 62_167_219_200
"""``TO_SECONDS('1970-01-01')``."""

END = 86_400
"""Seconds since 1970 up to which offsets are listed here; CONVERT_TZ begins at second 1."""

BEGIN = -4_300_000_000
"""In 1833: no zone's history begins earlier (the first is Amsterdam's, 1835)."""

STEP = 3 * 86_400
"""No zone changed and changed back in less: Freetown did within four days, in 1939."""


def early_offset(zone: str, instant: exp.Expr) -> exp.Expr | None:
    """The zone's offset in seconds at ``instant``, a DATETIME in UTC before 1970-01-02, as an integer expression;
    None if the zone never had one."""
    changes = early_changes(zone)
    if changes == ((BEGIN, 0),):
        return None
    offsets = [exp.Literal.string(str(offset)) for _, offset in changes]
    if len(offsets) == 1:
        return exp.cast(offsets[0], exp.DataType.Type.BIGINT)
    seconds = exp.Anonymous(this="TO_SECONDS", expressions=[instant])
    bounds = [exp.Literal.number(YEAR_ZERO_SECONDS + second) for second, _ in changes[1:]]
    index = exp.Anonymous(this="INTERVAL", expressions=[seconds, *bounds])
    position = exp.Add(this=index, expression=exp.Literal.number(1))
    return exp.cast(exp.Anonymous(this="ELT", expressions=[position, *offsets]), exp.DataType.Type.BIGINT)


@lru_cache(maxsize=64)
def early_changes(zone: str) -> tuple[tuple[int, int], ...]:
    """From which second (since 1970, UTC) which offset holds, up to ``END``; the first begins at ``BEGIN``."""
    civil = ZoneInfo(zone)
    changes = [(BEGIN, _offset(civil, BEGIN))]
    for start in range(BEGIN, END, STEP):
        end = min(start + STEP, END)
        while _offset(civil, end) != (before := changes[-1][1]):
            first, last = max(start, changes[-1][0]), end
            while last - first > 1:  # the change is after first, at last or before it
                middle = (first + last) // 2
                first, last = (middle, last) if _offset(civil, middle) == before else (first, middle)
            changes.append((last, _offset(civil, last)))
    return tuple(changes)


def _offset(zone: ZoneInfo, second: int) -> int:
    offset = (EPOCH + timedelta(seconds=second)).astimezone(zone).utcoffset()
    assert offset is not None
    return round(offset.total_seconds())
