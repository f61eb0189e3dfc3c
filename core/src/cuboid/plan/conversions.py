"""Conversions: rows of a first step that go on through further steps of the same entity.

Groups and conditions are the first step's. A condition on the own cube of a later step (one that is not the first
step's cube, too) restricts that step instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from cuboid.catalog.joins import JoinPath, JoinTree
from cuboid.catalog.model import Catalog
from cuboid.catalog.stages import Conversion, ConversionStep
from cuboid.errors import UnsupportedFeature
from cuboid.plan.members import Members
from cuboid.plan.nodes import ConversionAggregate, Leaf, Relation, StepRows
from cuboid.plan.states import State
from cuboid.plan.windows import longest_seconds
from cuboid.query.model import Access, Operator, Predicate, Slot, members_of
from cuboid.types import Interval

_DAY = 86400

Related = Callable[[State, Mapping[str, frozenset[JoinPath]]], Relation]
"""The rows that members of these names need at a state."""


def first_step(conversion: Conversion, state: State, members: Members) -> State:
    """The state without what restricts later steps."""
    first, *later = (_cube(step) for step in conversion.steps)
    others = frozenset(later) - {first}
    return _only(state, members, lambda owners: len(owners) != 1 or not owners <= others)


def plan_conversion(
    catalog: Catalog,
    members: Members,
    leaf: str,
    first: Relation,
    state: State,
    related: Related,
    access: Access,
) -> ConversionAggregate:
    """The node of a conversion.

    :param first: the rows of the first step, with everything that the measure reads.
    :param access: of whoever asks.

    Raises :class:`UnsupportedFeature` where a step's cube has no primary key, and what ``related`` raises.
    """
    conversion = catalog.measure(leaf).conversion
    assert conversion is not None
    for step in conversion.steps:
        cube = _cube(step)
        if not catalog.cubes[cube].primary_key:
            raise UnsupportedFeature(
                f"'{leaf}' follows rows of '{cube}', which has no primary key to tell them apart.",
                hint=f"Mark the key of '{cube}' with primary_key: true.",
            )
    _check_once(conversion.steps[0], conversion, members, first.tree)
    times = [step.time_dimension for step in conversion.steps]
    reach: tuple[tuple[Operator, Slot], ...] = ()
    if not state.shifts and not any(access.mask(name) for name in (*times, *members_of(first.conditions))):
        reach = tuple(_reach(conversion, first, members))
    kinds = [catalog.dimension(name).time_kind for name in times]
    later = tuple(
        _step(each, conversion, members, state, related, reach if kind == kinds[0] else ())
        for each, kind in zip(conversion.steps[1:], kinds[1:], strict=True)
    )
    return ConversionAggregate(
        first,
        state.keys,
        catalog.measure(leaf).cube,
        (Leaf(leaf),),
        StepRows(first, conversion.steps[0].measure, conversion.steps[0].time_dimension),
        later,
        conversion.entity,
        conversion.window,
        rate=conversion.value == "rate",
    )


def _reach(conversion: Conversion, first: Relation, members: Members) -> Iterator[tuple[Operator, Slot]]:
    """Bounds of the times of rows that may follow the first step's, which are in a range: rows outside are not read."""
    for condition in first.conditions:
        if (
            not isinstance(condition, Predicate)
            or condition.operator != "in_range"
            or members.origin(condition.member) != conversion.steps[0].time_dimension
        ):
            continue
        start, end = condition.slots
        yield "gte", start
        if conversion.window is not None:
            # At least as long as the window, and a day more: the window is added in UTC, shifts are undone on clocks.
            length = longest_seconds(conversion.window) + _DAY
            yield "lt", replace(end, shifts=(*end.shifts, Interval(seconds=-length)))


def _step(
    step: ConversionStep,
    conversion: Conversion,
    members: Members,
    state: State,
    related: Related,
    reach: Iterable[tuple[Operator, Slot]],
) -> StepRows:
    cube = _cube(step)
    own = replace(state, keys=())
    if cube == _cube(conversion.steps[0]):
        own = replace(own, conditions=(), segments=())
    else:
        own = _only(own, members, lambda owners: owners == {cube})
    bounds = tuple(Predicate(step.time_dimension, operator, (slot,)) for operator, slot in reach)
    own = replace(own, conditions=(*own.conditions, *bounds))
    named = dict.fromkeys((step.measure, step.time_dimension, conversion.entity), frozenset[JoinPath]())
    relation = related(own, named)
    _check_once(step, conversion, members, relation.tree)
    return StepRows(relation, step.measure, step.time_dimension)


def _check_once(step: ConversionStep, conversion: Conversion, members: Members, tree: JoinTree) -> None:
    """Raises :class:`UnsupportedFeature` where a row of the step has several times, entities or values that count."""
    cube = _cube(step)
    for name in (conversion.entity, step.time_dimension, step.measure):
        if any(tree.fans_out(cube, other) for other in members.cubes(name) - {cube}):
            raise UnsupportedFeature(
                f"A row of '{cube}' has several of '{name}'.",
                hint="What a step of a conversion reads is something that each of its rows has once.",
            )


def _only(state: State, members: Members, wanted: Callable[[frozenset[str]], bool]) -> State:
    """The state with those conditions and segments alone whose members' cubes are wanted."""

    def owners(names: frozenset[str]) -> frozenset[str]:
        return frozenset[str]().union(*(members.owners(name) for name in names))

    return replace(
        state,
        conditions=tuple(each for each in state.conditions if wanted(owners(members_of((each,))))),
        segments=tuple(each for each in state.segments if wanted(members.owners(each))),
    )


def _cube(step: ConversionStep) -> str:
    return step.measure.partition(".")[0]
