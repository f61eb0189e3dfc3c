"""States: what a measure is evaluated over, and what its children are evaluated over instead."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from cuboid.catalog.model import Catalog
from cuboid.catalog.pieces import Template
from cuboid.catalog.stages import FilterDirective, MultiStage
from cuboid.catalog.timing import TimeShift, bins_of
from cuboid.errors import UnsupportedFeature
from cuboid.plan.nodes import Key, Shift
from cuboid.query.model import Condition, Junction, Predicate, predicates
from cuboid.types import Interval

Origin = Callable[[str], str]
"""The cube's member that a view's member stands for."""


@dataclass(frozen=True, slots=True)
class State:
    """A query seen from inside: its groups, and which rows count at which time.

    :param conditions: on rows; as asked, not moved by the shifts.
    :param shifts: with the members of cubes.
    """

    keys: tuple[Key, ...]
    conditions: tuple[Condition, ...]
    segments: tuple[str, ...]
    shifts: tuple[Shift, ...] = ()

    def moved_conditions(self, origin: Origin, catalog: Catalog) -> tuple[Condition, ...]:
        """The conditions with what shifted times are compared with moved back instead; times of a calendar that is
        looked up are compared as they are there."""
        shifts = {each.member: each.intervals for each in self.read_shifts(catalog) if not each.looked_up}
        if not shifts:
            return self.conditions
        return tuple(_moved(condition, shifts, origin) for condition in self.conditions)

    def read_shifts(self, catalog: Catalog) -> tuple[Shift, ...]:
        """The shifts, and whether a calendar must be looked up for them: by its own SQL, or as the groups are bins that
        stand in its rows."""
        held = set()
        for key in self.keys:
            dimension = catalog.dimension(key.member)
            if key.granularity and bins_of(key.granularity, dimension.granularities) is None:
                held.add(dimension.origin)
        return tuple(
            replace(each, looked_up=each.sql is not None or each.member in held) for each in self.shifts
        )


def child_state(
    state: State,
    root: State,
    stage: MultiStage,
    included: Sequence[Condition],
    origin: Origin,
    catalog: Catalog,
) -> State:
    """The state of the children of a measure that is evaluated in stages.

    :param root: the query's own.
    :param included: what the measure's filter directive adds.

    Raises :class:`UnsupportedFeature` for shifts that a calendar defines, of times that are none of its own.
    """

    keys = state.keys
    if stage.group_by is not None:
        keys = tuple(key for key in keys if origin(key.member) in stage.group_by)
    keys = tuple(key for key in keys if origin(key.member) not in stage.reduce_by)
    grouped = {origin(key.member) for key in keys}  # a time counts as its member, at whatever granularity
    plain = {origin(key.member): key for key in state.keys if key.granularity is None}
    keys += tuple(plain.get(name, Key(name)) for name in stage.add_group_by if name not in grouped)
    conditions, segments = state.conditions, state.segments
    if stage.filter is not None:
        if stage.filter.mode == "fixed":
            conditions, segments = root.conditions, root.segments
        kept = _Kept(stage.filter, origin)
        conditions = tuple(each for each in conditions if kept(part.member for part in predicates(each)))
        segments = tuple(each for each in segments if kept((each,)))
    conditions = (*conditions, *(each for each in included if each not in conditions))
    return replace(
        state,
        keys=keys,
        conditions=conditions,
        segments=segments,
        shifts=_combined(stage.time_shifts, state, origin, catalog),
    )


@dataclass(frozen=True, slots=True)
class _Kept:
    """Whether a condition on these members outlasts a directive."""

    directive: FilterDirective
    origin: Origin

    def __call__(self, members: Iterable[str]) -> bool:
        tested = {self.origin(name) for name in members}
        keep_only = self.directive.keep_only
        return tested.isdisjoint(self.directive.exclude) and (keep_only is None or tested <= set(keep_only))


def _combined(
    added: Sequence[TimeShift], state: State, origin: Origin, catalog: Catalog
) -> tuple[Shift, ...]:
    """The state's shifts and those of a measure inside it, which come first."""
    steps: dict[str, tuple[Interval | Template, ...]] = {}
    used = _times(state, origin)
    for each in added:
        for member, step in _steps(each, used, catalog):
            steps[member] = (*steps.get(member, ()), step)
    for shift in state.shifts:
        own = shift.intervals if shift.sql is None else (shift.sql,)
        steps[shift.member] = (*steps.get(shift.member, ()), *own)
    return tuple(_shift(member, found) for member, found in steps.items() if member in used)


def _steps(
    shift: TimeShift, used: Sequence[str], catalog: Catalog
) -> Iterator[tuple[str, Interval | Template]]:
    """What a measure's shift does to each time dimension that it shifts: a calendar says by which SQL its intervals,
    and what its names, are read."""
    members = used if shift.time_dimension is None else (shift.time_dimension,)
    if shift.interval is not None:
        for member in members:
            own = catalog.dimension(member).time_shifts
            found = (each.sql for each in own if each.name is None and each.interval == shift.interval)
            yield member, next(found, None) or shift.interval
        return
    named = [
        (member, each)
        for member in members
        for each in catalog.dimension(member).time_shifts
        if each.name == shift.name
    ]
    if members and not named:
        raise UnsupportedFeature(
            f"The time shift '{shift.name}' is a calendar's, and '{members[0]}' is no time of that calendar.",
            hint="Group by, or restrict, the calendar's own time dimension.",
        )
    for member, each in named:
        step = each.sql or each.interval
        assert step is not None
        yield member, step


def _shift(member: str, steps: tuple[Interval | Template, ...]) -> Shift:
    intervals = tuple(each for each in steps if isinstance(each, Interval))
    if len(intervals) == len(steps):
        return Shift(member, intervals)
    if len(steps) > 1:
        raise UnsupportedFeature(
            f"'{member}' would be shifted twice, once by a column of its calendar, which has no time for that.",
            hint="Define in the calendar a column for both shifts together.",
        )
    (sql,) = (each for each in steps if isinstance(each, Template))
    return Shift(member, (), sql)


def _times(state: State, origin: Origin) -> tuple[str, ...]:
    """The time dimensions that are grouped by, ranged or filtered."""
    grouped = [key.member for key in state.keys]
    tested = [
        part.member for condition in state.conditions for part in predicates(condition) if _tests_time(part)
    ]
    return tuple(dict.fromkeys(origin(name) for name in (*grouped, *tested)))


def _tests_time(condition: Predicate) -> bool:
    return any(slot.time_kind for slot in condition.slots)


def _moved(condition: Condition, shifts: dict[str, tuple[Interval, ...]], origin: Origin) -> Condition:
    if isinstance(condition, Junction):
        return replace(condition, items=tuple(_moved(item, shifts, origin) for item in condition.items))
    intervals = shifts.get(origin(condition.member))
    if intervals is None or not _tests_time(condition):
        return condition
    _check(condition, intervals)
    return replace(
        condition, slots=tuple(replace(slot, shifts=(*intervals, *slot.shifts)) for slot in condition.slots)
    )


def _check(condition: Predicate, intervals: tuple[Interval, ...]) -> None:
    """A month's shift maps several times to one, so only the bounds of whole days can be moved back."""
    if condition.operator in ("gt", "lte", "in", "not_in") and any(each.months for each in intervals):
        raise UnsupportedFeature(
            f"A measure that is shifted by months cannot be filtered by single times of '{condition.member}'.",
            hint="Filter by whole days, as with inDateRange, beforeDate or afterOrOnDate.",
        )
