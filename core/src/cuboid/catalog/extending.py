"""``extends``: a cube or view that continues the declaration of another.

Keys of the child win; members of both are there, the child's in the place of its parent's where they have one
name. Joins, hierarchies and pre-aggregations are combined likewise by name, while the cubes and folders of views
and access policies are lists of which the child's come after. A parent's SQL is read in the child, so that
``{CUBE}`` is the child.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from cuboid.catalog.declare import Declarations, DeclaredCube, DeclaredMember
from cuboid.catalog.nodes import Entries, Items, Node, Scalar
from cuboid.errors import suggest

_OWN = frozenset({"name", "extends", "sql_alias"})
"""What is never handed down: two cubes with one alias could not be told apart in SQL."""


def extend(declarations: Declarations) -> None:
    """Completes every cube that extends another; one that cannot be completed becomes broken or has an error."""
    done: set[str] = set()
    for name in list(declarations.cubes):
        chain = _chain(name, declarations, done)
        for child in reversed(chain):
            _continue(child, declarations)
        done.update(chain)


def _chain(name: str, declarations: Declarations, done: set[str]) -> list[str]:
    """The cube and its ancestors as far as they are not done, itself first."""
    chain: list[str] = []
    while name in declarations.cubes and name not in done:
        if name in chain:
            circle = [*chain[chain.index(name) :], name]
            for each in dict.fromkeys(circle):
                cube = declarations.cubes[each]
                cube.problems.error(
                    cube.fields.place_of("extends"),
                    f"'{each}' extends itself: {' -> '.join(circle)}",
                    "Remove 'extends' from one of them.",
                )
                cube.fields.partly_unsupported = True
            done.update(circle)
            return [each for each in chain if each not in circle]
        chain.append(name)
        parent = _parent(declarations.cubes[name])
        if parent is None:
            break
        name = parent
    return chain


def _parent(cube: DeclaredCube) -> str | None:
    written = cube.fields.peek("extends")
    return None if written is None else written.strip().strip("{}")


def _continue(name: str, declarations: Declarations) -> None:
    cube = declarations.cubes[name]
    cube.fields.scalar("extends")
    parent_name = _parent(cube)
    if parent_name is None:
        return
    if parent_name in declarations.broken:
        declarations.drop(name, declarations.broken[parent_name])
        return
    parent = declarations.cubes.get(parent_name)
    place = cube.fields.place_of("extends")
    if parent is None:
        kind = [
            each.name for each in declarations.cubes.values() if each.noun == cube.noun and each is not cube
        ]
        cube.problems.error(
            place,
            f"there is no {cube.noun} '{parent_name}' to extend",
            suggest(parent_name, kind, none=f"There is no other {cube.noun}."),
        )
    elif parent.noun != cube.noun:
        cube.problems.error(
            place,
            f"the {cube.noun} '{name}' cannot extend the {parent.noun} '{parent_name}'",
            f"A {cube.noun} extends a {cube.noun}.",
        )
    else:
        declarations.cubes[name] = _merged(cube, parent)
        return
    cube.fields.partly_unsupported = True


def _merged(cube: DeclaredCube, parent: DeclaredCube) -> DeclaredCube:
    hidden = {*_OWN}
    if cube.fields.has("sql") or cube.fields.has("sql_table"):
        hidden |= {"sql", "sql_table"}
    combined: dict[str, Node] = {}
    for key, combine in _COMBINED.items():
        ours, theirs = cube.fields.node(key), parent.fields.node(key)
        if ours is not None and theirs is not None:
            combined[key] = combine(theirs, ours)
    inherited = {name: _reporting(member, cube) for name, member in parent.members.items()}
    return replace(
        cube,
        fields=cube.fields.over(parent.fields, hidden, combined),
        members={**inherited, **cube.members},
        extends=parent.name,
        unread=[*parent.unread, *cube.unread],
    )


def _reporting(member: DeclaredMember, cube: DeclaredCube) -> DeclaredMember:
    """The parent's member, whose mistakes are the child's too."""
    return replace(member, fields=member.fields.reporting_to(cube.problems))


# ---------------------------------------------------------------- lists


def _appended(theirs: Node, ours: Node) -> Node:
    if isinstance(theirs, Items) and isinstance(ours, Items):
        return Items((*theirs.items, *ours.items), ours.place)
    return ours


def _by_name(theirs: Node, ours: Node) -> Node:
    """Theirs, then ours; where two have one name, ours in the place of theirs."""
    inherited, own = _named(theirs), _named(ours)
    if inherited is None or own is None:
        return ours
    names = [_name(node) for node in own]
    taken = {name: node for name, node in zip(names, own, strict=True) if name is not None}
    kept = [taken.pop(_name(node) or "", node) for node in inherited]
    rest = [node for node in own if not any(node is each for each in kept)]
    return Items((*kept, *rest), ours.place)


def _ours_first(theirs: Node, ours: Node) -> Node:
    """Ours, then those of theirs that ours do not replace: the first that matches is used."""
    inherited, own = _named(theirs), _named(ours)
    if inherited is None or own is None:
        return ours
    names = {_name(node) for node in own}
    return Items((*own, *(node for node in inherited if _name(node) not in names)), ours.place)


def _named(node: Node) -> tuple[Node, ...] | None:
    """The items of a list, or of the older map from names to items."""
    if isinstance(node, Items):
        return node.items
    if isinstance(node, Entries):
        return tuple(_with_name(key, value) for key, value in node.entries)
    return None


def _with_name(key: Scalar, value: Node) -> Node:
    if not isinstance(value, Entries):
        return value
    name = Scalar("name", "name", key.place)
    return Entries(((name, key), *value.entries), value.place, value.duplicates)


def _name(node: Node) -> str | None:
    if not isinstance(node, Entries):
        return None
    return next(
        (value.text for key, value in node.entries if key.text == "name" and isinstance(value, Scalar)), None
    )


_COMBINED: Mapping[str, Callable[[Node, Node], Node]] = MappingProxyType(
    {
        "joins": _by_name,
        "hierarchies": _by_name,
        "pre_aggregations": _ours_first,
        "access_policy": _appended,
        "cubes": _appended,
        "folders": _appended,
        "default_filters": _appended,
    }
)
