"""States: what a measure is evaluated over, and what its children are evaluated over instead."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from cuboid.catalog.stages import FilterDirective, MultiStage
from cuboid.catalog.timing import TimeShift
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

    def moved_conditions(self, origin: Origin) -> tuple[Condition, ...]:
        """The conditions with what shifted times are compared with moved back instead."""
        if not self.shifts:
            return self.conditions
        shifts = {shift.member: shift.intervals for shift in self.shifts}
        return tuple(_moved(condition, shifts, origin) for condition in self.conditions)


def child_state(
    state: State, root: State, stage: MultiStage, included: Sequence[Condition], origin: Origin
) -> State:
    """The state of the children of a measure that is evaluated in stages.

    :param root: the query's own.
    :param included: what the measure's filter directive adds.

    Raises :class:`UnsupportedFeature` for shifts that a calendar defines.
    """
    keys = state.keys
    if stage.group_by is not None:
        keys = tuple(key for key in keys if origin(key.member) in stage.group_by)
    keys = tuple(key for key in keys if origin(key.member) not in stage.reduce_by)
    grouped = {origin(key.member) for key in keys}  # a time counts as its member, at whatever granularity
    keys += tuple(Key(name) for name in stage.add_group_by if name not in grouped)
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
        shifts=_combined(stage.time_shifts, state, origin),
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


def _combined(added: Sequence[TimeShift], state: State, origin: Origin) -> tuple[Shift, ...]:
    """The state's shifts and those of a measure inside it, which come first."""
    shifts: dict[str, tuple[Interval, ...]] = {}
    used = _times(state, origin)
    for each in added:
        if each.interval is None:
            raise UnsupportedFeature(
                f"The time shift '{each.name}' is a calendar's, which this version reads but cannot plan yet.",
                hint="Write an interval.",
            )
        for member in used if each.time_dimension is None else (each.time_dimension,):
            shifts[member] = (*shifts.get(member, ()), each.interval)
    for shift in state.shifts:
        shifts[shift.member] = (*shifts.get(shift.member, ()), *shift.intervals)
    return tuple(Shift(member, intervals) for member, intervals in shifts.items() if member in used)


def _times(state: State, origin: Origin) -> tuple[str, ...]:
    """The time dimensions that are grouped by, ranged or filtered."""
    grouped = [key.member for key in state.keys]
    tested = [
        part.member for condition in state.conditions for part in predicates(condition) if _tests_time(part)
    ]
    return tuple(dict.fromkeys(origin(name) for name in (*grouped, *tested)))


def _tests_time(condition: Predicate) -> bool:
    return any(slot.type in ("instant", "utc", "date") for slot in condition.slots)


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
