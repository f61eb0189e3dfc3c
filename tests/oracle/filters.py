"""Filters: every operator of the query format, by three-valued logic over Python values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from tests.oracle.expressions import Value, compare, truth_and, truth_or
from tests.oracle.times import bounds, comparable, earliest, read_civil
from tests.oracle.world import World

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


@dataclass(frozen=True, slots=True)
class FilterReader:
    """Decides filters for one world in one zone."""

    world: World
    zone: str

    def holds(self, item: Item, value_of: ValueOf) -> bool | None:
        """The truth of a filter or group, where ``value_of`` gives members their values (times: raw)."""
        if "and" in item:
            return truth_and(self.holds(child, value_of) for child in item["and"])
        if "or" in item:
            return truth_or(self.holds(child, value_of) for child in item["or"])
        return self._leaf(item, value_of(item["member"]))

    def _leaf(self, item: Item, value: Value) -> bool | None:
        operator, values = item["operator"], list(item.get("values") or ())
        if operator == "set":
            return value is not None
        if operator == "notSet":
            return value is None
        dimension = self.world.dimension(item["member"])
        kind = dimension.type if dimension is not None else "number"
        if kind == "time" and operator not in ("equals", "notEquals", "in", "notIn"):
            return self._date(item["member"], operator, values, value)
        given = [self._typed(item["member"], kind, text) for text in values if text is not None]
        if operator in COMPARISONS:
            return compare(COMPARISONS[operator], self._plain(item["member"], kind, value), given[0])
        return _membership(operator, given, None in values, self._plain(item["member"], kind, value))

    def _plain(self, member: str, kind: str, value: Value) -> Value:
        if value is None or kind != "time":
            return value
        dimension = self.world.dimension(member)
        assert dimension is not None
        return comparable(value, dimension.time_kind)  # type: ignore[arg-type]

    def _typed(self, member: str, kind: str, text: str) -> Value:
        if kind == "number":
            return Decimal(text)
        if kind == "boolean":
            return {"true": True, "false": False, "1": True, "0": False}[text.lower()]
        if kind == "time":
            dimension = self.world.dimension(member)
            assert dimension is not None
            civil = read_civil(text, end=False)
            return civil if dimension.time_kind == "date" else earliest(civil, self.zone)
        return text

    def _date(self, member: str, operator: str, values: Sequence[str], value: Value) -> bool | None:
        if value is None:
            return None
        dimension = self.world.dimension(member)
        assert dimension is not None
        start, end = bounds(values[0], values[-1], self.zone, dimension.time_kind)
        at = comparable(value, dimension.time_kind)  # type: ignore[arg-type]
        return _date_holds(operator, start, end, at)


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


__all__ = ["FilterReader", "flatten", "members"]
