"""Conversions: rows of a first step that are followed through further steps. Rule 13."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from tests.oracle import times
from tests.oracle.aggregates import counts, reads_of, row_value
from tests.oracle.expressions import Value
from tests.oracle.filters import RefusedError
from tests.oracle.joins import JoinedRow, steps_to_many
from tests.oracle.relations import Reader, Relation, cube_of
from tests.oracle.state import Group, Groups, State


@dataclass(frozen=True, slots=True)
class Event:
    """A row of a step. ``at``: in UTC."""

    cube: str
    row: Group
    entity: Value
    at: datetime


def values(reader: Reader, leaf: str, state: State) -> Groups:
    """The rows of the first step that went through, or their rate, for each group of the first step's rows."""
    measure = reader.world.measure(leaf)
    assert measure is not None
    conversion = measure.conversion
    assert conversion is not None
    first, *later = (cube_of(counted) for counted, _ in conversion.steps)
    for counted, _ in conversion.steps:
        if not reader.world.cube(cube_of(counted)).key:
            raise RefusedError(f"{leaf} follows rows of {cube_of(counted)}, which has no key")
    others = {cube for cube in later if cube != first}
    relation = _relation(
        reader, leaf, 0, _only(reader, state, lambda cubes: len(cubes) != 1 or not cubes <= others), first
    )
    plain = replace(reader, cut=None)
    steps: list[list[Event]] = []
    for number, cube in enumerate(later, start=1):
        own = replace(
            _only(reader, state, lambda cubes, cube=cube: cubes == {cube} != {first}), keys=(), along=()
        )  # type: ignore[misc]
        rows = [row for row, _ in _relation(plain, leaf, number, own, None).rows]
        steps.append(
            list(dict.fromkeys(e for row in rows if (e := _event(reader, leaf, number, row)) is not None))
        )

    def went(row: JoinedRow) -> bool:
        event = _event(reader, leaf, 0, row)
        if event is None:
            return False
        end = None if conversion.window is None else conversion.window.after(event.at)
        return _goes_on((event,), steps, end)

    grouped: dict[Group, dict[Group, JoinedRow]] = defaultdict(dict)
    if not state.keys:
        grouped[()] = {}
    for row, group in relation.rows:
        identity = reader.identity(first, row)
        found = grouped[group]
        if identity is not None and row_value(reader, conversion.steps[0][0], row) is not None:
            found.setdefault(identity, row)
    return {group: _value(conversion.value, list(rows.values()), went) for group, rows in grouped.items()}


def _value(kind: str, rows: Sequence[JoinedRow], went: Callable[[JoinedRow], bool]) -> Value:
    through = sum(map(went, rows))
    if kind == "count":
        return through
    return through / len(rows) if rows else None


def _goes_on(path: tuple[Event, ...], steps: Sequence[Sequence[Event]], end: datetime | None) -> bool:
    """Whether the steps can be gone through in turn, by rows that differ and do not go back in time."""
    if not steps:
        return True
    return any(
        event.entity == path[0].entity
        and path[-1].at <= event.at
        and (end is None or event.at < end)
        and all((event.cube, event.row) != (before.cube, before.row) for before in path)
        and _goes_on((*path, event), steps[1:], end)
        for event in steps[0]
    )


def _only(reader: Reader, state: State, wanted: Callable[[set[str]], bool]) -> State:
    """The state with those conditions and segments alone whose members are of such cubes."""

    def owners(names: Iterable[str]) -> set[str]:
        return set().union(*map(reader.world.owners, names))

    return replace(
        state,
        conditions=tuple(c for c in state.conditions if wanted(owners(c.names))),
        segments=tuple(s for s in state.segments if wanted(owners({s}))),
    )


def _relation(reader: Reader, leaf: str, number: int, state: State, measure_cube: str | None) -> Relation:
    """The rows of a step. Raises RefusedError where one of them would have several times or entities."""
    world = reader.world
    measure = world.measure(leaf)
    assert measure is not None
    assert measure.conversion is not None
    counted, time = measure.conversion.steps[number]
    cube = cube_of(counted)
    reads = reads_of(reader, counted) | world.cubes_of(time) | world.cubes_of(measure.conversion.entity)
    relation = reader.relation(state, measure_cube, reads)
    for other in reads - {cube}:
        if steps_to_many(relation.tree, cube, other):
            raise RefusedError(f"a row of {cube} has several of {other}")
    return relation


def _event(reader: Reader, leaf: str, number: int, row: JoinedRow) -> Event | None:
    """The row as a step: one that the step's measure counts, with a time and an entity."""
    measure = reader.world.measure(leaf)
    assert measure is not None
    assert measure.conversion is not None
    counted, time = measure.conversion.steps[number]
    cube, lookup = cube_of(counted), reader.lookup(row)
    identity = reader.identity(cube, row)
    if identity is None or not counts(reader, counted, row) or row_value(reader, counted, row) is None:
        return None
    at, entity = lookup.member(time), lookup.member(measure.conversion.entity)
    dimension = reader.world.dimension(time)
    assert dimension is not None
    if at is None or entity is None:
        return None
    assert isinstance(at, date)
    return Event(cube, identity, entity, times.to_civil(at, "UTC", dimension.time_kind))
