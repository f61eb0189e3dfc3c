"""Values of filters: from the texts of the wire to what a statement's parameters hold."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from cuboid.catalog.model import Dimension, Measure
from cuboid.errors import InvalidQuery
from cuboid.query.dates import point
from cuboid.query.model import Slot, Values
from cuboid.types import ParameterType, Scalar, SemanticType, TimeKind

_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,4})?", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
_TRUTH = {"true": True, "1": True, "false": False, "0": False}

# The widest exact type that every engine has; beyond it a value is compared as an approximate number.
_EXACT_DIGITS = 38
_LONGEST_NUMBER = 400  # the largest float has 309 digits


@dataclass(slots=True)
class Slots:
    """Collects the values of a question and hands out their places, in order."""

    values: list[Scalar] = field(default_factory=list)
    civil: dict[int, datetime] = field(default_factory=dict)

    def add(self, value: Scalar, type: ParameterType) -> Slot:
        """Keeps ``value`` and returns its slot."""
        self.values.append(value)
        return Slot(len(self.values) - 1, type)

    def add_time(self, value: Scalar, civil: datetime, kind: TimeKind) -> Slot:
        """Keeps a time that is compared with columns of that kind, and what it is on the wall clock."""
        slot = self.add(value, kind)
        self.civil[slot.index] = civil
        return slot

    def taken(self) -> Values:
        """The values so far."""
        return Values(self.values, self.civil)


def semantic_type(member: Dimension | Measure) -> SemanticType:
    """What the member's values mean."""
    return member.value_type if isinstance(member, Measure) else member.type


def time_kind(member: Dimension | Measure) -> TimeKind:
    """What a time member's SQL holds; a measure's is zoneless UTC."""
    return member.time_kind if isinstance(member, Dimension) else "utc"


def parameter_type(member: Dimension | Measure) -> ParameterType:
    """How values that are compared with the member are typed in SQL."""
    type = semantic_type(member)
    return time_kind(member) if type == "time" else type


def typed(text: str, member: Dimension | Measure, zone: ZoneInfo, path: str) -> Scalar:
    """``text`` as a value to compare with ``member``; times are civil in ``zone``.

    Raises :class:`InvalidQuery` that names the member and the value.
    """
    type = semantic_type(member)
    if type == "string":
        return text
    if type == "time":
        return _time(text, member, zone, path)
    value = _number(text.strip()) if type == "number" else _TRUTH.get(text.strip().lower())
    if value is None:
        expected = "a number" if type == "number" else "true or false"
        shown = text if len(text) <= 100 else f"{text[:100]}…"
        raise InvalidQuery(f"'{shown}' is not {expected}, as {member.full_name} needs", path=path)
    return value


def _time(text: str, member: Dimension | Measure, zone: ZoneInfo, path: str) -> datetime:
    return point(text, zone, time_kind(member), path=path)


def _number(text: str) -> int | Decimal | float | None:
    """An int where the text is one, else an exact Decimal, or a float if it is too wide for any exact type."""
    if len(text) > _LONGEST_NUMBER or not _NUMBER.fullmatch(text):
        return None
    if _INTEGER.fullmatch(text) and len(text.lstrip("+-0")) <= _EXACT_DIGITS:
        return int(text)
    number = Decimal(text)
    _, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int), "the pattern has neither NaN nor infinity"
    if max(len(digits), len(digits) + exponent, -exponent) <= _EXACT_DIGITS:
        return int(number) if exponent > 0 else number
    approximate = float(number)
    return approximate if math.isfinite(approximate) else None
