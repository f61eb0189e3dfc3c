"""What must hold between cubes once all are read: keys for joins, no clash of aliases."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from cuboid.catalog.build import BuiltCube
from cuboid.catalog.declare import DeclaredCube, DeclaredMember
from cuboid.catalog.definitions import find
from cuboid.catalog.model import Dimension, Member
from cuboid.catalog.naming import member_alias
from cuboid.catalog.nodes import Scalar
from cuboid.catalog.pieces import MemberReference, Template

_NEED_KEY = frozenset({"count", "sum", "avg", "number"})
"""Measure types that a repeated row falsifies (model-contract 1.4.1)."""


def check_keys(declared: Mapping[str, DeclaredCube], joins: Mapping[str, frozenset[str]]) -> None:
    """Each cube with additive measures that takes part in a join must have a primary key: only the key
    tells a row that a join repeats from two equal rows."""
    joined = {cube for source, targets in joins.items() if targets for cube in (source, *targets)}
    for cube in declared.values():
        if _has_key(cube):
            continue
        asked = next((m for m in cube.members.values() if _is_on(m, "sub_query")), None)
        if asked is not None and cube.view is None:
            cube.problems.error(
                asked.fields.place_of("sub_query"),
                f"a sub-query is evaluated for each primary key, and cube '{cube.name}' has none",
                "Set 'primary_key: true' on the dimension, or dimensions, that tell its rows apart.",
            )
        counted = next((m for m in cube.members.values() if _counts_rows(m)), None)
        if cube.name not in joined or counted is None:
            continue
        cube.problems.error(
            cube.fields.place,
            f"cube '{cube.name}' takes part in a join and has the measure '{counted.name}',"
            " so it needs a primary key",
            "Set 'primary_key: true' on the dimension, or dimensions, that tell its rows apart.",
        )


def _counts_rows(member: DeclaredMember) -> bool:
    """Whether a repeated row would falsify the measure; one that is evaluated in stages reads no rows."""
    return member.measure_type in _NEED_KEY and not _is_on(member, "multi_stage")


def _is_on(member: DeclaredMember, key: str) -> bool:
    written = member.fields.node(key)
    return isinstance(written, Scalar) and written.value is True


def _has_key(cube: DeclaredCube) -> bool:
    return any(
        member.kind == "dimension" and _is_on(member, "primary_key") for member in cube.members.values()
    )


def check_rows(
    declared: Mapping[str, DeclaredCube], built: Mapping[str, BuiltCube], changed: Iterable[str]
) -> None:
    """Joins and primary keys must be there before any measure is evaluated, so they are made of columns only.

    :param changed: as of :func:`check_definitions`.
    """
    for name in changed:
        one = built[name]
        for dimension in one.cube.primary_key:
            if derived := _derived(dimension.full_name, built):
                declared[name].problems.error(
                    dimension.place,
                    f"a primary key cannot be made of measures, as '{derived}' is",
                    "Make it a column of the cube's 'sql'.",
                )
        for join in one.cube.joins:
            found = (_derived(each, built) for each in _member_names(join.sql))
            if derived := next((each for each in found if each is not None), None):
                declared[name].problems.error(
                    join.sql.place,
                    f"the condition of a join cannot be made of measures, as '{derived}' is",
                    "Join on columns.",
                )


def _derived(name: str, built: Mapping[str, BuiltCube]) -> str | None:
    """The first dimension that measures are needed for, among the one of that name and those it is made of."""
    waiting, seen = [name], {name}
    while waiting:
        member = find(waiting.pop(), built)
        if isinstance(member, Dimension) and (member.sub_query or member.multi_stage is not None):
            return member.full_name
        for template in member.templates if isinstance(member, Dimension) else ():
            waiting += [each for each in _member_names(template) if each not in seen]
            seen.update(waiting)
    return None


def _member_names(template: Template) -> list[str]:
    return [each.member for each in template.references if isinstance(each, MemberReference)]


def check_aliases(
    declared: Mapping[str, DeclaredCube], built: Mapping[str, BuiltCube], changed: Collection[str]
) -> None:
    """Names that differ in the API must differ in SQL, where ``createdAt`` and ``created_at`` are one.

    :param changed: the cubes whose members may be new.
    """
    cubes: dict[str, str] = {}
    for name, one in built.items():
        if (
            one.cube.view is not None
        ):  # it never stands in FROM, and columns of an answer are told apart anyway
            continue
        first = cubes.setdefault(one.cube.alias, name)
        if first != name:
            declared[name].problems.error(
                one.cube.place,
                f"cubes '{first}' and '{name}' have the same SQL alias '{one.cube.alias}'",
                "Give one of them an 'sql_alias'.",
            )
        members: dict[str, Member] = {}
        for member in one.cube.members() if name in changed else ():
            other = members.setdefault(member_alias(one.cube.alias, member.name), member)
            if other is not member:
                declared[name].problems.error(
                    member.place,
                    f"'{other.name}' and '{member.name}' of cube '{name}' have the same SQL alias",
                    "Rename one of them.",
                )
