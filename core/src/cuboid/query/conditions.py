"""Filters to conditions: names looked up, operators checked, values typed and put into slots.

Rows are restricted before aggregation where only dimensions are asked about, groups after it where measures are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

import orjson

from cuboid.catalog.model import Catalog, Dimension, Measure
from cuboid.errors import InvalidDateRange, InvalidQuery, UnsupportedFeature
from cuboid.query import dates, members, moments, operators
from cuboid.query.model import (
    Condition,
    Filter,
    FilterGroup,
    Junction,
    Operator,
    Predicate,
    Slot,
    predicates,
)
from cuboid.query.moments import CivilRange
from cuboid.query.values import Slots, parameter_type, semantic_type, time_kind, typed
from cuboid.types import TimeKind

FilterTree = Filter | FilterGroup


@dataclass(frozen=True, slots=True)
class Scope:
    """What filters are read against. ``now`` is aware."""

    catalog: Catalog
    zone: ZoneInfo
    now: datetime
    slots: Slots


def resolve(tree: FilterTree, scope: Scope) -> FilterTree:
    """The tree with its members and operators checked and dates in words replaced by the times they mean now."""
    if isinstance(tree, FilterGroup):
        return replace(tree, items=tuple(resolve(item, scope) for item in tree.items))
    member = members.filterable(scope.catalog, tree.member, f"{tree.path}.member")
    _check_operator(tree, member)
    if tree.operator in operators.RANGES or tree.operator in operators.BEFORE_OR_AFTER:
        return _resolve_dates(tree, scope)
    return tree


def condition(tree: FilterTree, scope: Scope) -> Condition | None:
    """The condition that a resolved tree stands for; None if it restricts nothing."""
    if isinstance(tree, Filter):
        return _predicate(tree, scope)
    items = tuple(built for item in tree.items if (built := condition(item, scope)) is not None)
    if len(items) <= 1:
        return items[0] if items else None
    return Junction(tree.operator, items)


def split(
    conditions: Iterable[Condition], catalog: Catalog, selected: Sequence[str]
) -> tuple[tuple[Condition, ...], tuple[Condition, ...]]:
    """Row conditions and group conditions of AND-ed ``conditions``.

    An ``or`` over both kinds restricts groups, so its dimensions must be ``selected``. Raises :class:`InvalidQuery`.
    """
    rows: list[Condition] = []
    groups: list[Condition] = []
    for item in _conjuncts(conditions):
        names = dict.fromkeys(each.member for each in predicates(item) if each.operator != "measure_filter")
        dimensions = [name for name in names if isinstance(catalog.member(name), Dimension)]
        if len(dimensions) == len(names):
            rows.append(item)
            continue
        if any(each.operator == "measure_filter" for each in predicates(item)):
            raise InvalidQuery(
                "Operator 'measureFilter' tests rows, so it cannot stand in one `or` with conditions on measures",
                path="filters",
                hint="Use it in a filter of its own; filters beside each other must all hold.",
            )
        if absent := [name for name in dimensions if name not in selected]:
            raise InvalidQuery(
                f"An `or` over measures and dimensions is evaluated over the result's rows, so {absent[0]} must be "
                "among the query's dimensions",
                path="filters",
                hint=f"Add '{absent[0]}' to `dimensions`, or filter measures and dimensions in separate filters.",
            )
        groups.append(item)
    return tuple(rows), tuple(groups)


def _conjuncts(conditions: Iterable[Condition]) -> Iterator[Condition]:
    for item in conditions:
        if isinstance(item, Junction) and item.operator == "and":
            yield from _conjuncts(item.items)
        else:
            yield item


def _check_operator(leaf: Filter, member: Dimension | Measure) -> None:
    type = semantic_type(member)
    available: tuple[str, ...] = operators.AVAILABLE[type]
    if isinstance(member, Measure):
        available = (*available, "measureFilter")
    if leaf.operator not in available:
        raise InvalidQuery(
            f"Operator '{leaf.operator}' is not available for {leaf.member}, which is of type {type}; "
            f"available are: {', '.join(available)}",
            path=f"{leaf.path}.operator",
        )


def _resolve_dates(leaf: Filter, scope: Scope) -> Filter:
    path = f"{leaf.path}.values"
    texts = [text for text in leaf.values or () if text is not None]
    if not texts or len(texts) < len(leaf.values or ()):
        raise InvalidDateRange(f"Operator '{leaf.operator}' takes dates, not null", path=path)
    is_range = leaf.operator in operators.RANGES
    if is_range and len(texts) > 2:
        raise InvalidDateRange(
            f"Operator '{leaf.operator}' takes one or two dates, not {len(texts)}", path=path
        )
    if all(moments.looks_absolute(text) for text in texts):
        return leaf
    if len(texts) > 1:
        raise InvalidDateRange(
            "Relative-date strings are only supported when `values` has a single element for operator "
            f"`{leaf.operator}`. Pass an absolute two-element [start, end] pair, or a single relative string like "
            f'["last 2 weeks"]. Got: {orjson.dumps(texts).decode()}',
            path=path,
        )
    start, end = dates.parse_range(texts[0], scope.zone, scope.now, path=f"{path}[0]").wire
    if is_range:
        return replace(leaf, values=(start, end))
    return replace(leaf, values=(start if operators.BEFORE_OR_AFTER[leaf.operator][0] == "start" else end,))


def _predicate(leaf: Filter, scope: Scope) -> Condition | None:
    member = members.filterable(scope.catalog, leaf.member, f"{leaf.path}.member")
    if leaf.operator == "measureFilter":
        return Predicate(leaf.member, "measure_filter") if _has_row_filters(member, scope.catalog) else None
    if leaf.operator in operators.PRESENCE:
        return Predicate(leaf.member, operators.PRESENCE[leaf.operator])
    if leaf.operator in operators.RANGES or leaf.operator in operators.BEFORE_OR_AFTER:
        return _date_predicate(leaf, member, scope)
    values = leaf.values or ()
    texts = [(index, text) for index, text in enumerate(values) if text is not None]
    if leaf.operator in operators.COMPARISONS:
        if not texts:
            raise InvalidQuery(
                f"Operator '{leaf.operator}' on {leaf.member} needs a value that is not null",
                path=f"{leaf.path}.values",
            )
        texts = texts[:1]
    has_null = len(texts) < len(values)

    def built(operator: Operator, or_null: bool) -> Predicate:
        slots = tuple(_slot(text, member, f"{leaf.path}.values[{index}]", scope) for index, text in texts)
        return Predicate(leaf.member, operator, slots, or_null)

    name = leaf.operator
    if name in operators.COMPARISONS:
        return built(operators.COMPARISONS[name], or_null=False)
    if name in operators.POSITIVE:
        return built(operators.POSITIVE[name], or_null=has_null)
    if name in operators.NEGATIVE:
        return (
            built(operators.NEGATIVE[name], or_null=not has_null) if texts else Predicate(leaf.member, "set")
        )
    if name in operators.POSITIVE_TEXT:
        if not texts:
            return Predicate(leaf.member, "not_set")
        return built(operators.POSITIVE_TEXT[name], or_null=has_null)
    return built(operators.NEGATIVE_TEXT[name], or_null=not has_null) if texts else None


def _date_predicate(leaf: Filter, member: Dimension | Measure, scope: Scope) -> Predicate:
    """All values are absolute by now (see :func:`resolve`)."""
    kind = time_kind(member)
    texts = tuple(text for text in leaf.values or () if text is not None)
    path = f"{leaf.path}.values"
    if leaf.operator in operators.RANGES:
        civil = dates.parse_range(texts, scope.zone, scope.now, path=path)
        return Predicate(leaf.member, operators.RANGES[leaf.operator], range_slots(civil, kind, scope))
    start, end = dates.half_open(dates.parse_range(texts[:1], scope.zone, scope.now, path=path))
    which, operator = operators.BEFORE_OR_AFTER[leaf.operator]
    return Predicate(leaf.member, operator, (_bound_slot(start if which == "start" else end, kind, scope),))


def range_slots(civil: CivilRange, kind: TimeKind, scope: Scope) -> tuple[Slot, Slot]:
    """Slots of the half-open bounds of a range for columns of that kind."""
    start, end = dates.half_open(civil)
    return _bound_slot(start, kind, scope), _bound_slot(end, kind, scope)


def _bound_slot(civil: datetime, kind: TimeKind, scope: Scope) -> Slot:
    return scope.slots.add_time(dates.bound(civil, scope.zone, kind), civil, kind)


def _slot(text: str, member: Dimension | Measure, path: str, scope: Scope) -> Slot:
    value = typed(text, member, scope.zone, path)
    if semantic_type(member) != "time":
        return scope.slots.add(value, parameter_type(member))
    return scope.slots.add_time(value, dates.on_wall_clock(text, scope.zone), time_kind(member))


def _has_row_filters(member: Dimension | Measure, catalog: Catalog) -> bool:
    """``measureFilter`` has the measure's own row filters restrict rows; without any it is no condition."""
    origin = catalog.member(catalog.origin(member.full_name))
    if not isinstance(origin, Measure) or not (origin.filters or origin.drill_filters):
        return False
    if origin.multi_stage is not None and origin.filters:
        raise UnsupportedFeature(
            f"Operator 'measureFilter' is not for {member.full_name}: its filters test groups of its stages, not rows.",
            hint="Filter by members, or by a measure that is aggregated from rows.",
        )
    return True
