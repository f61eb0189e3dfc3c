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
from zoneinfo import ZoneInfo

from sqlglot import exp

from cuboid.query.dates import bound
from cuboid.query.model import Slot, Values
from cuboid.query.shifts import unshifted
from cuboid.sql.bins import BinUse, read_bin
from cuboid.sql.dialect import Dialect, PlaceholderStyle
from cuboid.types import Column, Interval, ParameterType, Scalar, Statement, TimeKind

Pattern = Literal["plain", "contains", "prefix", "suffix", "last", "civil"]

_MICROSECOND = timedelta(microseconds=1)

_MARK = re.compile(r"__cuboid_slot_(\d+)_([a-z]+)_([a-z]+)_([a-z0-9]*)__|__cuboid_bin_([a-z0-9_]+?)__")


def slot_mark(slot: Slot, pattern: Pattern = "plain") -> exp.Expr:
    """What stands for a slot in a tree; ``pattern`` says how its value becomes a LIKE pattern, or of an exclusive end
    of time the ``last`` moment before it, or of any time what it is on the wall clock (``civil``, typed as a date)."""
    return exp.var(f"__cuboid_slot_{slot.index}_{slot.type}_{pattern}_{_written(slot.shifts)}__")


def has_slots(tree: exp.Expr) -> bool:
    """Whether a value of the request stands in the tree."""
    return any(each.name.startswith("__cuboid_slot_") for each in tree.find_all(exp.Var))


@dataclass(frozen=True, slots=True)
class SlotUse:
    """One place of a slot in the text."""

    index: int
    type: ParameterType
    pattern: Pattern
    shifts: tuple[Interval, ...] = ()

    def value(self, values: Sequence[Scalar], zone: str) -> Scalar:
        """What is bound here. Raises :class:`UnsupportedFeature` for a time that the shifts do not allow."""
        if self.pattern == "civil":
            assert isinstance(values, Values)
            return values.civil[self.index]
        if not self.shifts:
            return _value(values[self.index], self.pattern)
        assert isinstance(values, Values)
        kind: TimeKind = self.type  # type: ignore[assignment]  # times only have shifts
        moved = unshifted(values.civil[self.index], self.shifts)
        return _value(bound(moved, ZoneInfo(zone), kind), self.pattern)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A rendered statement with open slots, shared by all questions of one shape.

    :param cubes: whose rows it reads, in order of their names.
    """

    parts: tuple[str | SlotUse | BinUse, ...]
    placeholders: PlaceholderStyle
    parameter_type: Callable[[Scalar], str]
    columns: tuple[Column, ...]
    data_source: str
    timezone: str = "UTC"
    cubes: tuple[str, ...] = ()

    def bind(self, values: Sequence[Scalar]) -> Statement:
        """The statement for these values."""
        text: list[str] = []
        parameters: list[Scalar] = []
        for part in self.parts:
            if isinstance(part, str):
                text.append(part)
            elif isinstance(part, BinUse):
                text.append(str(part.offset(values)))
            elif part.type == "integer":
                text.append(str(int(values[part.index])))  # type: ignore[arg-type]  # an int by its slot's type
            else:
                value = part.value(values, self.timezone)
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
            _wire(part.value(values, self.timezone), part.type)
            for part in self.parts
            if isinstance(part, SlotUse) and part.type != "integer"
        ]


def prepare(
    text: str, dialect: Dialect, columns: tuple[Column, ...], data_source: str, timezone: str = "UTC"
) -> Prepared:
    """Cuts text that was rendered in ``dialect`` at its slot marks."""
    style = dialect.placeholders
    parts: list[str | SlotUse | BinUse] = []
    position = 0
    for mark in _MARK.finditer(text):
        parts.append(_literal(text[position : mark.start()], style))
        index, type_, pattern, shifts, bin_ = mark.groups()
        if bin_ is not None:
            parts.append(read_bin(bin_))
        else:
            parts.append(SlotUse(int(index), type_, pattern, _read(shifts)))  # type: ignore[arg-type]  # slot_mark's
        position = mark.end()
    parts.append(_literal(text[position:], style))
    return Prepared(tuple(parts), style, dialect.parameter_type, columns, data_source, timezone)


def _written(shifts: Sequence[Interval]) -> str:
    """Intervals as part of a mark: ``1m0s`` for a month, ``n`` for a minus."""
    return "".join(f"{each.months}m{each.seconds}s" for each in shifts).replace("-", "n")


def _read(written: str) -> tuple[Interval, ...]:
    pairs = re.findall(r"(n?\d+)m(n?\d+)s", written)
    return tuple(Interval(int(m.replace("n", "-")), int(s.replace("n", "-"))) for m, s in pairs)


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
