"""What a column really holds, found from its values: a store needs a type before it can keep them exactly.

A column begins as ``nothing`` and widens with what streams by. Each kind keeps all values of the kinds that it covers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from cuboid.types import SemanticType, Value

KindName = Literal["nothing", "boolean", "integer", "decimal", "float", "time", "text", "json"]

MOST_DIGITS = 38
"""Digits that the decimals of databases hold; numbers with more become floating point."""

_NUMBERS = ("integer", "decimal", "float")

_NATIVE: Mapping[str, frozenset[type]] = {
    "nothing": frozenset(),
    "boolean": frozenset({bool}),
    "integer": frozenset({int}),
    "float": frozenset({float}),
    "time": frozenset({datetime}),
    "text": frozenset({str}),
}
"""Types whose values are as their kind has them already."""


@dataclass(frozen=True, slots=True)
class Kind:
    """``digits`` before the point and ``scale`` after it are those of the longest number; 0 for what is none."""

    name: KindName = "nothing"
    digits: int = 0
    scale: int = 0

    def __or__(self, other: Kind) -> Kind:
        """The kind that covers both."""
        if other.name == "nothing":
            return self
        if self.name == "nothing":
            return other
        digits, scale = max(self.digits, other.digits), max(self.scale, other.scale)
        names = {self.name, other.name}
        if names <= set(_NUMBERS):
            if "float" in names or digits + scale > MOST_DIGITS:
                return Kind("float", digits, scale)
            return Kind("decimal" if "decimal" in names else "integer", digits, scale)
        if len(names) == 1:
            return self
        return Kind("json") if "json" in names else Kind("text")


NOTHING = Kind()


def kind_of(cells: Sequence[Value], meant: SemanticType) -> Kind:
    """The kind that covers the cells, NULLs left out.

    :param meant: what the column means: a text stays a text though a database keeps it as a number.
    """
    found = NOTHING
    for each in {*map(type, cells)} - {None.__class__}:
        found |= _kind_of_type(each, cells)
    if meant == "string" and found.name in _NUMBERS:
        return Kind("text")
    if meant == "boolean" and found.name == "integer" and {*cells} <= {None, 0, 1}:
        return Kind("boolean")
    if meant == "time" and found.name == "text" and all(_moment(each) is not None for each in cells if each):
        return Kind("time")
    return found


def as_kind(cells: Sequence[Value], kind: Kind) -> list[Any]:
    """The cells as the kind has them: ``bool``, ``int``, ``Decimal`` as its digits in text (as databases read them
    without loss), ``float``, zoneless ``datetime``, ``str``; JSON as its text."""
    types = {*map(type, cells)} - {None.__class__}
    if types <= _NATIVE.get(kind.name, frozenset()):
        return list(cells)
    if types == {Decimal} and kind.name == "decimal":
        texts = [each if each is None else str(each) for each in cells]
        if not _is_unusual("".join(filter(None, texts))):
            return texts
    convert = _CONVERT[kind.name]
    return [None if each is None else convert(each) for each in cells]


def _kind_of_type(type: type, cells: Sequence[Value]) -> Kind:
    if type is bool:
        return Kind("boolean")
    if issubclass(type, str):
        return Kind("text")
    if issubclass(type, date):
        return Kind("time")
    if issubclass(type, int):
        whole = [each for each in cells if each.__class__ is type]
        longest = max(abs(min(whole)), abs(max(whole)))
        return _number(len(str(longest)), 0)
    if issubclass(type, float):
        return Kind("float")
    if issubclass(type, Decimal):
        return _decimals([each for each in cells if isinstance(each, Decimal)])
    return Kind("json")


def _decimals(cells: Sequence[Decimal]) -> Kind:
    texts = list(map(str, cells))
    if _is_unusual("".join(texts)):
        if not all(cell.is_finite() for cell in cells):
            return Kind("float")
        texts = [format(cell, "f") for cell in cells]
    points = [text.find(".") for text in texts]
    scale = max(len(text) - point - 1 if point >= 0 else 0 for text, point in zip(texts, points, strict=True))
    longest = max(cells, key=abs)
    digits = len(format(longest, "f").partition(".")[0].lstrip("-0"))
    return _number(digits, scale) if digits + scale > MOST_DIGITS else Kind("decimal", digits, scale)


def _is_unusual(texts: str) -> bool:
    """Whether one of the decimals has an exponent, or is NaN or an infinity."""
    return "E" in texts or "N" in texts or "I" in texts


def _number(digits: int, scale: int) -> Kind:
    return Kind("float" if digits + scale > MOST_DIGITS else "integer", digits, scale)


def _moment(cell: Any) -> datetime | None:
    """The wall time that is written in a text."""
    if isinstance(cell, datetime):
        return cell
    if isinstance(cell, date):
        return datetime(cell.year, cell.month, cell.day)
    try:
        return datetime.fromisoformat(str(cell)).replace(tzinfo=None)
    except ValueError:
        return None


def _text(cell: Any) -> str:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, Decimal):
        return format(cell, "f")
    if isinstance(cell, float):
        return format(Decimal(repr(cell)), "f").removesuffix(".0") if math.isfinite(cell) else repr(cell)
    if isinstance(cell, datetime):
        return cell.isoformat(timespec="milliseconds")
    return str(cell)


def _digits(cell: Any) -> str:
    return format(cell, "f") if isinstance(cell, Decimal) else str(cell)


def _json(cell: Any) -> str:
    import json

    return json.dumps(cell)


def _float(cell: Any) -> float:
    try:
        return float(cell)
    except OverflowError:
        return math.inf if cell > 0 else -math.inf


_CONVERT: dict[KindName, Any] = {
    "nothing": lambda cell: cell,
    "boolean": bool,
    "integer": int,
    "decimal": _digits,
    "float": _float,
    "time": _moment,
    "text": _text,
    "json": _json,
}
