"""Measures that are evaluated in stages, and dimensions over measures: rules 9 and 10."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.oracle import switches, windows
from tests.oracle.aggregates import aggregated
from tests.oracle.expressions import Column, Expression, Reference, Value, atoms, evaluate
from tests.oracle.filters import FilterReader, Item, RefusedError
from tests.oracle.members import Directive, Stage
from tests.oracle.question import Condition, GroupColumn, PathsOf, Question
from tests.oracle.relations import cube_of
from tests.oracle.state import Group, Groups, State
from tests.oracle.world import Dimension, Measure

if TYPE_CHECKING:
    from tests.oracle.evaluation import Evaluation

ValueOf = Callable[[str], Value]


def passes(evaluation: Evaluation, filters: Iterable[Item], group: Group, value_of: ValueOf) -> bool:
    """Whether a combined row passes the conditions on measures, rule 3.7."""
    columns = evaluation.question.columns
    plain = {c.member: v for c, v in zip(columns, group, strict=True) if not c.granularity}
    reader = FilterReader(evaluation.world, evaluation.question.zone)
    return all(
        reader.holds(item, lambda name: plain[name] if name in plain else value_of(name)) is True
        for item in filters
    )


def values(evaluation: Evaluation, name: str, state: State) -> Groups:
    """A multi-stage measure at ``state``."""
    measure = evaluation.world.measure(name)
    assert measure is not None
    assert measure.stage is not None
    if measure.window is not None:
        return _rolling(evaluation, name, measure, state)
    stage = measure.stage
    if measure.switch is not None:
        measure, there = switches.chosen(name, measure, evaluation.pins, evaluation.world)
        if not there:
            return dict.fromkeys((group for group, _ in evaluation.combined(measure.children, state)), None)
    kept = tuple(key for key in state.keys if _keeps(stage, key.member))
    conditions, segments = narrowed(evaluation, stage.filter, state)
    child = State(kept, conditions, segments, (*state.shifts, *stage.shifts), state.along)
    shifted = FilterReader(evaluation.world, evaluation.question.zone, child.shifts)
    for condition in conditions:
        shifted.test(condition.item)  # rule 8.3 refuses it, whether or not it restricts the measure
    if measure.type == "rank":
        return _ranks(evaluation, measure, kept, replace(child, keys=state.keys))
    if measure.type == "number":
        assert not stage.add_group_by, "the model refuses it, rule 9.3"
        table = {
            group: _value(measure.expression, value_of)
            for group, value_of in evaluation.combined(measure.children, child)
        }
    else:
        names = {key.member for key in kept}
        added = tuple(GroupColumn(member) for member in stage.add_group_by if member not in names)
        # Of what is left out and added again there is a value for each of the state's groups.
        kept, rest = (
            tuple(key for key in state.keys if key in (*kept, *added)),
            tuple(key for key in added if key not in state.keys),
        )
        table = _aggregated(evaluation, measure, replace(child, keys=(*kept, *rest)), len(kept))
    if kept == state.keys:
        return table
    return _broadcast(evaluation, measure, table, kept, replace(state, shifts=child.shifts))


def _keeps(stage: Stage, member: str) -> bool:
    return (stage.group_by is None or member in stage.group_by) and member not in stage.reduce_by


def narrowed(
    evaluation: Evaluation, directive: Directive | None, state: State
) -> tuple[tuple[Condition, ...], tuple[str, ...]]:
    """Rule 9.1: the conditions and segments of the children. A segment is a condition on the member that it is."""
    if directive is None:
        return state.conditions, state.segments
    base = evaluation.root if directive.mode == "fixed" else state

    def stays(names: frozenset[str]) -> bool:
        if names & set(directive.exclude):
            return False
        return directive.keep_only is None or names <= set(directive.keep_only)

    conditions = [condition for condition in base.conditions if stays(condition.names)]
    conditions += [Condition(item) for item in directive.include]
    return tuple(conditions), tuple(s for s in base.segments if stays(frozenset({s})))


def _value(expression: Expression | None, value_of: ValueOf) -> Value:
    assert expression is not None
    return evaluate(expression, lambda atom: value_of(_named(atom)))


def _aggregated(evaluation: Evaluation, measure: Measure, child: State, width: int) -> Groups:
    """Rule 9.2: the values of the groups of K', aggregated by their first ``width`` keys."""
    inputs: dict[Group, list[Value]] = defaultdict(list)
    if not width:
        inputs[()] = []
    for group, value_of in evaluation.combined(measure.children, child):
        true = all(_value(condition, value_of) is True for condition in measure.filters)
        inputs[group[:width]].append(_value(measure.expression, value_of) if true else None)
    return {group: aggregated(measure, given) for group, given in inputs.items()}


def _broadcast(
    evaluation: Evaluation, measure: Measure, table: Groups, kept: tuple[GroupColumn, ...], state: State
) -> Groups:
    """Rule 9.4: the groups are those of the children at the state itself, each with the value of its shared keys."""
    shared = [state.keys.index(key) for key in kept]
    groups = (group for group, _ in evaluation.combined(measure.children, state))
    return {group: table.get(tuple(group[at] for at in shared)) for group in groups}


def _ranks(evaluation: Evaluation, measure: Measure, kept: tuple[GroupColumn, ...], state: State) -> Groups:
    """Rule 9.5: one more than the rows of the partition that come before."""
    shared = [state.keys.index(key) for key in kept]
    partitions: dict[Group, list[tuple[Group, tuple[Value, ...]]]] = defaultdict(list)
    for group, value_of in evaluation.combined(measure.children, state):
        by = tuple(_value(order.expression, value_of) for order in measure.order_by)
        partitions[tuple(group[at] for at in shared)].append((group, by))
    descending = [order.descending for order in measure.order_by]
    return {
        group: 1 + sum(_before(other, by, descending) for _, other in rows)
        for rows in partitions.values()
        for group, by in rows
    }


def _before(left: tuple[Any, ...], right: tuple[Any, ...], descending: list[bool]) -> bool:
    """Whether ``left`` comes before ``right``; NULLs are last both ways."""
    for one, other, down in zip(left, right, descending, strict=True):
        if one == other:
            continue
        if one is None or other is None:
            return other is None
        return bool(one > other if down else one < other)
    return False


def _rolling(evaluation: Evaluation, name: str, measure: Measure, state: State) -> Groups:
    """Rule 7.6: each group of the children is a row at the start of its bucket."""
    assert measure.stage is not None
    assert measure.window is not None
    cube = cube_of(name)
    axis = windows.axis_of(state, cube, lambda names: evaluation.reader.restricts(names, cube))
    if axis is None:
        return _aggregated(evaluation, measure, state, len(state.keys))
    if not axis.units:
        raise RefusedError(f"{name} rolls over groups, and no granularity makes any")
    rest = windows.others(state, axis)
    at = GroupColumn(axis.member, axis.units[0])
    child = replace(windows.inner(state, axis), keys=(*rest, at))
    rows = [(value_of, group) for group, value_of in evaluation.combined(measure.children, child)]

    def value(inside: list[ValueOf]) -> Value:
        counted = [each for each in inside if all(_value(f, each) is True for f in measure.filters)]
        return aggregated(measure, [_value(measure.expression, each) for each in counted])

    return windows.rolled(state, axis, measure.window, rows, value)


# ---------------------------------------------------------------- dimensions over measures


def dimension_values(evaluation: Evaluation, name: str, dimension: Dimension) -> Groups:
    """The values of a sub-query dimension by the key of its cube (rule 10), of a multi-stage one by the tuples of its
    ``add_group_by`` (rule 9.7). Each is a query of its own."""
    from tests.oracle.evaluation import Evaluation

    world, question = evaluation.world, evaluation.question
    within = evaluation.within | {name}
    measures = tuple(dict.fromkeys(_named(atom) for atom in atoms(dimension.expression)))
    if dimension.sub_query:
        cube = world.cube(cube_of(name))
        keys = tuple(GroupColumn(f"{cube.name}.{part.name}") for part in cube.key)
        asked = Question(keys, measures, zone=question.zone)
        if dimension.propagate:
            conditions = tuple(c for c in question.conditions if not any(map(world.measured, c.names)))
            segments = tuple(s for s in question.segments if not world.measured(s))
            asked = replace(asked, conditions=conditions, segments=segments, paths=_of(segments, question))
    else:
        assert dimension.stage is not None
        keys = tuple(GroupColumn(member) for member in dimension.stage.add_group_by)
        conditions, segments = narrowed(evaluation, dimension.stage.filter, evaluation.root)
        conditions = tuple(c for c in conditions if not any(world.measured(n) & within for n in c.names))
        segments = tuple(s for s in segments if not world.measured(s) & within)
        asked = Question(
            keys,
            measures,
            conditions,
            segments=segments,
            zone=question.zone,
            paths=_of(segments, question),
        )
    inner = Evaluation(world, asked, evaluation.access, within, evaluation.pins)
    return {
        group: _value(dimension.expression, value_of)
        for group, value_of in inner.combined(measures, inner.root)
    }


def _of(segments: Iterable[str], question: Question) -> PathsOf:
    """The paths of these alone."""
    return {name: question.paths[name] for name in segments if name in question.paths}


def _named(atom: Column | Reference) -> str:
    assert isinstance(atom, Reference)
    return f"{atom.cube}.{atom.member}"
