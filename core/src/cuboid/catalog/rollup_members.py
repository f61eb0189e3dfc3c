"""What a pre-aggregation refers to: members with their join paths, time dimensions with granularities, rollups."""

from __future__ import annotations

from typing import Literal

from cuboid.catalog import keys
from cuboid.catalog.declare import DeclaredCube
from cuboid.catalog.fields import Fields, read_entries
from cuboid.catalog.named import named_reference
from cuboid.catalog.nodes import Entries, Items, Node, Scalar
from cuboid.catalog.pieces import MemberReference
from cuboid.catalog.rollups import RollupMember, RollupTime
from cuboid.catalog.scope import Scope
from cuboid.errors import closest, did_you_mean, suggest

Kind = Literal["measure", "dimension", "segment"]


def read_members(fields: Fields, key: str, scope: Scope, kind: Kind | None) -> tuple[RollupMember, ...]:
    """The members in the list under ``key``, or the one that stands there without brackets."""
    node = fields.node(key)
    nodes = (node,) if isinstance(node, Scalar) else fields.items(key)
    found = (_member(each, scope, kind) for each in nodes)
    return tuple(dict.fromkeys(each for each in found if each is not None))


def _member(node: Node, scope: Scope, kind: Kind | None) -> RollupMember | None:
    reference = named_reference(node, scope)
    if reference is None:
        return None
    scope.depends.update(reference.path)
    cube, _, name = reference.member.partition(".")
    declared = scope.names.cubes[cube].members.get(name) if cube in scope.names.cubes else None
    if declared is not None and kind is not None and declared.kind != kind:
        scope.problems.error(
            node.place,
            f"'{reference.member}' is a {declared.kind}, not a {kind}",
            f"List it under '{declared.kind}s'.",
        )
        return None
    if scope.names.view_in(reference.path):
        scope.problems.error(
            node.place, "a pre-aggregation stores members of cubes, not of views", "Name the cube's member."
        )
        return None
    return RollupMember(reference.member, _path(reference, scope))


def _path(reference: MemberReference, scope: Scope) -> tuple[str, ...]:
    """The join path from this cube, as far as it is written or one join long."""
    first = reference.path[0]
    if first != scope.cube.name and first in scope.names.joins.get(scope.cube.name, frozenset()):
        return (scope.cube.name, *reference.path)
    return reference.path


def read_times(
    fields: Fields, scope: Scope, one: str, many: str, *, required: bool
) -> tuple[RollupTime, ...]:
    """The time dimension with its granularity under ``one``, or the list of several under ``many``.

    :param required: whether each must have a granularity.
    """
    if fields.has(one) and fields.has(many):
        fields.problems.error(
            fields.place_of(many), f"either '{one}' or '{many}', not both", "Put all into the list."
        )
        return ()
    if fields.has("granularity") and not fields.has(one):
        fields.problems.error(
            fields.place_of("granularity"),
            "'granularity' belongs to 'time_dimension'",
            "Add 'time_dimension'.",
        )
        return ()
    if fields.has(one):
        time = _time(fields, one, scope, required)
        return (time,) if time is not None else ()
    found = []
    for node in fields.items(many):
        entry = read_entries(node, keys.ROLLUP_TIME, scope.problems)
        if entry is not None:
            if not entry.has("dimension"):
                entry.missing("dimension", "a time dimension")
            else:
                found.append(_time(entry, "dimension", scope, required))
    return tuple(time for time in found if time is not None)


def _time(fields: Fields, key: str, scope: Scope, required: bool) -> RollupTime | None:
    node = fields.node(key)
    assert node is not None
    member = _member(node, scope, "dimension")
    granularity = fields.scalar("granularity")
    if granularity is None and required and not fields.has("granularity"):
        fields.missing("granularity", "of the time dimension, e.g. day")
    if member is None:
        return None
    if not scope.names.is_time_dimension(member.member):
        scope.problems.error(
            node.place, f"'{member.member}' is not a time dimension", "Name a dimension of type time."
        )
        return None
    known = scope.names.granularities(member.member)
    if granularity is not None and granularity.text not in known and member.path[-1] in scope.names.cubes:
        scope.problems.error(
            granularity.place,
            f"'{granularity.text}' is no granularity of '{member.member}'",
            did_you_mean(closest(granularity.text, known)) or f"It is one of {', '.join(known)}.",
        )
        return None
    return RollupTime(member.member, member.path, granularity.text if granularity else None)


# ---------------------------------------------------------------- rollups


def declared_rollups(cube: DeclaredCube) -> tuple[str, ...]:
    """The names of a cube's pre-aggregations, as far as they can be read."""
    section = cube.fields.node("pre_aggregations")
    if isinstance(section, Entries):
        return tuple(key.text for key, _ in section.entries)
    items = (
        [item for item in section.items if isinstance(item, Entries)] if isinstance(section, Items) else []
    )
    pairs = (pair for item in items for pair in item.entries)
    return tuple(value.text for key, value in pairs if key.text == "name" and isinstance(value, Scalar))


def read_rollup_names(fields: Fields, key: str, scope: Scope) -> tuple[str, ...]:
    """``cube.name`` of each pre-aggregation in the list: ``name``, ``CUBE.name`` or ``cube.name``."""
    node = fields.node(key)
    nodes = (node,) if isinstance(node, Scalar) else fields.items(key)
    found = (_rollup_name(each, scope) for each in nodes)
    return tuple(dict.fromkeys(each for each in found if each is not None))


def _rollup_name(node: Node, scope: Scope) -> str | None:
    if not isinstance(node, Scalar) or node.is_null:
        scope.problems.error(
            node.place,
            "the name of a pre-aggregation is due here",
            "Write its name, e.g. main or users.main.",
        )
        return None
    words = node.text.strip().strip("{}").split(".")
    cube = scope.cube.name if len(words) == 1 or words[0] in ("CUBE", "TABLE") else words[0]
    if len(words) > 2 or not scope.names.is_cube(cube):
        scope.problems.error(
            node.place,
            f"there is no cube '{cube}'" if len(words) < 3 else f"'{node.text}' is no pre-aggregation",
            did_you_mean(closest(cube, scope.names.cubes)) or "Write cube.name.",
        )
        return None
    scope.depends.add(cube)
    if cube in scope.names.cubes:
        known = declared_rollups(scope.names.cubes[cube])
        if words[-1] not in known:
            scope.problems.error(
                node.place,
                f"cube '{cube}' has no pre-aggregation '{words[-1]}'",
                suggest(words[-1], known, none="It has none."),
            )
            return None
    return f"{cube}.{words[-1]}"
