"""What must hold between cubes once all are read: keys for joins, no clash of aliases."""

from __future__ import annotations

from collections.abc import Mapping

from cuboid.catalog.build import BuiltCube
from cuboid.catalog.declare import DeclaredCube
from cuboid.catalog.model import Member
from cuboid.catalog.naming import member_alias
from cuboid.catalog.nodes import Scalar

_NEED_KEY = frozenset({"count", "sum", "avg", "number"})
"""Measure types that a repeated row falsifies (model-contract 1.4.1)."""


def check_keys(declared: Mapping[str, DeclaredCube], joins: Mapping[str, frozenset[str]]) -> None:
    """Each cube with additive measures that takes part in a join must have a primary key: only the key
    tells a row that a join repeats from two equal rows."""
    joined = {cube for source, targets in joins.items() if targets for cube in (source, *targets)}
    for cube in declared.values():
        counted = next((m for m in cube.members.values() if m.measure_type in _NEED_KEY), None)
        if cube.name not in joined or counted is None or _has_key(cube):
            continue
        cube.problems.error(
            cube.fields.place,
            f"cube '{cube.name}' takes part in a join and has the measure '{counted.name}',"
            " so it needs a primary key",
            "Set 'primary_key: true' on the dimension, or dimensions, that tell its rows apart.",
        )


def _has_key(cube: DeclaredCube) -> bool:
    for member in cube.members.values():
        written = member.fields.node("primary_key") if member.kind == "dimension" else None
        if isinstance(written, Scalar) and written.value is True:
            return True
    return False


def check_aliases(declared: Mapping[str, DeclaredCube], built: Mapping[str, BuiltCube]) -> None:
    """Names that differ in the API must differ in SQL, where ``createdAt`` and ``created_at`` are one."""
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
        for member in one.cube.members():
            other = members.setdefault(member_alias(one.cube.alias, member.name), member)
            if other is not member:
                declared[name].problems.error(
                    member.place,
                    f"'{other.name}' and '{member.name}' of cube '{name}' have the same SQL alias",
                    "Rename one of them.",
                )
