"""From a rendered statement and a question's values to SQL and parameters.

Rendering leaves each slot as a mark in the text; :class:`Prepared` is the text cut at the marks. Binding fills
it: values become placeholders in the dialect's style, LIMIT and OFFSET (integers by construction) become digits.
Nothing a client sends is ever part of the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from sqlglot import exp

from cuboid.query.model import Slot
from cuboid.sql.dialect import Dialect, PlaceholderStyle
from cuboid.types import Column, ParameterType, Scalar, Statement

Pattern = Literal["plain", "contains", "prefix", "suffix", "last"]

_MICROSECOND = timedelta(microseconds=1)

_MARK = re.compile(r"__cuboid_slot_(\d+)_([a-z]+)_([a-z]+)__")


def slot_mark(slot: Slot, pattern: Pattern = "plain") -> exp.Expr:
    """What stands for a slot in a tree; ``pattern`` says how its value becomes a LIKE pattern, or of an exclusive end
    of time the ``last`` moment before it."""
    return exp.var(f"__cuboid_slot_{slot.index}_{slot.type}_{pattern}__")


@dataclass(frozen=True, slots=True)
class SlotUse:
    """One place of a slot in the text."""

    index: int
    type: ParameterType
    pattern: Pattern


@dataclass(frozen=True, slots=True)
class Prepared:
    """A rendered statement with open slots, shared by all questions of one shape."""

    parts: tuple[str | SlotUse, ...]
    placeholders: PlaceholderStyle
    parameter_type: Callable[[Scalar], str]
    columns: tuple[Column, ...]
    data_source: str

    def bind(self, values: Sequence[Scalar]) -> Statement:
        """The statement for these values."""
        text: list[str] = []
        parameters: list[Scalar] = []
        for part in self.parts:
            if isinstance(part, str):
                text.append(part)
            elif part.type == "integer":
                text.append(str(int(values[part.index])))  # type: ignore[arg-type]  # an int by its slot's type
            else:
                value = _value(values[part.index], part.pattern)
                parameters.append(value)
                text.append(self._placeholder(len(parameters), value))
        return Statement("".join(text), tuple(parameters), self.columns)

    def _placeholder(self, number: int, value: Scalar) -> str:
        match self.placeholders:
            case "dollar":
                return f"${number}"
            case "format":
                return "%s"
            case "typed":
                return f"{{p{number}:{self.parameter_type(value)}}}"
            case "qmark":
                return "?"

    def wire_parameters(self, values: Sequence[Scalar]) -> list[str | bool | None]:
        """The parameters as ``/v1/sql`` shows them: texts, instants as ``YYYY-MM-DDTHH:mm:ss.SSSZ``."""
        return [
            _wire(_value(values[part.index], part.pattern), part.type)
            for part in self.parts
            if isinstance(part, SlotUse) and part.type != "integer"
        ]


def prepare(text: str, dialect: Dialect, columns: tuple[Column, ...], data_source: str) -> Prepared:
    """Cuts text that was rendered in ``dialect`` at its slot marks."""
    style = dialect.placeholders
    parts: list[str | SlotUse] = []
    position = 0
    for mark in _MARK.finditer(text):
        parts.append(_literal(text[position : mark.start()], style))
        index, type_, pattern = mark.groups()
        parts.append(SlotUse(int(index), type_, pattern))  # type: ignore[arg-type]  # written by slot_mark
        position = mark.end()
    parts.append(_literal(text[position:], style))
    return Prepared(tuple(parts), style, dialect.parameter_type, columns, data_source)


def _literal(text: str, style: PlaceholderStyle) -> str:
    return text.replace("%", "%%") if style == "format" else text


def _value(value: Scalar, pattern: Pattern) -> Scalar:
    if pattern == "plain":
        return value
    if pattern == "last":
        assert isinstance(value, datetime)
        return value - _MICROSECOND
    escaped = re.sub(r"([\\%_])", r"\\\1", str(value))
    return {"contains": f"%{escaped}%", "prefix": f"{escaped}%", "suffix": f"%{escaped}"}[pattern]


def _wire(value: Scalar, type_: ParameterType) -> str | bool | None:
    if isinstance(value, datetime):
        text = value.replace(tzinfo=None).isoformat(timespec="milliseconds")
        return text if type_ == "date" else f"{text}Z"
    if isinstance(value, Decimal):
        return format(value, "f")
    return value if value is None or isinstance(value, bool) else str(value)
