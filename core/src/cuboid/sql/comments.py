"""What stands above each CTE: which numbers it has, by what. Only names of the catalog are in it, never a value.

A comment goes the way of all SQL: a slot's mark or a placeholder in it would be bound. Names have no such
characters; whatever is no part of a name is dropped all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from sqlglot import exp

from cuboid.plan.nodes import (
    Combine,
    ConversionAggregate,
    Groups,
    Key,
    KeyedAggregate,
    Regrouped,
    SnapshotAggregate,
    Stage,
    StoredAggregate,
    TopGroups,
    Windowed,
)

SHOWN = 8
"""Names in a list; of the rest it is said how many there are."""

_NOT_IN_NAMES = re.compile(r"[^\w ,.:()-]", re.ASCII)


def commented(query: exp.Query, text: str) -> exp.Query:
    """``query`` under the comment."""
    first: exp.Expr = query
    while isinstance(first, exp.SetOperation):  # a comment of its own would stand in its middle
        first = first.this
    first.comments = [f" {_NOT_IN_NAMES.sub('', text)} "]
    return query


def about(node: Groups | Combine, values: Sequence[str]) -> str:
    """What the groups of a node are."""
    said = by(values, node.keys)
    if isinstance(node, Regrouped):
        return f"{said}: added up"
    if isinstance(node, TopGroups):
        return f"{said}: the first of {node.dimension}{'' if node.drop else ' and the others'}"
    relation = getattr(node, "relation", None)
    moved = [] if relation is None else [each.member for each in relation.shifts]
    if moved:
        said += f", {_listed(moved)} being shifted"
    match node:
        case KeyedAggregate():
            return f"{said}: each row of {node.cube} once per group"
        case SnapshotAggregate(take="average"):
            return f"{said}: the mean over {node.time_dimension}"
        case SnapshotAggregate():
            return f"{said}: of the {node.take} {node.time_dimension} of each group"
        case ConversionAggregate():
            return f"{said}: the rows of the first step and whether they went through"
        case StoredAggregate(rollup=rollup):
            return f"{said}: from the stored rows of {rollup}"
        case Stage():
            return f"{said}: from the groups of what it is made of"
        case Windowed():
            return f"{said}: the rows in the frame of each bucket"
        case _:
            return said


def by(values: Iterable[str], keys: Iterable[Key]) -> str:
    """``orders.total, orders.count by users.city``."""
    grouped = _listed([key.name for key in keys])
    return f"{_listed(list(values)) or 'groups'} {f'by {grouped}' if grouped else 'in all'}"


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:SHOWN])
    return f"{shown} and {len(names) - SHOWN} more" if len(names) > SHOWN else shown
