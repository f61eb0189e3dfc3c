"""Cells of the text protocol as semantic values, by the type that the server says a column has."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal

from mysql.connector.constants import FieldType

from cuboid.run.cells import Converter
from cuboid.types import Value


def _time(cell: str) -> datetime | None:
    """None for the zero date and for days that never were (2020-00-00)."""
    try:
        return datetime.fromisoformat(cell)
    except ValueError:
        return None


INTEGERS = (
    FieldType.TINY,
    FieldType.SHORT,
    FieldType.INT24,
    FieldType.LONG,
    FieldType.LONGLONG,
    FieldType.YEAR,
)
READERS: Mapping[int, Callable[[str], Value]] = {
    **dict.fromkeys(INTEGERS, int),
    **dict.fromkeys((FieldType.FLOAT, FieldType.DOUBLE), float),
    **dict.fromkeys((FieldType.DECIMAL, FieldType.NEWDECIMAL), Decimal),
    **dict.fromkeys((FieldType.DATE, FieldType.DATETIME, FieldType.TIMESTAMP), _time),
    FieldType.TIME: str,
    FieldType.JSON: json.loads,
}
"""What makes values of the texts of a type; texts and bytes have none."""

BINARY = 63
"""The character set of columns that hold bytes, not text."""


def special(type: int, *, boolean: bool) -> Converter | None:
    """What makes semantic values of cells, read or not, of which the type alone does not tell the meaning.

    :param boolean: the column is meant to be a truth value. These engines have no such type: BOOLEAN is TINYINT(1),
        which is also what many write for small numbers. So a number is a truth value where the model says so.
    """
    if type == FieldType.BIT:
        return any if boolean else int.from_bytes
    return _truth if boolean and READERS.get(type) in (int, float, Decimal) else None


def _truth(cell: str | bytes | float | Decimal) -> bool:
    return float(cell) != 0
