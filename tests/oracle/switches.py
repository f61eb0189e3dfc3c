"""Switches: dimensions on no row, which a query is asked for the values of. Rule 9.6."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tests.oracle.filters import FilterReader, RefusedError, members
from tests.oracle.question import Condition, Question
from tests.oracle.world import Measure, World

Pins = Mapping[str, tuple[str, ...]]
"""The values that a query leaves of each switch that it tests."""


def is_switch(world: World, name: str) -> bool:
    dimension = world.dimension(name)
    return dimension is not None and dimension.type == "switch"


def pinned(world: World, question: Question) -> tuple[Question, dict[str, tuple[str, ...]]]:
    """The question without its conditions on switches, and what these leave of each switch that they test."""
    rows: list[Condition] = []
    left: dict[str, tuple[str, ...]] = {}
    for item in question.group_filters:
        if any(is_switch(world, name) for name in members(item)):
            raise RefusedError("a switch is tested beside measures in one `or`")
    for condition in question.conditions:
        tested = sorted(name for name in condition.names if is_switch(world, name))
        if not tested:
            rows.append(condition)
            continue
        if len(condition.names) > 1:
            raise RefusedError(f"{tested[0]} is tested beside other members in one `or`")
        dimension = world.dimension(tested[0])
        assert dimension is not None
        test = FilterReader(world, question.zone).test(condition.item)
        among = left.get(tested[0], dimension.values)
        left[tested[0]] = tuple(value for value in among if test(lambda _, value=value: value) is True)  # type: ignore[misc]
    return replace(question, conditions=tuple(rows)), left


def remaining(world: World, pins: Pins, name: str) -> tuple[str, ...]:
    """The values of a switch that are left."""
    dimension = world.dimension(name)
    assert dimension is not None
    return pins.get(name, dimension.values)


def chosen(name: str, measure: Measure, pins: Pins, world: World) -> tuple[Measure, bool]:
    """The measure as it is for the one value of its switch; and whether its ``case`` has that value: if not, its groups
    are those of the first branch. Raises RefusedError if several values are left, or none."""
    case = measure.switch
    assert case is not None
    values = remaining(world, pins, case.switch)
    if len(values) != 1:
        raise RefusedError(f"{name} depends on {case.switch}, of which {len(values)} values are left")
    found = next((sql for value, sql in case.branches if value == values[0]), case.otherwise)
    return replace(measure, expression=found or case.branches[0][1], switch=None), found is not None
