"""The joins of a cube: a list of targets, or the older map of them."""

from __future__ import annotations

from dataclasses import dataclass

from cuboid.catalog import keys
from cuboid.catalog.declare import DeclaredCube
from cuboid.catalog.fields import Fields, read_entries
from cuboid.catalog.model import Join
from cuboid.catalog.nodes import Entries, Node, Scalar
from cuboid.catalog.problems import Problems
from cuboid.catalog.scope import Scope, Use
from cuboid.errors import suggest

_JOIN = Use("a join", foreign_columns=True)


@dataclass(frozen=True, slots=True)
class DeclaredJoin:
    """A join before its SQL is read; ``name`` is where its target is written."""

    target: str
    name: Scalar
    fields: Fields


def declared_joins(cube: DeclaredCube) -> list[DeclaredJoin]:
    """The cube's joins by target, from a list or from the older map of targets."""
    section = cube.fields.node("joins")
    if isinstance(section, Entries):
        for key in section.duplicates:
            cube.problems.error(
                key.place,
                f"cube '{cube.name}' has two joins to '{key.text}'",
                "Keep one. For a second role of the cube extend it under another name and join that.",
            )
        found = [_from_map(key, node, cube.problems) for key, node in section.entries]
    else:
        found = [_from_list(node, cube.problems) for node in cube.fields.items("joins")]
    joins: dict[str, DeclaredJoin] = {}
    for join in found:
        if join is None:
            continue
        if join.target in joins:
            cube.problems.error(
                join.name.place,
                f"cube '{cube.name}' has two joins to '{join.target}'",
                "For a second role declare a second cube over the same table.",
            )
        else:
            joins[join.target] = join
    return list(joins.values())


def _from_map(key: Scalar, node: Node, problems: Problems) -> DeclaredJoin | None:
    fields = read_entries(node, keys.JOIN, problems)
    return DeclaredJoin(key.text, key, fields) if fields else None


def _from_list(node: Node, problems: Problems) -> DeclaredJoin | None:
    fields = read_entries(node, keys.JOIN, problems)
    if fields is None:
        return None
    name = fields.scalar("name")
    if name is None:
        if not fields.has("name"):
            fields.missing("name", "the name of the cube to join")
        return None
    return DeclaredJoin(name.text, name, fields)


def build_join(join: DeclaredJoin, scope: Scope) -> Join | None:
    cube = scope.cube.name
    relationship = join.fields.choice("relationship", keys.RELATIONSHIPS)
    sql = scope.required_sql(join.fields, _JOIN)
    if join.target == cube:
        scope.problems.error(
            join.name.place,
            f"cube '{cube}' cannot join itself",
            "Declare a second cube over the same table and join that.",
        )
        return None
    if not scope.names.is_cube(join.target):
        scope.problems.error(
            join.name.place,
            f"there is no cube '{join.target}' to join",
            suggest(
                join.target,
                [name for name in scope.names.cubes if name != cube],
                none="There is no other cube.",
            ),
        )
        return None
    if scope.names.view_in((join.target,)):
        scope.problems.error(
            join.name.place, f"'{join.target}' is a view, which cannot be joined", "Join its cubes."
        )
        return None
    scope.depends.add(join.target)
    if relationship is None or sql is None:
        return None
    return Join(cube, join.target, relationship, sql, join.fields.place)
