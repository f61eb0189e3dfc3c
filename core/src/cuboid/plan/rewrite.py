"""Rewrites that make a plan cheaper and never change an answer: a tuple, applied in order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from cuboid.catalog.model import Catalog
from cuboid.plan import nodes
from cuboid.plan.buckets import window_over_buckets
from cuboid.plan.fanout import repeatable
from cuboid.plan.nodes import Aggregate, Combine, Groups, KeyedAggregate, Leaf, Plan, Regrouped, TopGroups
from cuboid.plan.scans import Inputs, on_inputs, scan_once, share_over_groups, top_of_groups

Rule = Callable[[Plan, Catalog], Plan]


def count_by_key(plan: Plan, catalog: Catalog) -> Plan:
    """A count of repeated rows of a cube with a one-column key is a count of distinct keys."""

    def rewritten(part: Groups) -> Groups:
        if not isinstance(part, KeyedAggregate) or len(catalog.cubes[part.cube].primary_key) != 1:
            return part
        return replace(
            part,
            leaves=tuple(
                Leaf(leaf.measure, by_key=True) if _counts_rows(catalog, leaf) else leaf
                for leaf in part.leaves
            ),
        )

    return on_inputs(plan, lambda parts: tuple(rewritten(part) for part in parts))


def free_repeatable(plan: Plan, catalog: Catalog) -> Plan:
    """Leaves that repetition cannot change need no reduction to keys."""

    def split(part: Groups) -> tuple[Groups, ...]:
        if not isinstance(part, KeyedAggregate):
            return (part,)
        free = tuple(leaf for leaf in part.leaves if repeatable(catalog, leaf))
        kept = tuple(leaf for leaf in part.leaves if leaf not in free)
        if kept:  # the reduced rows are there anyway, one scan serves all
            return (part,)
        return (Aggregate(part.relation, part.keys, free),)

    return on_inputs(plan, lambda parts: tuple(piece for part in parts for piece in split(part)))


def merge_aggregates(plan: Plan, catalog: Catalog) -> Plan:
    """Plain aggregates over equal relations are one."""

    def merge(parts: Inputs) -> Inputs:
        merged: dict[object, Groups] = {}
        for part in parts:
            identity = (part.relation, part.keys) if isinstance(part, Aggregate) else id(part)
            known = merged.get(identity)
            if isinstance(known, Aggregate) and isinstance(part, Aggregate):
                merged[identity] = replace(known, leaves=(*known.leaves, *part.leaves))
            else:
                merged[identity] = part
        return tuple(merged.values())

    return on_inputs(plan, merge)


def unwrap_single_input(plan: Plan, catalog: Catalog) -> Plan:
    """One input needs no combining."""
    source = plan.source
    if not isinstance(source, Combine) or len(source.inputs) != 1:
        return plan
    if isinstance(source.inputs[0], Regrouped | TopGroups):
        # Their columns have the names of those they read, and engines disagree on which of them ORDER BY means.
        return plan
    return replace(plan, source=source.inputs[0])


RULES: tuple[Rule, ...] = (
    count_by_key,
    free_repeatable,
    merge_aggregates,
    share_over_groups,
    top_of_groups,
    scan_once,
    window_over_buckets,
    unwrap_single_input,
)


def rewrite(plan: Plan, catalog: Catalog) -> Plan:
    """The plan after all rules."""
    for rule in RULES:
        plan = rule(plan, catalog)
    return replace(plan, source=_with_inner(plan.source, lambda inner: rewrite(inner, catalog)))


def _with_inner(node: Any, change: Callable[[Plan], Plan]) -> Any:
    """``node`` with the plans inside it changed."""
    if isinstance(node, Plan):
        return change(node)
    if isinstance(node, tuple):
        parts = [_with_inner(each, change) for each in node]
        return node if all(new is old for new, old in zip(parts, node, strict=True)) else tuple(parts)
    if type(node).__module__ != nodes.__name__:
        return node
    changed = {}
    for name in node.__dataclass_fields__:
        old = getattr(node, name)
        if (new := _with_inner(old, change)) is not old:
            changed[name] = new
    return replace(node, **changed) if changed else node


def _counts_rows(catalog: Catalog, leaf: Leaf) -> bool:
    measure = catalog.measure(leaf.measure)
    return measure.type == "count" and measure.sql is None
