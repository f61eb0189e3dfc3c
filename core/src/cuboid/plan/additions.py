"""``percentOfTotal`` and ``top``: plans inside the plan, whose answers are joined to groups or rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from cuboid.catalog.model import Catalog, Measure
from cuboid.plan.facts import Facts
from cuboid.plan.nodes import Plan, TopRows, Total, WithShares
from cuboid.query.model import Access, OrderKey, Shape, Share, members_of

BuildPlan = Callable[[Shape, Facts | None], Plan]
"""Plans a shape whose conditions restrict what they restrict among these facts, by default its own."""


def with_shares(plan: Plan, shape: Shape, catalog: Catalog, facts: Facts | None, build: BuildPlan) -> Plan:
    """``plan`` with a column for each share of its shape."""
    answer = replace(plan, order=(), limit=None, offset=None)
    totals = tuple(Total(each, _total(each, shape, catalog, facts, build)) for each in shape.shares)
    return replace(
        plan,
        source=WithShares(answer, totals),
        conditions=(),
        access=replace(plan.access, masks=()),
        shares=shape.shares,
    )


def _total(
    share: Share, shape: Shape, catalog: Catalog, facts: Facts | None, build: BuildPlan
) -> Plan | None:
    """What the groups' values are divided by. None for a masked measure: its total would tell what a mask hides."""
    if shape.access.mask(share.measure) is not None:
        return None
    dimensions = tuple(name for name in shape.dimensions if name in share.within)
    inner = replace(
        shape,
        measures=(share.measure,),
        dimensions=dimensions,
        time_groupings=tuple(each for each in shape.time_groupings if each.key in share.within),
        group_conditions=(),
        order=(),
        limit=None,
        offset=None,
        shares=(),
        access=_within(shape.access, catalog, dimensions),
    )
    return build(inner, facts)


def plan_top(shape: Shape, catalog: Catalog, facts: Facts, build: BuildPlan) -> TopRows | None:
    """The first values of the dimension that the shape cuts, if it cuts one."""
    top = shape.top
    if top is None:
        return None
    inner = replace(
        shape,
        measures=(top.by,),
        dimensions=(top.dimension,),
        time_groupings=(),
        group_conditions=(),
        order=(OrderKey(top.by, True),),  # equal ones follow by their value
        limit=top.limit,
        offset=None,
        total=False,
        shares=(),
        top=None,
        access=_within(shape.access, catalog, (top.dimension,)),
    )
    return TopRows(top.dimension, build(inner, facts), top.others, top.drop)


def _within(access: Access, catalog: Catalog, dimensions: Iterable[str]) -> Access:
    """The rules for groups of these dimensions alone: a measure that is shown by others of its groups is masked."""
    known = frozenset(dimensions)
    masks = tuple(
        replace(rule, shown=None)
        if isinstance(catalog.member(rule.member), Measure)
        and rule.shown is not None
        and not members_of((rule.shown,)) <= known
        else rule
        for rule in access.masks
    )
    return replace(access, masks=masks)
