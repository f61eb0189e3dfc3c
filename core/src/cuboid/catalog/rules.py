"""What must hold between cubes once all are read: keys for joins, no circles, no clash of aliases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cuboid.catalog.build import BuiltCube
from cuboid.catalog.declare import DeclaredCube
from cuboid.catalog.model import Dimension, Measure, Member, MemberReference, Template
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


def check_circles(declared: Mapping[str, DeclaredCube], built: Mapping[str, BuiltCube]) -> None:
    """No member may be defined by itself, directly or through others."""
    edges = {
        member.full_name: tuple(_member_references(member))
        for one in built.values()
        for member in one.cube.members()
    }
    members = {m.full_name: m for one in built.values() for m in one.cube.members()}
    for circle in _circles(edges):
        shown = " -> ".join((*circle, circle[0]))
        for cube in dict.fromkeys(members[name].cube for name in circle):
            first = next(members[name] for name in circle if members[name].cube == cube)
            declared[cube].problems.error(
                first.place,
                f"'{first.full_name}' is defined by itself: {shown}",
                "A column of the cube's own table is written {CUBE}.column.",
            )


def _circles(edges: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """At least one circle of every knot of members; iterative, since chains may be long."""
    done: set[str] = set()
    for start in edges:
        if start in done:
            continue
        path = {start: iter(edges[start])}
        while path:
            name = next(reversed(path))
            follower = next(path[name], None)
            if follower is None:
                done.add(path.popitem()[0])
            elif follower in path:
                names = list(path)
                yield tuple(names[names.index(follower) :])
            elif follower in edges and follower not in done:
                path[follower] = iter(edges[follower])


def _member_references(member: Member) -> Iterator[str]:
    for template in templates(member):
        for reference in template.references:
            if isinstance(reference, MemberReference):
                yield reference.member


def templates(member: Member) -> Iterator[Template]:
    """Every piece of SQL of a member."""
    if member.sql is not None:
        yield member.sql
    if isinstance(member, Measure):
        yield from member.filters
    if isinstance(member, Dimension) and member.case is not None:
        for branch in member.case.branches:
            yield branch.when
            if isinstance(branch.label, Template):
                yield branch.label
        if isinstance(member.case.otherwise, Template):
            yield member.case.otherwise
