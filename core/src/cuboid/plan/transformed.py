"""What a question is made of, in the form in which Cube matches it with pre-aggregations.

Cube shows it as ``transformedQueries`` of ``/v1/dry-run`` and as ``canUseTransformedQuery`` of ``/v1/sql``; tools
that design pre-aggregations read it. A pair is ``[time dimension, granularity or None]``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cuboid.catalog.model import Catalog, Dimension, Measure, Member
from cuboid.catalog.naming import camelize
from cuboid.catalog.pieces import CubeReference, MemberReference
from cuboid.catalog.timing import RollingWindow, length_of
from cuboid.query.model import Filter, FilterGroup, Question, Shape
from cuboid.types import GRANULARITIES, Interval

ADDITIVE = frozenset({"count", "count_distinct_approx", "sum", "min", "max"})
"""Measures whose values over parts give the value over the whole."""

Pair = list[str | None]


@dataclass(frozen=True, slots=True)
class AskedTime:
    """One time dimension of a query, ``bounds`` the coarsest granularity whose bins begin at both ends of its range."""

    dimension: str
    granularity: str | None
    bounds: str | None


@dataclass(frozen=True, slots=True)
class Asked:
    """What of a question decides how it is matched: the same for many values.

    :param tested: the members that it filters by.
    :param fixed: the dimensions that it selects or fixes to one value; None if a filter says anything else.
    """

    shape: Shape
    tested: tuple[str, ...]
    fixed: tuple[str, ...] | None
    times: tuple[AskedTime, ...]

    @classmethod
    def of(cls, question: Question) -> Asked:
        """What of this question does."""
        filters = question.query.filters
        times = tuple(
            AskedTime(
                entry["dimension"],
                entry.get("granularity"),
                _range_granularity(*entry["dateRange"]) if "dateRange" in entry else None,
            )
            for entry in question.echo["timeDimensions"]
        )
        return cls(question.shape, tuple(_tested(filters)), _fixed(question), times)


def transformed_query(asked: Asked, catalog: Catalog, *, multiplied: bool) -> dict[str, Any]:
    """The object for one question.

    :param multiplied: whether a join of the query repeats the rows of one of its measures' cubes.
    """
    shape, tested, times = asked.shape, asked.tested, asked.times
    measured = [name for name in tested if isinstance(catalog.member(name), Measure)]
    measures = _unique([*shape.measures, *measured])
    leaves = {measure: list(_leaves(measure, catalog)) for measure in measures}
    leaf_names = _unique(leaf for each in leaves.values() for leaf in each)
    dimensions = sorted({*shape.dimensions, *shape.segments, *(set(tested) - set(measured))})
    windows = [window for leaf in leaf_names if (window := catalog.measure(leaf).rolling_window)]
    ungrouped: dict[str, Any] = {}
    if shape.ungrouped:
        cubes = sorted({name.partition(".")[0] for name in (*measures, *dimensions)})
        keys = [part.full_name for cube in cubes for part in catalog.cubes[cube].primary_key]
        ungrouped = {
            "ungrouped": True,
            "sortedUsedCubePrimaryKeys": sorted(keys),
            "sortedAllCubeNames": cubes,
        }
    return {
        "sortedDimensions": dimensions,
        "sortedTimeDimensions": _pairs(times, catalog, in_ranges=True),
        "timeDimensions": _pairs(times, catalog),
        "measures": measures,
        "leafMeasureAdditive": all(_is_additive(catalog.measure(leaf)) for leaf in leaf_names),
        "leafMeasures": leaf_names,
        "leafMeasuresFullPaths": leaf_names,
        "measureToLeafMeasures": {
            measure: [_leaf(leaf, catalog) for leaf in found] for measure, found in leaves.items()
        },
        "hasNoTimeDimensionsWithoutGranularity": all(each.granularity is not None for each in times),
        "allFiltersWithinSelectedDimensions": set(tested) <= set(shape.dimensions),
        "isAdditive": all(_is_additive(catalog.measure(name)) for name in shape.measures),
        "granularityHierarchies": _hierarchies(times, catalog),
        "hasMultipliedMeasures": multiplied,
        "hasCumulativeMeasures": bool(windows),
        "windowGranularity": _window_granularity(windows),
        "filterDimensionsSingleValueEqual": _single_values(asked.fixed, catalog),
        "ownedDimensions": sorted(_owned(dimensions, catalog)),
        "ownedTimeDimensionsWithRollupGranularity": _pairs(times, catalog, in_ranges=True, owned=True),
        "ownedTimeDimensionsAsIs": _pairs(times, catalog, owned=True),
        "allBackAliasMembers": _back_aliases([*measures, *dimensions, *_names(times)], catalog),
        **ungrouped,
        "hasMultiStage": any(catalog.measure(name).multi_stage is not None for name in shape.measures),
    }


# ---------------------------------------------------------------- measures


def _leaves(name: str, catalog: Catalog) -> Iterator[str]:
    """The measures that are aggregated from rows for this one: itself, or those that it combines."""
    measure = catalog.measure(name)
    parts = [
        reference.member
        for template in measure.templates
        for reference in template.references
        if isinstance(reference, MemberReference) and isinstance(catalog.member(reference.member), Measure)
    ]
    if not parts:
        yield name
    for part in _unique(parts):
        yield from _leaves(part, catalog)


def _leaf(name: str, catalog: Catalog) -> dict[str, Any]:
    measure = catalog.measure(name)
    return {"measure": name, "additive": _is_additive(measure), "type": camelize(measure.type)}


def _is_additive(measure: Measure) -> bool:
    return measure.multi_stage is None and (measure.agg_type or measure.type) in ADDITIVE


def _window_granularity(windows: Iterable[RollingWindow]) -> str | None:
    """The finest granularity to whose beginning a window reaches back; None if none does."""
    named = [window.to_date for window in windows if window.to_date in GRANULARITIES]
    return min(named, key=lambda name: length_of(name, {}), default=None) if named else None


# ---------------------------------------------------------------- filters


def _tested(trees: Iterable[Filter | FilterGroup]) -> Iterator[str]:
    for tree in trees:
        if isinstance(tree, Filter):
            yield tree.member
        else:
            yield from _tested(tree.items)


def _fixed(question: Question) -> tuple[str, ...] | None:
    found = dict.fromkeys((*question.shape.dimensions, *question.shape.segments))
    waiting = list(question.query.filters)
    while waiting:
        tree = waiting.pop(0)
        if isinstance(tree, FilterGroup):
            if tree.operator == "or":
                return None
            waiting += tree.items
        elif tree.operator == "equals" and len(tree.values or ()) == 1 and tree.values != (None,):
            found[tree.member] = None
        elif tree.operator != "equals" or tree.member not in found:
            return None
    return tuple(found)


def _single_values(fixed: tuple[str, ...] | None, catalog: Catalog) -> dict[str, bool] | None:
    if fixed is None:
        return None
    return {name: True for name in fixed if not isinstance(catalog.member(name), Measure)}


# ---------------------------------------------------------------- time


def _pairs(
    times: Iterable[AskedTime], catalog: Catalog, *, in_ranges: bool = False, owned: bool = False
) -> list[Pair]:
    """The time dimensions by name, each with its granularity.

    :param in_ranges: the granularity is the coarsest one that also tells the bounds of the date range.
    :param owned: members that stand for others are replaced by those.
    """
    pairs: list[Pair] = []
    for time in times:
        name, granularity = time.dimension, time.granularity
        dimension = catalog.dimension(name)
        if in_ranges and time.bounds is not None:
            known = [each for each in (time.bounds, granularity) if each is not None]
            granularity = min(known, key=lambda each: length_of(each, dimension.granularities))
        origins = list(_owned([name], catalog)) if owned else []
        pairs.append([origins[0] if len(origins) == 1 else name, granularity])
    return sorted(pairs, key=lambda pair: str(pair[0]))


def _range_granularity(start: str, end: str) -> str:
    """The coarsest granularity whose bins begin at both bounds of a range; the end is its last millisecond."""
    bounds = datetime.fromisoformat(start), datetime.fromisoformat(end)
    after = bounds[1] + timedelta(milliseconds=1) if bounds[1].year < 9999 else bounds[1]
    return max((_coarsest(bounds[0]), _coarsest(after)), key=lambda name: -length_of(name, {}))


def _coarsest(moment: datetime) -> str:
    if moment.second or moment.microsecond:
        return "second"
    if moment.minute:
        return "minute"
    if moment.hour:
        return "hour"
    if moment.day != 1:
        return "week" if moment.isoweekday() == 1 else "day"
    if moment.month == 1:
        return "year"
    return "quarter" if moment.month in (4, 7, 10) else "month"


def _hierarchies(times: Iterable[AskedTime], catalog: Catalog) -> dict[str, list[str]]:
    """For each granularity of the query's time dimensions those whose bins its own are made of, itself first."""
    found: dict[str, list[str]] = {}
    for name in _names(times):
        custom = catalog.dimension(name).granularities
        for granularity in GRANULARITIES:
            found[f"{name}.{granularity}"] = _finer(granularity)
        for granularity, defined in custom.items():
            if defined.interval is None:
                found[f"{name}.{granularity}"] = [granularity]
                continue
            start = _coarsest(defined.origin)
            unit = _whole_unit(defined.interval)
            finest = min(start, unit, key=lambda each: length_of(each, {}))
            parts = [each for each in _finer(finest) if length_of(each, {}) <= length_of(unit, {})]
            found[f"{name}.{granularity}"] = [granularity, *parts]
    return found


def _finer(granularity: str) -> list[str]:
    """The built-in granularity and those that divide it, coarsest first; weeks divide no month."""
    position = GRANULARITIES.index(granularity)
    return [each for each in reversed(GRANULARITIES[: position + 1]) if each != "week" or each == granularity]


def _whole_unit(interval: Interval) -> str:
    """The coarsest built-in granularity that the interval is a multiple of."""
    if interval.months:
        months = {"year": 12, "quarter": 3}
        return next((name for name, length in months.items() if interval.months % length == 0), "month")
    units = {"week": 604800, "day": 86400, "hour": 3600, "minute": 60}
    return next((name for name, length in units.items() if interval.seconds % length == 0), "second")


# ---------------------------------------------------------------- members that stand for others


def _owned(names: Iterable[str], catalog: Catalog) -> set[str]:
    """The members, among these and those that they are made of, that have SQL of their own cube."""
    found: set[str] = set()
    seen: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        member = catalog.member(name)
        if name in seen or member is None:
            continue
        seen.add(name)
        references = [reference for template in member.templates for reference in template.references]
        inner = [each.member for each in references if isinstance(each, MemberReference)]
        if _is_owned(member, references):
            found.add(name)
        waiting += inner
    return found


def _is_owned(member: Member, references: list[Any]) -> bool:
    if isinstance(member, Dimension) and member.sub_query:
        return True
    columns = {each.cube for each in references if isinstance(each, CubeReference)}
    return not references or columns == {member.cube}


def _back_aliases(names: Iterable[str], catalog: Catalog) -> dict[str, str]:
    """For members of views: origin to the name in the view."""
    found: dict[str, str] = {}
    for name in names:
        member = catalog.member(name)
        if member is not None and member.alias_member is not None:
            found[member.alias_member] = name
    return found


def _names(times: Iterable[AskedTime]) -> list[str]:
    return _unique(each.dimension for each in times)


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
