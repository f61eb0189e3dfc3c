"""Cells to wire values: how each kind of value is written in JSON.

Numbers are strings (``5`` -> ``"5"``, ``10.0`` -> ``"10"``, never an exponent), truth values and NULL are
JSON's own, arrays and objects of JSON columns pass through, times are ``YYYY-MM-DDTHH:mm:ss.SSS`` without a
zone, further digits cut off. A float or decimal that is no number (NaN, Infinity) becomes null: JSON has no such
numbers, and clients read every other text of a number column with ``parseFloat``.

Converters work on whole columns: the value types that occur are collected first (one pass in C), and one
loop for just these types does the rest.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

import orjson

from cuboid.errors import InternalError
from cuboid.types import Nested, SemanticType, Value

WireValue = str | bool | int | float | Nested | None
"""Numbers only where a client asks for them: see :func:`number_column`."""

EXACT_INTEGER = 2**53
EXACT_DIGITS = 15
"""What every double keeps: whole numbers up to this, and so many decimal digits."""

TYPE_OF_NULL = None.__class__

TIME_TEXT = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)[T ](?P<time>\d\d:\d\d:\d\d)(?:\.(?P<fraction>\d+))?"
    r"(?: ?UTC|Z| ?[+-]\d\d(?::?\d\d)?)?\Z"
)
"""A time as databases without a native type write it: the wall time is kept, an offset is dropped."""


def wire_column(cells: Sequence[Value], type: SemanticType, name: str) -> list[WireValue]:
    """One column's wire values, in order.

    :param type: what the column means; text is read as time only in a ``time`` column.
    :param name: names the column in the error.

    Raises :class:`InternalError` for a value that no driver may deliver.
    """
    kinds = {cell.__class__ for cell in cells}
    has_null = TYPE_OF_NULL in kinds
    kinds.discard(TYPE_OF_NULL)
    if len(kinds) > 1:
        return [_wire_cell(cell, type, name) for cell in cells]
    if not kinds:
        return [None] * len(cells)
    (kind,) = kinds
    if kind is bool or kind is list or kind is dict or (kind is str and type != "time"):
        return list(cells)  # type: ignore[arg-type]
    convert = COLUMN_CONVERTERS.get(kind)
    if convert is None:
        convert = partial(map, _converter(kind, type, name))
    if not has_null:
        return list(convert(cells))
    written = iter(convert([cell for cell in cells if cell is not None]))
    return [None if cell is None else next(written) for cell in cells]


def wire_integers(cells: Sequence[int]) -> Iterable[str]:
    """Whole numbers, by way of one JSON text of all: half the time of one by one."""
    try:
        return orjson.dumps(cells)[1:-1].decode().split(",")
    except TypeError:  # of more than 64 bits
        return map(str, cells)


def wire_times(cells: Sequence[datetime]) -> Iterable[str]:
    """Times as :func:`wire_time` has them, by way of one JSON text of all: a sixth of the time."""
    texts = orjson.dumps(cells)[2:-2].decode()
    if "+" in texts or texts.count("-") != 2 * len(cells):  # a driver has left zones in
        return map(wire_time, cells)
    return [text[:23] if len(text) > 19 else f"{text}.000" for text in texts.split('","')]


def number_column(cells: Sequence[Value], type: SemanticType, name: str) -> list[WireValue]:
    """One column's values as JSON numbers, for clients that ask for them.

    A number whose digits a double does not keep (whole numbers beyond 2^53, decimals of more than 15 digits) stays
    a text: who reads JSON into doubles would lose them without a word.
    """
    return [_number(cell, wire) for cell, wire in zip(cells, wire_column(cells, type, name), strict=True)]


def _number(cell: Value, wire: WireValue) -> WireValue:
    match cell:
        case bool() | None:
            return wire
        case int():
            return cell if abs(cell) <= EXACT_INTEGER else wire
        case float():
            return cell + 0.0 if math.isfinite(cell) else None
        case Decimal() if isinstance(wire, str):
            digits = wire.lstrip("-").replace(".", "").lstrip("0")
            return float(wire) if len(digits) <= EXACT_DIGITS else wire
    return wire


def wire_float(value: float) -> str | None:
    """The shortest decimal text that reads back as ``value``, without exponent; null for NaN and Infinity."""
    text = repr(value)
    if text.endswith(".0"):
        # -0.0 is written 0: which zero a sum ends on depends on the engine's order of rows.
        return "0" if text == "-0.0" else text[:-2]
    if "e" not in text and "n" not in text:
        return text
    return format(Decimal(text), "f") if math.isfinite(value) else None


def wire_decimal(value: Decimal) -> str | None:
    """The decimal's own digits, trailing zeros included, without exponent; null for NaN and Infinity."""
    text = str(value)
    if "E" not in text and "N" not in text and "I" not in text:
        return text
    return format(value, "f") if value.is_finite() else None


def wire_time(value: datetime) -> str:
    """``YYYY-MM-DDTHH:mm:ss.SSS``: the wall time, cut to milliseconds."""
    return value.replace(tzinfo=None).isoformat(timespec="milliseconds")


def wire_date(value: date) -> str:
    """The date's midnight in the form of a time."""
    return f"{value.isoformat()}T00:00:00.000"


def wire_time_text(value: str) -> str:
    """A database's text of a time in the wire's form; text that is none passes unchanged."""
    match = TIME_TEXT.match(value)
    if match is None:
        return value
    fraction = (match["fraction"] or "")[:3].ljust(3, "0")
    return f"{match['date']}T{match['time']}.{fraction}"


def _wire_cell(cell: Value, type: SemanticType, name: str) -> WireValue:
    """One cell of a column in which several types of value occur."""
    if cell is None or isinstance(cell, (bool, list, dict)) or (isinstance(cell, str) and type != "time"):
        return cell
    return _converter(cell.__class__, type, name)(cell)


CONVERTERS: dict[type, Callable[..., str | None]] = {
    int: str,
    float: wire_float,
    Decimal: wire_decimal,
    datetime: wire_time,
    date: wire_date,
}

COLUMN_CONVERTERS: dict[type, Callable[[Sequence[Any]], Iterable[str]]] = {
    int: wire_integers,
    datetime: wire_times,
}
"""What is quicker for many."""


def _converter(kind: type, type: SemanticType, name: str) -> Callable[..., str | None]:
    if kind is str:
        return wire_time_text
    converter = CONVERTERS.get(kind)
    if converter is None:
        raise InternalError(
            f"The driver delivered a {kind.__name__} in column {name!r} ({type}).",
            hint="Drivers convert native types to None, bool, int, float, Decimal, str, date, datetime, list or dict.",
        )
    return converter
