"""Keys whose values are names of members: ``status``, ``CUBE.status``, ``users.city``, ``orders.users.city``.

Each function gives full names. What is wrong is reported at its place and left out. The cubes that are named are
depended on, save for what is only shown (:func:`shown_members`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from cuboid.catalog.fields import Fields
from cuboid.catalog.nodes import Items, Node, Scalar
from cuboid.catalog.pieces import CubeReference, MemberReference
from cuboid.catalog.references import COLUMN_HINT, Names, Unresolved, resolve
from cuboid.catalog.scope import Scope
from cuboid.errors import suggest

_Test = Callable[[Names, str], bool]


def named_member(fields: Fields, key: str, scope: Scope) -> str | None:
    """The member under ``key``, of any kind."""
    return _one(fields, key, scope, None, "")


def named_dimension(fields: Fields, key: str, scope: Scope) -> str | None:
    """The dimension under ``key``."""
    return _one(fields, key, scope, Names.is_dimension, "a dimension")


def named_time_dimension(fields: Fields, key: str, scope: Scope) -> str | None:
    """The time dimension under ``key``."""
    return _one(fields, key, scope, Names.is_time_dimension, "a time dimension")


def named_measure(fields: Fields, key: str, scope: Scope) -> str | None:
    """The measure under ``key``."""
    return _one(fields, key, scope, Names.is_measure, "a measure")


def named_members(fields: Fields, key: str, scope: Scope) -> tuple[str, ...]:
    """The members in the list under ``key``."""
    return _many(fields, key, scope, None, "")


def named_dimensions(fields: Fields, key: str, scope: Scope) -> tuple[str, ...]:
    """The dimensions in the list under ``key``."""
    return _many(fields, key, scope, Names.is_dimension, "a dimension")


def shown_members(fields: Fields, key: str, scope: Scope) -> tuple[str, ...]:
    """Members that are shown, never computed, so that nothing depends on their cubes."""
    found = (named_reference(node, scope) for node in fields.items(key))
    return tuple(reference.member for reference in found if reference is not None)


def _one(fields: Fields, key: str, scope: Scope, test: _Test | None, kind: str) -> str | None:
    node = fields.node(key)
    return None if node is None else _tested(node, scope, test, kind)


def _many(fields: Fields, key: str, scope: Scope, test: _Test | None, kind: str) -> tuple[str, ...]:
    node = fields.node(key)
    # Cube takes one name without brackets, too.
    nodes = (node,) if isinstance(node, Scalar) else fields.items(key)
    names = (_tested(each, scope, test, kind) for each in nodes)
    return tuple(dict.fromkeys(name for name in names if name is not None))


def _tested(node: Node, scope: Scope, test: _Test | None, kind: str) -> str | None:
    found = named_reference(node, scope)
    if found is None:
        return None
    scope.depends.update(found.path)
    if test is not None and not test(scope.names, found.member):
        scope.problems.error(node.place, f"'{found.member}' is not {kind}", f"Name {kind}.")
        return None
    return found.member


def named_reference(node: Node, scope: Scope) -> MemberReference | None:
    """What the name refers to, with its join path, without noting that the scope depends on it."""
    if not isinstance(node, Scalar):
        what = "a list" if isinstance(node, Items) else "a mapping"
        scope.problems.error(
            node.place,
            f"a member's name is due here, not {what}",
            "Write its name, e.g. status or users.city.",
        )
        return None
    written = node.text.strip().replace("{", "").replace("}", "")
    found = resolve(written, scope.cube.name, scope.names)
    if isinstance(found, Unresolved) and found.hint == COLUMN_HINT:  # no columns are named here
        found = replace(found, hint=suggest(written, scope.cube.members, none="It has no members."))
    if isinstance(found, Unresolved):
        scope.problems.error(node.place, found.message, found.hint)
    elif isinstance(found, CubeReference):
        scope.problems.error(
            node.place, f"'{node.text}' is a cube, not a member", f"Write {node.text}.member."
        )
    elif found.granularity is not None:
        scope.problems.error(
            node.place, f"'{node.text}' has a granularity, which has no place here", f"Write {found.member}."
        )
    else:
        return found
    return None
