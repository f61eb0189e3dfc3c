"""What access rules leave of each cube: a relation that stands in the cube's place.

A rule may test members of other cubes that each row of the cube has at most once: a joined row's attributes are
attributes of the cube's row. Inside a rule all rows of those cubes exist: it is the model's author who looks, not the
principal. So it is with what masks are shown by: whatever a question joins, by whatever way, decides about none.
"""

from __future__ import annotations

from collections.abc import Iterator

from cuboid.catalog.joins import JoinGraph, JoinTree
from cuboid.catalog.model import Dimension
from cuboid.errors import NoJoinPath
from cuboid.plan.members import Members
from cuboid.plan.nodes import Relation, VisibleRows
from cuboid.query.model import ALWAYS, Access, MaskRule, RowRule, members_of


def visible_rows(graph: JoinGraph, members: Members, access: Access) -> tuple[VisibleRows, ...]:
    """The rows of each cube that the rules speak of. What is wrong with a rule is told to who reads the cube."""
    shown = {rule.cube: tuple(_shown(rule.cube, members, access)) for rule in access.rows}
    return tuple(_visible(graph, members, rule, shown[rule.cube]) for rule in access.rows)


def _shown(cube: str, members: Members, access: Access) -> Iterator[MaskRule]:
    """The masks of the cube's dimensions that other cubes decide about."""
    for rule in access.masks:
        if rule.shown is not None and rule.member.partition(".")[0] == cube:
            read = (members.cubes(name) for name in members_of((rule.shown,)))
            if isinstance(members.catalog.member(rule.member), Dimension) and frozenset().union(*read) - {
                cube
            }:
                yield rule


def _visible(graph: JoinGraph, members: Members, rule: RowRule, shown: tuple[MaskRule, ...]) -> VisibleRows:
    alone = Relation(JoinTree(rule.cube, ()))
    if rule.problem is not None:
        return VisibleRows(rule.cube, alone, rule.problem)
    conditions = [rule.condition, *(each.shown for each in shown if each.shown is not None)]
    if conditions == [ALWAYS]:
        return VisibleRows(rule.cube, alone)
    tested = members_of(conditions)
    cubes = frozenset[str]().union(*(members.cubes(name) for name in tested))
    paths = frozenset[tuple[str, ...]]().union(*(members.paths(name) for name in tested))
    try:
        tree = graph.tree_from(rule.cube, cubes, paths)
    except NoJoinPath as error:
        hint = f" {error.hint}" if error.hint else ""
        return VisibleRows(
            rule.cube, alone, f"The access rules of '{rule.cube}' cannot be applied: {error.message}.{hint}"
        )
    if derived := sorted(name for name in tested if members.sub_queries(name)):
        return VisibleRows(
            rule.cube,
            alone,
            f"The access rules of '{rule.cube}' test '{derived[0]}', a sub-query, evaluated over visible rows.",
        )
    if tree.fans_out(rule.cube):
        return VisibleRows(
            rule.cube,
            alone,
            f"The access rules of '{rule.cube}' test members that a row of '{rule.cube}' has several of: "
            f"{', '.join(sorted(tested))}.",
        )
    restricting = () if rule.condition == ALWAYS else (rule.condition,)
    return VisibleRows(rule.cube, Relation(tree, access=restricting), shown=shown)
