"""Groups that are made of other groups, as SQL: added up, and cut to the first values of a dimension."""

from __future__ import annotations

from typing import Protocol

from sqlglot import exp

from cuboid.plan.nodes import Aggregate, Key, Regrouped, TopGroups
from cuboid.sql.aggregates import LeafSql
from cuboid.sql.binding import slot_mark
from cuboid.sql.dialect import Dialect
from cuboid.sql.members import is_not_null
from cuboid.sql.reading import Reading, Table, aliased, column, group_by_position, identifier, join

GROUPS, TOP, CUT = "groups", "top", "cut"
FIRST, RANKED, KEPT, SHOWN = "top__value", "top__by", "top__kept", "top__shown"


class MakesTables(Protocol):
    """The CTEs of a statement."""

    def table(self, node: Aggregate) -> Table:
        """The CTE that has the node's groups."""

    def cte(self, wanted: str, select: exp.Select, comment: str) -> str:
        """A CTE that is no table of groups; returns its name."""


def added_up(source: Reading, node: Regrouped, leaves: LeafSql) -> Reading:
    """The groups of the source by fewer keys."""
    by_name = {leaf.measure: leaf for leaf in node.leaves}
    return Reading(
        source.select,
        {key: source.keys[key] for key in node.keys},
        lambda name: leaves.added_up(by_name[name], source.leaf(name), grouped=bool(node.keys)),
        grouped=True,
    )


def first_groups(node: TopGroups, tables: MakesTables, leaves: LeafSql, dialect: Dialect) -> Reading:
    """The groups of the first values of the dimension, and of the others unless they are left out."""
    dimension = Key(node.dimension)
    first = tables.cte(TOP, _first(node, tables.table(node.ranked), leaves), _about(node))
    groups = tables.table(node.source).reading(GROUPS)
    source = exp.alias_(exp.Table(this=identifier(first)), identifier(TOP), table=True, copy=False)
    if first == TOP:
        source = exp.Table(this=identifier(first))
    on = dialect.same(groups.keys[dimension], column(FIRST, TOP))
    select = join(groups.select, source, "INNER" if node.drop else "LEFT", on)
    keys = {key: groups.keys[key] for key in node.keys}
    if node.drop:
        return Reading(select, keys, groups.leaf, grouped=False)
    value = exp.Case().when(is_not_null(column(KEPT, TOP)), keys[dimension])
    if node.others is not None:
        value = value.else_(dialect.parameter(slot_mark(node.others), "string"))
    # Grouped by in a SELECT of its own: some engines take a key whose alias is the name of a column it reads for that
    # column, and some do not see that two expressions are one where they have parameters.
    select = select.select(aliased(value, SHOWN), copy=False)
    carried: dict[str, exp.Expr] = {}
    for key, each in keys.items():
        if key != dimension:
            select = select.select(each.copy(), copy=False)
        keys[key] = column(SHOWN if key == dimension else each.name, CUT)
    for leaf in node.leaves:
        carried[leaf.measure] = groups.leaf(leaf.measure)
        select = select.select(carried[leaf.measure], copy=False)
    by_name = {leaf.measure: leaf for leaf in node.leaves}
    return Reading(
        exp.Select().from_(select.subquery(identifier(CUT), copy=False), copy=False),
        keys,
        lambda name: leaves.added_up(by_name[name], column(carried[name].name, CUT), grouped=True),
        grouped=True,
    )


def _first(node: TopGroups, ranked: Table, leaves: LeafSql) -> exp.Select:
    """The first values, each once: by the measure downwards, NULL last both ways, equal ones by value."""
    reading = ranked.reading(GROUPS)
    select = reading.select.select(aliased(reading.keys[Key(node.dimension)], FIRST), copy=False)
    finer = len(ranked.keys) > 1
    value = reading.leaf(node.by.measure)
    value = leaves.added_up(node.by, value, grouped=True) if finer else value
    select = select.select(aliased(value, RANKED), copy=False)
    if not node.drop:
        select = select.select(aliased(exp.Literal.number(1), KEPT), copy=False)
    if finer:
        select = group_by_position(select, 1)
    for name, descending in ((RANKED, True), (FIRST, False)):
        by = exp.Ordered(this=column(name), desc=descending, nulls_first=False)
        select = select.order_by(by, copy=False)
    return select.limit(slot_mark(node.limit), copy=False)


def _about(node: TopGroups) -> str:
    return f"the first values of {node.dimension} by {node.by.measure}"
