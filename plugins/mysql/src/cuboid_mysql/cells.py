"""Values on their way in, as SQL literals, and on their way out, from the text protocol's bytes."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime
from decimal import Decimal

from mysql.connector.connection_cext import CMySQLConnection
from mysql.connector.constants import FieldType

from cuboid.errors import QueryFailed
from cuboid.run.cells import Converter
from cuboid.types import Scalar

BINARY = 63
"""The character set of columns that hold bytes, not text."""


def literal(client: CMySQLConnection, value: Scalar) -> bytes:
    """``value`` as SQL, in the connection's character set; text is quoted by the client library."""
    if value is None:
        return b"NULL"
    if isinstance(value, bool):
        return b"TRUE" if value else b"FALSE"
    if isinstance(value, str):
        (quoted,) = client.prepare_for_mysql((value,))
        return quoted
    if isinstance(value, datetime):
        utc = value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)
        return f"TIMESTAMP'{utc.isoformat(' ', 'microseconds')}'".encode()
    if isinstance(value, date):
        return f"DATE'{value.isoformat()}'".encode()
    if not isinstance(value, int) and not math.isfinite(value):
        raise QueryFailed(f"The database has no number {value}.")
    # Without an exponent a literal is an exact decimal; 65 digits is the longest.
    if isinstance(value, float):
        return (text if "e" in (text := repr(value)) else f"{text}e0").encode()
    return format(value, "f" if isinstance(value, Decimal) else "d").encode()


def converter(type: int, charset: int, *, boolean: bool) -> Converter:
    """What makes semantic values of a column's cells, which are not NULL.

    :param boolean: the column is meant to be a truth value. These engines have no such type: BOOLEAN is TINYINT(1),
        which is also what many write for small numbers. So a number is a truth value where the model says so.
    """
    if type == FieldType.BIT:
        return any if boolean else int.from_bytes
    if boolean and type in TRUTHS:
        return _truth
    if type in NATIVE:
        return NATIVE[type]
    return _hex if charset == BINARY else bytes.decode


def _hex(cell: bytes) -> str:
    return "0x" + cell.hex()


def _decimal(cell: bytes) -> Decimal:
    return Decimal(cell.decode())


def _time(cell: bytes) -> datetime | None:
    """None for the zero date and for days that never were (2020-00-00)."""
    try:
        return datetime.fromisoformat(cell.decode())
    except ValueError:
        return None


def _truth(cell: bytes) -> bool:
    return float(cell) != 0


INTEGERS = dict.fromkeys(
    (FieldType.TINY, FieldType.SHORT, FieldType.INT24, FieldType.LONG, FieldType.LONGLONG, FieldType.YEAR),
    int,
)
NATIVE: dict[int, Converter] = {
    **INTEGERS,
    FieldType.FLOAT: float,
    FieldType.DOUBLE: float,
    FieldType.DECIMAL: _decimal,
    FieldType.NEWDECIMAL: _decimal,
    FieldType.DATE: _time,
    FieldType.DATETIME: _time,
    FieldType.TIMESTAMP: _time,
    FieldType.TIME: bytes.decode,
    FieldType.JSON: json.loads,  # bytes in UTF-8
}
TRUTHS = frozenset({*INTEGERS, FieldType.FLOAT, FieldType.DOUBLE, FieldType.DECIMAL, FieldType.NEWDECIMAL})
