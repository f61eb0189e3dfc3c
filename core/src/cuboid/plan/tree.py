"""A plan as a tree to be read: one step a node, what it does in words, and the steps that it works on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Any

from cuboid.plan import nodes
from cuboid.plan.nodes import (
    Aggregate,
    Combine,
    ConversionAggregate,
    Key,
    KeyedAggregate,
    Leaf,
    Plan,
    Regrouped,
    Relation,
    Rows,
    SnapshotAggregate,
    Stage,
    StepRows,
    StoredAggregate,
    SubQuery,
    Switched,
    TopGroups,
    TopRows,
    Total,
    Windowed,
    WithShares,
    WithSwitches,
)
from cuboid.plan.words import (
    interval_words,
    shift_words,
    stage_details,
    stage_title,
    window_details,
    window_title,
)
from cuboid.query.model import Junction, Predicate
from cuboid.query.words import condition_words


@dataclass(frozen=True, slots=True)
class Step:
    """One node in words."""

    title: str
    details: tuple[str, ...] = ()
    inputs: tuple[Step, ...] = ()

    def describe(self) -> dict[str, Any]:
        """The step as JSON."""
        return {
            "step": self.title,
            "details": list(self.details),
            "inputs": [each.describe() for each in self.inputs],
        }


def walk(node: object) -> Iterator[Any]:
    """The node and all nodes of the plan inside it, outermost first."""
    if isinstance(node, tuple):
        for each in node:
            yield from walk(each)
    elif is_node(node):
        yield node
        for name in node.__dataclass_fields__:  # type: ignore[attr-defined]  # a dataclass, as all nodes are
            yield from walk(getattr(node, name))


def is_node(value: object) -> bool:
    """Whether the value is a part of plans, and no value of a query or of the catalog."""
    return type(value).__module__ == nodes.__name__


def describe_plan(node: Any) -> Step:
    """What the node does, with the steps before it."""
    match node:
        case Plan():
            return Step("Answer", tuple(_answer(node)), (describe_plan(node.source),))
        case Combine(inputs=(part,)):
            return describe_plan(part)
        case Combine():
            return Step(f"Combine the groups of {len(node.inputs)}, null-safe", (), _inner(node.inputs))
        case Aggregate():
            title = f"Aggregate {_leaves(node.leaves)}" if node.leaves else "Distinct groups"
            return Step(f"{title}{_by(node.keys)}", (), (describe_plan(node.relation),))
        case KeyedAggregate():
            details = (f"each row of {node.cube} once in a group, by its primary key",)
            title = f"Aggregate {_leaves(node.leaves)}{_by(node.keys)}"
            return Step(title, details, (describe_plan(node.relation),))
        case Regrouped():
            return _regrouped(node)
        case TopGroups():
            return _top_groups(node)
        case SnapshotAggregate():
            title = f"Aggregate {_leaves((*node.leaves, *node.plain))}{_by(node.keys)}"
            return Step(title, tuple(_snapshots(node)), (describe_plan(node.relation),))
        case ConversionAggregate():
            title = f"{'The rate' if node.rate else 'The number'} of rows of {node.cube} that went through"
            return Step(f"{title}{_by(node.keys)}", tuple(_steps(node)), _inner((node.first, *node.steps)))
        case StoredAggregate():
            return _stored(node)
        case Stage():
            inputs = _inner((node.child, *((node.groups,) if node.groups else ())))
            return Step(stage_title(node), tuple(stage_details(node)), inputs)
        case Windowed():
            return Step(window_title(node), tuple(window_details(node)), (describe_plan(node.rows),))
        case StepRows():
            return Step(f"Step: rows that {node.measure} counts", (), (describe_plan(node.relation),))
        case Rows():
            return Step(f"Rows as they are{_by(node.keys)}", (), (describe_plan(node.relation),))
        case Relation():
            inside = (*node.sub_queries, *((node.top,) if node.top else ()))
            return Step(f"Rows of {node.tree.root}", tuple(_rows(node)), _inner(inside))
        case TopRows():
            others = "left out" if node.drop else "one group"
            title = f"The first values of {node.dimension}, by {node.plan.measures[0]}"
            return Step(title, (f"the others are {others}",), (describe_plan(node.plan),))
        case WithSwitches():
            switches = ", ".join(key.name for key in node.switches)
            return Step(f"An answer for each value of {switches}", (), _inner(node.parts))
        case Switched():
            return Step(f"For {', '.join(node.values)}", (), (describe_plan(node.plan),))
        case WithShares():
            return Step("Shares of totals", (), _inner((node.answer, *node.totals)))
        case Total():
            within = ", ".join(node.share.within) or "nothing"
            title = f"Total of {node.share.measure} by {within}"
            said = ("the sum over the answer's groups",) if node.over_groups else ()
            return Step(title, said, _inner((node.plan,) if node.plan else ()))
        case SubQuery():
            by = ", ".join(node.by) or "nothing"
            return Step(f"Column {node.dimension} of {node.cube}, by {by}", (), _inner(node.plans))
    return _other(node)


def _regrouped(node: Regrouped) -> Step:
    title = f"{_leaves(node.leaves)}{_by(node.keys) or ' in all'}"
    fewer = len(node.keys) < len(node.source.keys)
    how = "added up, no row is read again" if fewer else "as they are, no row is read again"
    return Step(f"Take {title} from groups that are known", (how,), (describe_plan(node.source),))


def _top_groups(node: TopGroups) -> Step:
    title = f"Cut the groups to the first values of {node.dimension}, by {node.by.measure}"
    others = "left out" if node.drop else "one group, their values added up"
    groups = tuple(dict.fromkeys((node.source, node.ranked)))
    return Step(title, (f"the others are {others}",), _inner(groups))


def _stored(node: StoredAggregate) -> Step:
    how = "as they are stored" if node.exact else "aggregated again"
    tested = (
        *(condition_words(each) for each in node.conditions),
        *(f"segment {each}" for each in node.segments),
    )
    return Step(f"Groups of rollup {node.rollup}{_by(node.keys)}, {how}", tested)


def _answer(plan: Plan) -> Iterator[str]:
    yield f"columns: {', '.join((*(key.name for key in plan.keys), *plan.measures)) or 'none'}"
    for visible in plan.visible:
        for condition in visible.relation.access:
            yield f"of {visible.cube} only rows where {condition_words(condition)}, by its policies"
    for condition in plan.conditions:
        yield f"only groups where {condition_words(condition)}"
    for order in plan.order:
        yield f"ordered by {order.key}, {'descending' if order.descending else 'ascending'}, NULL last"
    if plan.counted:
        yield "the number of these rows"


def _rows(relation: Relation) -> Iterator[str]:
    for join in relation.tree.joins:
        yield f"LEFT JOIN {join.target} from {join.source} ({join.relationship})"
    for condition in relation.conditions:
        yield f"where {condition_words(condition)}"
    for segment in relation.segments:
        yield f"where segment {segment}"
    for condition in relation.access:
        yield f"where a policy says: {condition_words(condition)}"
    yield from map(shift_words, relation.shifts)


def _snapshots(node: SnapshotAggregate) -> Iterator[str]:
    if node.repeated:
        yield f"each row of {node.cube} once in a group, by its primary key"
    if node.take == "average":
        yield f"for each {node.time_dimension} by itself, then the mean"
    else:
        each = f" and each {', '.join(node.by)}" if node.by else ""
        of = f", for {_leaves(node.leaves)}" if node.plain else ""
        yield f"only rows of the {node.take} {node.time_dimension} of the group{each}{of}"


def _steps(node: ConversionAggregate) -> Iterator[str]:
    yield f"each step of the same {node.entity}, not before the step before"
    if node.window is not None:
        yield f"all within {interval_words(node.window)} of the first"


def _inner(parts: Iterable[Any]) -> tuple[Step, ...]:
    return tuple(describe_plan(part) for part in parts)


def _leaves(leaves: Iterable[Leaf]) -> str:
    return ", ".join(_leaf(leaf) for leaf in leaves)


def _leaf(leaf: Leaf) -> str:
    return f"{leaf.measure} (as distinct keys)" if leaf.by_key else leaf.measure


def _by(keys: Iterable[Key]) -> str:
    names = [key.name for key in keys]
    return f" by {', '.join(names)}" if names else ""


def _other(node: Any) -> Step:
    """A node without words of its own: its name, what it holds, and the nodes inside it."""
    details: list[str] = []
    inputs: list[Step] = []
    for each in fields(node):
        value = getattr(node, each.name)
        found = [part for part in (value if isinstance(value, tuple) else (value,)) if _has_inputs(part)]
        if found:
            inputs += _inner(found)
        elif shown := _shown(value):
            details.append(f"{each.name.replace('_', ' ')}: {shown}")
    title = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(node).__name__).capitalize()
    return Step(title, tuple(details), tuple(inputs))


def _has_inputs(value: object) -> bool:
    return is_node(value) and not isinstance(value, (Key, Leaf))


def _shown(value: Any) -> str:
    match value:
        case None | False | ():
            return ""
        case str() | int():
            return str(value)
        case Key():
            return value.name
        case Leaf():
            return _leaf(value)
        case Predicate() | Junction():
            return condition_words(value)
        case tuple():
            return ", ".join(filter(None, map(_shown, value)))
    return ""
