"""Semi-additive measures: leaves whose rows are chosen by time before they count."""

from __future__ import annotations

from collections.abc import Iterator

from cuboid.catalog.model import Catalog
from cuboid.catalog.pieces import Template
from cuboid.catalog.stages import SemiAdditive
from cuboid.plan.nodes import Aggregate, KeyedAggregate, Leaf, SnapshotAggregate

AGGREGATES = ("count", "sum", "avg", "min", "max", "count_distinct", "count_distinct_approx")
"""Types whose value is an aggregate of one input of each row."""


def with_snapshots(
    catalog: Catalog, part: Aggregate | KeyedAggregate
) -> Iterator[Aggregate | KeyedAggregate | SnapshotAggregate]:
    """``part`` with its semi-additive leaves in nodes of their own: one for those that choose alike. Where rows are
    marked for these, the other leaves are aggregated from the same rows."""
    plain: list[Leaf] = []
    chosen: dict[tuple[SemiAdditive, tuple[Template, ...]], list[Leaf]] = {}
    for leaf in part.leaves:
        measure = catalog.measure(leaf.measure)
        rule = measure.semi_additive
        if rule is None:
            plain.append(leaf)
        else:
            # Averages share the snapshots that there are, which filters decide; edges are found for each leaf.
            filters = measure.filters if rule.take == "average" else ()
            chosen.setdefault((rule, filters), []).append(leaf)
    if not chosen:
        yield part
        return
    beside = tuple(leaf for leaf in plain if catalog.measure(leaf.measure).type in AGGREGATES)
    if all(rule.take == "average" for rule, _ in chosen):
        beside = ()
    if alone := tuple(leaf for leaf in plain if leaf not in beside):
        yield _only(part, alone)
    for (rule, _), leaves in chosen.items():
        along, beside = (beside, ()) if rule.take != "average" else ((), beside)
        yield SnapshotAggregate(
            part.relation,
            part.keys,
            catalog.measure(leaves[0].measure).cube,
            tuple(leaves),
            rule.time_dimension,
            rule.take,
            rule.by,
            repeated=isinstance(part, KeyedAggregate),
            plain=along,
        )


def _only(part: Aggregate | KeyedAggregate, leaves: tuple[Leaf, ...]) -> Aggregate | KeyedAggregate:
    if isinstance(part, KeyedAggregate):
        return KeyedAggregate(part.relation, part.keys, part.cube, leaves)
    return Aggregate(part.relation, part.keys, leaves)
