"""Filters: every operator of the query format, by three-valued logic over Python values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from tests.oracle.expressions import Value, compare, truth_and, truth_or
from tests.oracle.members import Shift
from tests.oracle.times import MILLISECOND, comparable, earliest, read_civil
from tests.oracle.world import TimeKind, World

Item = Mapping[str, Any]
ValueOf = Callable[[str], Value]

STRINGS: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda text, part: part in text,
    "startsWith": lambda text, part: text.startswith(part),
    "endsWith": lambda text, part: text.endswith(part),
}
NEGATED_STRINGS = {"notContains": "contains", "notStartsWith": "startsWith", "notEndsWith": "endsWith"}
COMPARISONS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def flatten(items: Sequence[Item]) -> Iterator[Item]:
    """The elements of a list whose meaning is AND; nested ``and`` groups are part of it, and an ``or`` of one
    item is that item."""
    for item in items:
        if "and" in item:
            yield from flatten(item["and"])
        elif len(item.get("or", ())) == 1:
            yield from flatten(item["or"])
        elif item.get("or") != []:
            yield item


def members(item: Item) -> Iterator[str]:
    """The members that a filter or a group names."""
    for group in ("and", "or"):
        for child in item.get(group, ()):
            yield from members(child)
    if "member" in item:
        yield item["member"]


class RefusedError(Exception):
    """The question has no one meaning, so the planner must refuse it as unsupported."""


@dataclass(frozen=True, slots=True)
class FilterReader:
    """Decides filters for one world in one zone. ``shifts``: what moves the times of rows, the outermost first."""

    world: World
    zone: str
    shifts: tuple[Shift, ...] = ()

    def holds(self, item: Item, value_of: ValueOf) -> bool | None:
        """The truth of a filter or group, where ``value_of`` gives members their values (times: raw)."""
        return self.test(item)(value_of)

    def test(self, item: Item) -> Callable[[ValueOf], bool | None]:
        """The filter or group, its values read. Raises RefusedError, rule 8."""
        if "constant" in item:
            constant: bool = item["constant"]
            return lambda value_of: constant
        if "and" in item or "or" in item:
            truth = truth_and if "and" in item else truth_or
            tests = [self.test(child) for child in item.get("and", item.get("or", ()))]
            return lambda value_of: truth(test(value_of) for test in tests)
        name, decide = item["member"], self._leaf(item)
        return lambda value_of: decide(value_of(name))

    def _leaf(self, item: Item) -> Callable[[Value], bool | None]:
        operator, values = item["operator"], list(item.get("values") or ())
        if operator == "set":
            return lambda value: value is not None
        if operator == "notSet":
            return lambda value: value is None
        name = item["member"]
        dimension = self.world.dimension(name)
        kind = dimension.type if dimension is not None else "number"
        if kind == "time" and operator not in ("equals", "notEquals", "in", "notIn"):
            return self._date(name, operator, values)
        given = [self._typed(name, kind, text) for text in values if text is not None]
        plain = self._plain(name, kind)
        if operator in COMPARISONS:
            return lambda value: compare(COMPARISONS[operator], plain(value), given[0])
        return lambda value: _membership(operator, given, None in values, plain(value))

    def _plain(self, member: str, kind: str) -> Callable[[Value], Value]:
        if kind != "time":
            return lambda value: value
        time_kind = self._time_kind(member)
        return lambda value: None if value is None else comparable(value, time_kind)  # type: ignore[arg-type]

    def _time_kind(self, member: str) -> TimeKind:
        dimension = self.world.dimension(member)
        assert dimension is not None
        return dimension.time_kind

    def _typed(self, member: str, kind: str, text: str) -> Value:
        if kind == "number":
            return Decimal(text)
        if kind == "boolean":
            return {"true": True, "false": False, "1": True, "0": False}[text.lower()]
        if kind == "time":
            if any(shift.span.months for shift in self._shifts_of(member)):
                raise RefusedError(f"{member} is shifted by months and compared with an instant")
            return self._instant(member, read_civil(text, end=False))
        return text

    def _date(self, member: str, operator: str, values: Sequence[str]) -> Callable[[Value], bool | None]:
        start = self._instant(member, read_civil(values[0], end=False))
        end = self._instant(member, read_civil(values[-1], end=True) + MILLISECOND)
        plain = self._plain(member, "time")

        def decide(value: Value) -> bool | None:
            return None if value is None else _date_holds(operator, start, end, plain(value))  # type: ignore[arg-type]

        return decide

    def _instant(self, member: str, civil: datetime) -> datetime:
        """What raw cells are compared with, so that a row is not before it if its (shifted) wall clock is not before
        ``civil``: the shifts undone, the outermost first; then the first instant that shows the time."""
        for shift in self._shifts_of(member):
            if shift.span.months and civil != civil.replace(hour=0, minute=0, second=0, microsecond=0):
                raise RefusedError(f"{member} is shifted by months and compared with a time within a day")
            civil = shift.span.first_not_before(civil)
        return civil if self._time_kind(member) == "date" else earliest(civil, self.zone)

    def _shifts_of(self, member: str) -> list[Shift]:
        return [shift for shift in self.shifts if shift.member in (None, member)]


def _date_holds(operator: str, start: datetime, end: datetime, at: datetime) -> bool:
    """``start`` is the value's first millisecond, ``end`` the one after its last."""
    if operator in ("inDateRange", "onTheDate"):
        return start <= at < end
    if operator == "notInDateRange":
        return at < start or at >= end
    if operator == "beforeDate":
        return at < start
    if operator == "afterOrOnDate":
        return at >= start
    if operator == "beforeOrOnDate":
        return at < end
    assert operator == "afterDate", operator
    return at >= end


def _membership(operator: str, given: Sequence[Value], null_given: bool, value: Value) -> bool | None:
    """equals/in/contains and their negations; a NULL satisfies the positive ones iff null is among the
    values, the negative ones iff it is not."""
    positive = operator in ("equals", "in") or operator in STRINGS
    if not given and not positive and operator in NEGATED_STRINGS:
        return True  # only null: no condition at all
    if value is None:
        return True if positive == null_given else None
    if not given:
        return not positive  # only null: IS NULL, or IS NOT NULL
    if operator in ("equals", "in", "notEquals", "notIn"):
        return (value in given) is positive
    assert isinstance(value, str)
    test = STRINGS[NEGATED_STRINGS.get(operator, operator)]
    return any(test(value.lower(), str(part).lower()) for part in given) is positive


__all__ = ["FilterReader", "RefusedError", "flatten", "members"]
