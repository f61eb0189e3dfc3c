"""In which types a store keeps what it is given, and in which it shows that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from cuboid.errors import NotStored
from cuboid.run.kinds import MOST_DIGITS, NOTHING, Kind, as_kind
from cuboid.types import SemanticType, Value

INTEGER_DIGITS = 18
"""What every Int64 has room for."""

FIRST, LAST = datetime(1900, 1, 1), datetime(2299, 12, 31, 23, 59, 59, 999_999)
"""The times that a DateTime64 has."""

EPOCH = datetime(1970, 1, 1)
MICROSECOND = timedelta(microseconds=1)

ROWS_DIGITS = 10
"""A sum has as many digits more than its values: that of ten billion rows."""

_TIME = "DateTime64(6, 'UTC')"
_NAMED: Mapping[str, str] = {"boolean": "Bool", "float": "Float64", "time": _TIME, "text": "String"}
_UNKNOWN: Mapping[SemanticType, str] = {
    "string": "String",
    "number": "Int64",
    "boolean": "Bool",
    "time": _TIME,
}


def kept_type(kind: Kind, meant: SemanticType) -> str:
    """The type of a column of the kind, without the ``Nullable`` around it."""
    if kind == NOTHING:
        return _UNKNOWN[meant]
    if kind.name == "integer" and kind.digits <= INTEGER_DIGITS:
        return "Int64"
    # No Int128, of which the server makes no Decimal.
    return f"Decimal(38, {kind.scale})" if kind.name in ("integer", "decimal") else _NAMED[kind.name]


def shown_type(kind: Kind, meant: SemanticType) -> str:
    """As :func:`kept_type`, with room for sums: the server's wrap around without a word."""
    kept = kept_type(kind, meant)
    if kept == "Int64":
        return "Int128" if kind.digits + ROWS_DIGITS > INTEGER_DIGITS else kept
    if kept.startswith("Decimal") and kind.digits + kind.scale + ROWS_DIGITS > MOST_DIGITS:
        return f"Decimal(76, {kind.scale})"
    return kept


def cells_of(name: str, cells: Sequence[Value], kind: Kind) -> list[Any]:
    """The cells of the column as the client library wants them. Raises :class:`NotStored`."""
    if kind.name == "json":
        raise NotStored(
            f"'{name}' holds lists or objects, which ClickHouse would keep as other texts than its source has.",
            hint="Take it out of the pre-aggregation, or store a member that selects a text from it.",
        )
    made = as_kind(cells, kind)
    return made if kind.name != "time" else [_ticks(name, each) for each in made]


def _ticks(name: str, moment: datetime | None) -> int | None:
    if moment is None:
        return None
    if not FIRST <= moment <= LAST:
        raise NotStored(
            f"'{name}' has the time {moment}: ClickHouse keeps those from {FIRST.year} to {LAST.year} alone.",
            hint="Say with build_range_start and build_range_end what is to be stored, or keep these rollups in another"
            " store.",
        )
    return (moment - EPOCH) // MICROSECOND


def shown(column: str, has: str, wanted: str) -> str:
    """The column, quoted, in SQL, as the wanted type."""
    if has == wanted:
        return column
    # The nearest double, where a cast of a decimal would calculate.
    value = f"CAST({column} AS Nullable(String))" if wanted == "Float64" else column
    return f"CAST({value} AS Nullable({wanted})) AS {column}"
