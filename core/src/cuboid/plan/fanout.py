"""Fan-out: which measures a join repeats, and the aggregate that is right all the same.

The rule that holds everywhere: a leaf measure aggregates each row of its own cube once per group, whatever is
joined. Where the tree repeats the cube's rows, they are reduced to one per (group, primary key) first.
"""

from __future__ import annotations

from collections.abc import Sequence

from cuboid.catalog.model import Catalog
from cuboid.errors import UnsupportedFeature
from cuboid.plan.members import Members
from cuboid.plan.nodes import Aggregate, Key, KeyedAggregate, Leaf, Relation


def aggregate_leaves(
    catalog: Catalog,
    members: Members,
    relation: Relation,
    keys: tuple[Key, ...],
    cube: str,
    leaves: Sequence[str],
) -> Aggregate | KeyedAggregate:
    """The node that computes ``leaves``, all of ``cube``, over ``relation``.

    Raises :class:`UnsupportedFeature` for a measure whose SQL reads a cube that has many rows per row of ``cube``
    (the measure has no grain then), and where rows are repeated and the cube has no primary key.
    """
    for leaf in leaves:
        for other in members.cubes(leaf) - {cube}:
            if relation.tree.fans_out(cube, other):
                raise UnsupportedFeature(
                    f"Measure '{leaf}' reads cube '{other}', which has many rows for each row of '{cube}'.",
                    hint=f"Define the measure on '{other}', or aggregate '{other}' first.",
                )
    parts = tuple(Leaf(leaf) for leaf in leaves)
    if not relation.repeats(cube):
        return Aggregate(relation, keys, parts)
    if not catalog.cubes[cube].primary_key and not all(repeatable(catalog, part) for part in parts):
        raise UnsupportedFeature(
            f"This query joins cube '{cube}' so that its rows repeat, and it has no primary key to tell them apart.",
            hint=f"Mark the key of '{cube}' with primary_key: true.",
        )
    return KeyedAggregate(relation, keys, cube, parts)


def repeatable(catalog: Catalog, leaf: Leaf) -> bool:
    """Whether repeated rows leave the leaf's value as it is."""
    measure = catalog.measure(leaf.measure)
    return leaf.by_key or measure.type in ("min", "max", "count_distinct", "count_distinct_approx")
