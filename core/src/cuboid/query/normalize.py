"""Meaning: a :class:`Query` and the catalog to :class:`Question` values, ready to plan.

Names become members, words and zones become bounds, defaults are applied, and every value moves out of the shape
into a slot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from cuboid.catalog.directives import Directives
from cuboid.catalog.model import Catalog
from cuboid.errors import InvalidQuery
from cuboid.query import additions, members, switches
from cuboid.query.conditions import Scope, condition, resolve, split
from cuboid.query.defaults import default_filters
from cuboid.query.echo import echo
from cuboid.query.included import included
from cuboid.query.join_hints import check_join_hints
from cuboid.query.model import (
    NO_ACCESS_RULES,
    Access,
    Condition,
    DateRange,
    Query,
    Question,
    Shape,
    TimeGrouping,
    members_of,
)
from cuboid.query.order import default_order, effective_keys
from cuboid.query.stated import read_stated
from cuboid.query.values import Slots


@dataclass(frozen=True, slots=True)
class Limits:
    """Rows of an answer: ``default`` where the query names no limit, ``maximum`` what it may name."""

    default: int = 10_000
    maximum: int = 50_000


ReadAccess = Callable[[Query, Scope], Access]
"""What the principal may see of a query; the scope takes the values that this needs."""


def normalize(
    query: Query,
    catalog: Catalog,
    *,
    now: datetime,
    limits: Limits | None = None,
    default_timezone: str = "UTC",
    dev: bool = False,
    access: ReadAccess = lambda query, scope: NO_ACCESS_RULES,
    directives: Directives | None = None,
) -> tuple[Question, ...]:
    """What ``query`` asks of ``catalog``: one question, or one per range of a ``compareDateRange``, in its order.

    :param now: aware; what relative dates are counted from.
    :param default_timezone: a canonical IANA name, for a query without one.
    :param dev: members that are not public may be selected.
    :param directives: what is known already of the catalog's members that bring conditions of their own.

    Raises :class:`InvalidQuery`, :class:`UnknownMember`, :class:`InvalidDateRange` or :class:`UnsupportedFeature`, and
    what ``access`` raises.
    """
    if not (query.measures or query.dimensions or any(td.granularity for td in query.time_dimensions)):
        raise InvalidQuery(
            "Query should contain either measures, dimensions or timeDimensions with granularities in order to be valid"
        )
    limits = limits or Limits()
    known = directives or Directives(catalog)
    limit = min(limits.default, limits.maximum) if query.limit is None else query.limit
    if limit > limits.maximum:
        raise InvalidQuery(
            "Error: The query limit has been exceeded.",
            path="limit",
            hint=f"At most {limits.maximum} rows can be asked for at once; use `offset` for more.",
        )
    _check_members(query, catalog, dev)
    check_join_hints(query.join_hints, catalog)
    return tuple(
        _question(expanded, catalog, now, limit, default_timezone, compared, access, known)
        for expanded, compared in _expand(query)
    )


def _check_members(query: Query, catalog: Catalog, dev: bool) -> None:
    """All names in the lists exist; those that become columns are visible."""
    measures = [
        members.measure(catalog, name, f"measures[{index}]")
        for index, name in enumerate(query.measures or ())
    ]
    dimensions = [
        members.dimension(catalog, name, f"dimensions[{index}]")
        for index, name in enumerate(query.dimensions)
    ]
    times = [
        (entry, members.time_dimension(catalog, entry.dimension, entry.granularity, entry.path))
        for entry in query.time_dimensions
    ]
    by = [members.measure(catalog, query.top.by, "top.by")] if query.top else []
    for index, name in enumerate(query.segments or ()):
        members.segment(catalog, name, f"segments[{index}]")
    if not dev:
        grouped = [dimension for entry, dimension in times if entry.granularity]
        members.require_visible(catalog, (*measures, *dimensions, *grouped, *by))


def _expand(query: Query) -> list[tuple[Query, int | None]]:
    """One query per range of the time dimension that compares ranges, with its index; else the query itself."""
    for index, entry in enumerate(query.time_dimensions):
        if entry.compare_date_range is not None:
            return [(_with_range(query, index, date_range), index) for date_range in entry.compare_date_range]
    return [(query, None)]


def _with_range(query: Query, index: int, date_range: DateRange) -> Query:
    entries = list(query.time_dimensions)
    entries[index] = replace(entries[index], date_range=date_range, compare_date_range=None)
    return replace(query, time_dimensions=tuple(entries))


def _question(
    query: Query,
    catalog: Catalog,
    now: datetime,
    limit: int,
    default_timezone: str,
    compared: int | None,
    access: ReadAccess,
    directives: Directives,
) -> Question:
    timezone = query.timezone or default_timezone
    scope = Scope(catalog, ZoneInfo(timezone), now, Slots())
    stated = read_stated(query, scope)
    ranges = stated.ranges
    compared_range = None if compared is None else ranges[compared]
    measures, dimensions = _unique(query.measures or ()), _unique(query.dimensions)
    groupings = _groupings(query)
    defaults = (condition(resolve(item, scope), scope) for item in default_filters(query, catalog))
    conditions = (*stated.conditions, *(each for each in defaults if each is not None))
    rows, groups = split(conditions, catalog, dimensions)
    rows, pinned = switches.pins(rows, scope.slots.values, catalog)
    if query.ungrouped and groups:
        raise InvalidQuery("Measure filters aren't allowed in ungrouped query", path="filters")
    order = default_order(query) if query.order is None else query.order
    shares = additions.shares(query, catalog, groupings)
    ordered = (*measures, *(share.key for share in shares))
    shape = Shape(
        measures=measures,
        dimensions=dimensions,
        time_groupings=groupings,
        segments=_unique(query.segments or ()),
        row_conditions=rows,
        group_conditions=groups,
        order=effective_keys(order, ordered, dimensions, members.finest_first(catalog, groupings)),
        limit=scope.slots.add(limit, "integer"),
        offset=None if query.offset is None else scope.slots.add(query.offset, "integer"),
        timezone=timezone,
        ungrouped=bool(query.ungrouped),
        access=access(query, scope),
        shares=shares,
        pins=pinned,
        top=additions.top(query, catalog, scope.slots),
        join_hints=tuple(dict.fromkeys(hint for hint in query.join_hints if len(hint) > 1)),
        date_ranges=tuple(each for each in rows if each in stated.date_ranges),
        included=included(directives.among(_read(query, (*rows, *groups))), scope),
    )
    return Question(
        query=query,
        shape=shape,
        values=scope.slots.taken(),
        echo=echo(query, ranges, stated.filters, limit, timezone),
        effective_order=order,
        date_range=compared_range.wire if compared_range else None,
    )


def _groupings(query: Query) -> tuple[TimeGrouping, ...]:
    return tuple(
        dict.fromkeys(
            TimeGrouping(entry.dimension, entry.granularity)
            for entry in query.time_dimensions
            if entry.granularity
        )
    )


def _read(query: Query, conditions: Iterable[Condition]) -> Iterator[str]:
    """The members that are read for the answer, those of the conditions among them."""
    yield from query.measures or ()
    if query.top is not None:
        yield query.top.by
    yield from query.dimensions
    yield from (entry.dimension for entry in query.time_dimensions)
    yield from query.segments or ()
    yield from sorted(members_of(conditions))


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
