"""What a query's date ranges and filters say: all of it that depends on values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cuboid.query import dates
from cuboid.query.conditions import FilterTree, Scope, condition, range_slots, resolve
from cuboid.query.model import Condition, Predicate, Query, TimeDimension
from cuboid.query.moments import CivilRange


@dataclass(frozen=True, slots=True)
class Stated:
    """Both, read.

    :param ranges: of the time dimensions, in their order.
    :param filters: with the times that words mean now.
    :param conditions: of the date ranges first, then of the filters, each in the order written.
    :param date_ranges: those of the conditions.
    """

    ranges: tuple[CivilRange | None, ...]
    filters: tuple[FilterTree, ...]
    conditions: tuple[Condition, ...]
    date_ranges: tuple[Predicate, ...]


def read_stated(query: Query, scope: Scope) -> Stated:
    """What the query says; the scope takes the values. Raises :class:`InvalidQuery`, :class:`InvalidDateRange` or
    :class:`UnsupportedFeature`."""
    ranges = tuple(_civil_range(entry, scope) for entry in query.time_dimensions)
    filters = tuple(resolve(tree, scope) for tree in query.filters)
    date_ranges = _date_ranges(query.time_dimensions, ranges, scope)
    tested = (condition(tree, scope) for tree in filters)
    return Stated(
        ranges, filters, (*date_ranges, *(each for each in tested if each is not None)), date_ranges
    )


def _civil_range(entry: TimeDimension, scope: Scope) -> CivilRange | None:
    if entry.date_range is None:
        return None
    return dates.parse_range(entry.date_range, scope.zone, scope.now, path=f"{entry.path}.dateRange")


def _date_ranges(
    entries: Sequence[TimeDimension], ranges: Sequence[CivilRange | None], scope: Scope
) -> tuple[Predicate, ...]:
    """The ranges of time dimensions as conditions, in the order written."""
    built: list[Predicate] = []
    for entry, civil in zip(entries, ranges, strict=True):
        if civil is not None:
            kind = scope.catalog.dimension(entry.dimension).time_kind
            built.append(Predicate(entry.dimension, "in_range", range_slots(civil, kind, scope)))
    return tuple(built)
