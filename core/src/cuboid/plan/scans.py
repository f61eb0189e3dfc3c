"""Rewrites by which no table is read twice for what one reading tells.

What is known for fine groups need not be read again for coarse ones: counts and sums add up, and the least of the
least is the least. That holds where both are over the same rows and a row is in one group only, which it is in every
:class:`Aggregate`. Distinct counts and means do not add up.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from dataclasses import replace

from cuboid.catalog.model import Catalog
from cuboid.plan.nodes import (
    Aggregate,
    Combine,
    Groups,
    Key,
    KeyedAggregate,
    Leaf,
    Plan,
    Regrouped,
    Relation,
    Source,
    Stage,
    Switched,
    TopGroups,
    TopRows,
    Windowed,
    WithShares,
    WithSwitches,
)
from cuboid.query.model import OrderKey, members_of

Inputs = tuple[Groups, ...]

Scan = Aggregate | KeyedAggregate
"""What reads rows and may have been read already."""

ADDITIVE = ("count", "sum", "min", "max")
"""Types of measures whose values for groups give the value for all of them together."""


def on_inputs(plan: Plan, change: Callable[[Inputs], Inputs]) -> Plan:
    """The plan with the inputs of each combination of its statement changed, those inside stages first."""

    def changed(node: Combine) -> Combine:
        inputs = change(tuple(inside(part) for part in node.inputs))
        same = len(inputs) == len(node.inputs) and all(map(operator.is_, inputs, node.inputs))
        return node if same else Combine(inputs)

    def inside(part: Groups) -> Groups:
        if isinstance(part, Windowed) and isinstance(part.rows, Combine):
            rows = changed(part.rows)
            return part if rows is part.rows else replace(part, rows=rows)
        if not isinstance(part, Stage):
            return part
        child, groups = changed(part.child), None if part.groups is None else changed(part.groups)
        same = child is part.child and groups is part.groups
        return part if same else replace(part, child=child, groups=groups)

    def within(source: Source) -> Source:
        if isinstance(source, Combine):
            return changed(source)
        if isinstance(source, WithSwitches):  # its parts are one statement
            return replace(
                source,
                parts=tuple(
                    Switched(each.values, replace(each.plan, source=within(each.plan.source)))
                    for each in source.parts
                ),
            )
        return source

    source = within(plan.source)
    return plan if source is plan.source else replace(plan, source=source)


def scan_once(plan: Plan, catalog: Catalog) -> Plan:
    """Groups of the same rows are read once: what is known of finer ones is added up, not read again."""
    found: dict[object, list[Scan]] = {}
    order: list[Scan] = []

    def note(parts: Inputs) -> Inputs:
        for part in parts:
            if isinstance(part, Scan):
                order.append(part)
        return parts

    on_inputs(plan, note)
    if len(order) < 2:
        return plan
    for part in order:
        found.setdefault(_same_groups(part), []).append(part)
    wide = {groups: _with_leaves(parts[0], _all_leaves(parts)) for groups, parts in found.items()}
    finest: dict[object, object] = {}
    for groups, part in sorted(wide.items(), key=lambda item: -len(item[1].keys)):
        finer = next(
            (
                known
                for known in finest.values()
                if known != groups and finest[known] == known and _adds_up(wide[known], part, catalog)
            ),
            groups,
        )
        finest[groups] = finer
        if finer != groups:
            wide[finer] = _with_leaves(wide[finer], _all_leaves([wide[finer], part]))

    def read(part: Groups) -> Groups:
        if not isinstance(part, Scan):
            return part
        source = wide[finest[_same_groups(part)]]
        return part if source == part else Regrouped(source, part.keys, part.leaves)

    return on_inputs(plan, lambda parts: tuple(map(read, parts)))


def share_over_groups(plan: Plan, catalog: Catalog) -> Plan:
    """Totals of shares are the sums of the answer's groups, where their values add up. Conditions on groups are then
    tested after the sums."""
    source = plan.source
    if not isinstance(source, WithShares) or not _tests_columns(source.answer, catalog):
        return plan
    shown = source.answer.source
    inputs = shown.inputs if isinstance(shown, Combine) else ()
    totals = []
    for total in source.totals:
        part = _only_part(total.plan)
        over = part is not None and any(
            isinstance(each, Aggregate)
            and set(part.leaves) <= set(each.leaves)
            and (_adds_up(each, part, catalog))
            for each in inputs
        )
        totals.append(replace(total, plan=None, over_groups=True) if over else total)
    if not any(total.over_groups for total in totals):
        return plan
    whole = replace(source.answer, conditions=())
    return replace(plan, source=WithShares(whole, tuple(totals)), conditions=source.answer.conditions)


def _tests_columns(answer: Plan, catalog: Catalog) -> bool:
    """Whether the answer's conditions test its columns, as these are. Times of measures are not: they are shown in
    the query's zone."""
    columns = {key.member for key in answer.keys if key.granularity is None}
    columns |= {name for name in answer.measures if catalog.measure(name).type != "time"}
    return members_of(answer.conditions) <= columns


def top_of_groups(plan: Plan, catalog: Catalog) -> Plan:
    """The first values of a dimension are found among groups by all its values, and the others' groups added up."""
    if not isinstance(plan.source, Combine):
        return plan
    parts = [each for each in plan.source.inputs if isinstance(each, Aggregate) and each.relation.top]
    ranked = next(filter(None, (_ranked(part, plan, catalog) for part in parts)), None)
    if ranked is None:
        return plan

    def cut(part: Groups) -> Groups:
        top = part.relation.top if isinstance(part, Aggregate) else None
        if not isinstance(part, Aggregate) or top is None or not _can_cut(part, top, catalog):
            return part
        bare = _bare(part)
        if _same_groups(bare) == _same_groups(ranked):
            bare = ranked
        by, limit = Leaf(top.plan.measures[0]), top.plan.limit
        assert limit is not None
        return TopGroups(bare, part.keys, part.leaves, top.dimension, ranked, by, limit, top.others, top.drop)

    # Stages have relations of their own, so only the inputs themselves are looked at.
    return replace(plan, source=Combine(tuple(map(cut, plan.source.inputs))))


def _ranked(part: Aggregate, plan: Plan, catalog: Catalog) -> Aggregate | None:
    """The groups of the part by all values of the dimension, with the measure that these are ranked by, if the rows
    are those that it is computed over."""
    top = part.relation.top
    assert top is not None
    by = _only_part(top.plan)
    if by is None or plan.access.mask(top.plan.measures[0]) or not _can_cut(part, top, catalog):
        return None
    if top.plan.order != (OrderKey(top.plan.measures[0], True),) or top.plan.offset is not None:
        return None
    bare = _bare(part)
    if not (_same_groups(bare) == _same_groups(by) or _adds_up(bare, by, catalog)):
        return None
    return replace(bare, leaves=_all_leaves([bare, by]))


def _can_cut(part: Aggregate, top: TopRows, catalog: Catalog) -> bool:
    return Key(top.dimension) in part.keys and (top.drop or is_additive(part.leaves, catalog))


def _bare(part: Aggregate) -> Aggregate:
    return replace(part, relation=replace(part.relation, top=None))


# ---------------------------------------------------------------- what gives what


def _adds_up(fine: Scan, coarse: Scan, catalog: Catalog) -> bool:
    """Whether the values of ``fine``, once they have all leaves, give those of ``coarse``."""
    return (
        isinstance(fine, Aggregate)
        and isinstance(coarse, Aggregate)
        and set(coarse.keys) <= set(fine.keys)
        and bool(coarse.leaves)
        and is_additive(coarse.leaves, catalog)
        and _same_rows(fine.relation, coarse.relation, coarse.keys, catalog)
    )


def is_additive(leaves: Iterable[Leaf], catalog: Catalog) -> bool:
    """Whether their values for groups give the value for all of them together."""
    return all(not leaf.by_key and catalog.measure(leaf.measure).type in ADDITIVE for leaf in leaves)


def _same_rows(fine: Relation, coarse: Relation, keys: tuple[Key, ...], catalog: Catalog) -> bool:
    """Whether both have the same rows: the finer one may join more, as long as no join repeats or drops a row."""
    if fine == coarse:
        return True
    joins = set(coarse.tree.joins)
    more = [each for each in fine.tree.joins if each not in joins]
    grouped = {catalog.dimension(key.member).origin for key in keys}
    folded = fine.top == coarse.top or (coarse.top is None and fine.top is not None and not fine.top.drop)
    return (
        fine.tree.root == coarse.tree.root
        and len(more) + len(joins) == len(fine.tree.joins)
        and all(each.relationship != "one_to_many" for each in more)
        and folded
        and set(coarse.sub_queries) <= set(fine.sub_queries)
        and fine.conditions == coarse.conditions
        and fine.segments == coarse.segments
        and fine.access == coarse.access
        and {each for each in fine.shifts if each.looked_up or each.member in grouped}
        == {each for each in coarse.shifts if each.looked_up or each.member in grouped}
    )


def _same_groups(part: Scan) -> object:
    cube = part.cube if isinstance(part, KeyedAggregate) else None
    return type(part), part.relation, frozenset(part.keys), cube


def _all_leaves(parts: Iterable[Scan]) -> tuple[Leaf, ...]:
    return tuple(dict.fromkeys(leaf for part in parts for leaf in part.leaves))


def _with_leaves(part: Scan, leaves: tuple[Leaf, ...]) -> Scan:
    return part if part.leaves == leaves else replace(part, leaves=leaves)


def _only_part(plan: Plan | None) -> Aggregate | None:
    """What the plan aggregates, if it is rows and one measure of theirs."""
    inputs = plan.source.inputs if plan is not None and isinstance(plan.source, Combine) else ()
    if plan is None or len(inputs) != 1 or not isinstance(inputs[0], Aggregate):
        return None
    leaves = inputs[0].leaves
    return (
        inputs[0]
        if plan.conditions == () and tuple(each.measure for each in leaves) == plan.measures
        else None
    )
