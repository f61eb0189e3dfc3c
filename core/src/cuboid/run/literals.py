"""Values as SQL, for client libraries that send parameters as part of the statement."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal

from cuboid.errors import QueryFailed
from cuboid.types import Scalar


def utc_text(moment: datetime) -> str:
    """``moment`` in UTC as most databases read it, to the microsecond and without a zone."""
    utc = moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
    return utc.isoformat(" ", "microseconds")


def plain_text(value: Scalar) -> str | None:
    """``value`` as text, for placeholders whose type is said beside them; dates as their midnight, truth as 1 and 0."""
    match value:
        case None | str():
            return value
        case bool():
            return str(int(value))
        case datetime():
            return utc_text(value)
        case date():
            return f"{value.isoformat()} 00:00:00"
        case Decimal():
            return format(value, "f")
        case _:
            return str(value)


def literal(value: Scalar, quoted: Callable[[str], str]) -> str:
    """``value`` as the SQL standard writes it: exact numbers in digits, doubles with an exponent, times in UTC.

    :param quoted: makes a literal of a text; the client library's own, which knows the connection's character set and
        whether the backslash escapes.
    """
    match value:
        case None:
            return "NULL"
        case bool():
            return "TRUE" if value else "FALSE"
        case str():
            return quoted(value)
        case datetime():
            return f"TIMESTAMP'{utc_text(value)}'"
        case date():
            return f"DATE'{value.isoformat()}'"
        case int():
            return str(value)
        case _ if not math.isfinite(value):
            raise QueryFailed(f"The database has no number {value}.")
        case Decimal():
            return format(value, "f")  # with an exponent it would be a double
        case float():
            return text if "e" in (text := repr(value)) else f"{text}e0"
