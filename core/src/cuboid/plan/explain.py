"""Why a plan is as it is: how cubes are joined, what each measure aggregates, which joins repeat it.

Nothing here decides anything: the plan is built by the same code as for an answer, and looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from cuboid.catalog.joins import JoinGraph, JoinTree
from cuboid.catalog.model import Catalog, Join
from cuboid.plan.build import Builder
from cuboid.plan.members import Members
from cuboid.plan.nodes import (
    Aggregate,
    ConversionAggregate,
    KeyedAggregate,
    Plan,
    Relation,
    Rows,
    SnapshotAggregate,
    SubQuery,
)
from cuboid.plan.relations import AskedTree
from cuboid.plan.rewrite import RULES, rewrite
from cuboid.plan.tree import describe_plan, walk
from cuboid.query.model import Shape
from cuboid.query.words import condition_words

Aggregated = Aggregate | KeyedAggregate | SnapshotAggregate | ConversionAggregate
"""What aggregates rows of one cube over one relation."""

PLAIN = (Plan, Aggregate, KeyedAggregate, Relation, Rows, SubQuery)
"""Nodes that every plan may have; all others are stages."""


class Explainer:
    """Explains the plans of one catalog."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._graph = JoinGraph(catalog)
        self._members = Members(catalog)

    def explain(self, shape: Shape) -> dict[str, Any]:
        """``relations``, ``measures``, ``stages`` and ``plan`` of a question's shape. Raises what building raises."""
        asked: dict[JoinTree, AskedTree] = {}
        built = Builder(self._catalog, asked.__setitem__).build(shape)
        rewritten = rewrite(built, self._catalog)
        relations = list(dict.fromkeys(each for each in walk(built) if isinstance(each, Relation)))
        return {
            "cubes": sorted({cube for each in relations for cube in each.tree.cubes}),
            "relations": [
                self._relation(number, each, asked.get(each.tree), shape)
                for number, each in enumerate(relations, start=1)
            ],
            "measures": [
                *self._leaves(built, relations),
                *self._composed(shape),
            ],
            "stages": list(dict.fromkeys(self._stages(rewritten))),
            "plan": {
                "built": describe_plan(built).describe(),
                "rewritten": describe_plan(rewritten).describe(),
                "rewrites": list(_rewrites(built, self._catalog)),
            },
        }

    # ------------------------------------------------------------ join paths

    def _relation(
        self, number: int, relation: Relation, asked: AskedTree | None, shape: Shape
    ) -> dict[str, Any]:
        tree = relation.tree
        left_out = [each for each in shape.row_conditions if each not in relation.conditions]
        return {
            "number": number,
            "root": tree.root,
            "why": self._why_root(tree, asked),
            "joins": [
                {
                    "from": join.source,
                    "to": join.target,
                    "relationship": join.relationship,
                    "why": self._why_join(tree.root, join, asked),
                    "alternatives": [
                        f"{other.source} to {other.target}"
                        for other in self._graph.alternatives(tree.root, join)
                    ],
                }
                for join in tree.joins
            ],
            "conditions": [
                *(condition_words(each) for each in relation.conditions),
                *(f"segment {each}" for each in relation.segments),
            ],
            "notApplied": [
                *(condition_words(each) for each in left_out),
                *(f"segment {each}" for each in shape.segments if each not in relation.segments),
            ],
        }

    def _why_root(self, tree: JoinTree, asked: AskedTree | None) -> str:
        if not tree.joins:
            return "the only cube that is needed"
        needed = tree.cubes if asked is None else asked.needed
        if asked is not None and tree.root not in needed:
            return "none of the needed cubes leads to all others; this one, which the query names, does"
        tried = []
        paths, hints = (asked.paths, asked.hints) if asked else (frozenset(), frozenset())
        for root, found in self._graph.candidates(needed, paths, hints):
            if root != tree.root:
                tried.append(f"{root} {_reached(found, tree)}")
        others = f"; {', '.join(tried)}" if tried else ""
        return f"leads to all needed cubes by {_joins(len(tree.joins))}{others}"

    def _why_join(self, root: str, join: Join, asked: AskedTree | None) -> str:
        step = (join.source, join.target)
        for paths, words in (
            ((asked.paths, "named by the path"), (asked.hints, "by the join hint")) if asked else ()
        ):
            for path in sorted(paths):
                if step in pairwise(path):
                    return f"{words} {'.'.join(path)}"
        others = self._graph.alternatives(root, join)
        if others:
            return f"first declared of {len(others) + 1} equally short paths"
        return "on the shortest path"

    # ------------------------------------------------------------ measures

    def _leaves(self, built: Plan, relations: list[Relation]) -> Iterator[dict[str, Any]]:
        for node in walk(built):
            if isinstance(node, Aggregated):
                plain = node.plain if isinstance(node, SnapshotAggregate) else ()
                for leaf in (*node.leaves, *plain):
                    yield self._leaf(leaf.measure, node, relations.index(node.relation) + 1)

    def _leaf(self, name: str, node: Aggregated, relation: int) -> dict[str, Any]:
        cube = self._catalog.cubes[self._catalog.measure(name).cube]
        repeating = node.relation.tree.repeating(cube.name)
        key = ", ".join(part.name for part in cube.primary_key)
        if not repeating and any(each.looked_up for each in node.relation.shifts):
            how = "several times of the calendar may read one of its rows: each is taken once in a group"
        elif not repeating:
            how = "no join repeats its rows: aggregated as they are"
        elif isinstance(node, KeyedAggregate | ConversionAggregate) or (
            isinstance(node, SnapshotAggregate) and node.repeated
        ):
            how = "joins repeat its rows: each is taken once in a group, by its primary key"
        else:
            how = "joins repeat its rows, which does not change its value"
        return {
            "measure": name,
            "relation": relation,
            "grain": f"a row of {cube.name}{f' ({key})' if key else ', which has no primary key'}",
            "repeatedBy": [f"{join.source} to {join.target} ({join.relationship})" for join in repeating],
            "how": how,
        }

    def _composed(self, shape: Shape) -> Iterator[dict[str, Any]]:
        for name in shape.measures:
            if self._catalog.measure(name).composed:
                leaves = self._members.leaves(name)
                yield {"measure": name, "how": f"computed for each group from {', '.join(leaves)}"}

    # ------------------------------------------------------------ stages

    def _stages(self, built: Plan) -> Iterator[str]:
        for node in walk(built):
            if isinstance(node, SubQuery):
                by = ", ".join(node.by) or "nothing"
                yield f"{node.dimension} is evaluated by {by} and joined to the rows of {node.cube}"
            elif type(node).__name__ not in _NO_STAGES:
                step = describe_plan(node)
                yield ": ".join((step.title, "; ".join(step.details))) if step.details else step.title


_NO_STAGES = frozenset(each.__name__ for each in PLAIN) | {
    "Key",
    "Leaf",
    "Shift",
    "VisibleRows",
    "Total",
    "StepRows",
}


def _rewrites(plan: Plan, catalog: Catalog) -> Iterator[str]:
    """The first sentences of the rules that changed the plan."""
    for rule in RULES:
        changed = rule(plan, catalog)
        if changed != plan:
            yield (rule.__doc__ or rule.__name__).strip().splitlines()[0]
        plan = changed


def _reached(found: JoinTree | None, chosen: JoinTree) -> str:
    if found is None:
        return "does not lead to all"
    later = " too and is declared later" if len(found.joins) == len(chosen.joins) else ""
    return f"needs {_joins(len(found.joins))}{later}"


def _joins(number: int) -> str:
    return "one join" if number == 1 else f"{number} joins"
