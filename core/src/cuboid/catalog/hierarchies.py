"""Hierarchies: ordered drill paths of dimensions, shown and never computed."""

from __future__ import annotations

from collections.abc import Mapping

from cuboid.catalog import keys
from cuboid.catalog.declare import DeclaredCube
from cuboid.catalog.fields import read_entries
from cuboid.catalog.model import Cube
from cuboid.catalog.named import named_dimensions
from cuboid.catalog.naming import titleize
from cuboid.catalog.nodes import Entries, Items, Node, Scalar
from cuboid.catalog.scope import Scope
from cuboid.catalog.views import Hierarchy


def declared_hierarchies(cube: DeclaredCube) -> dict[str, Node]:
    """The hierarchies by name, as far as they can be read."""
    section = cube.fields.node("hierarchies")
    found: dict[str, Node] = {}
    for node in section.items if isinstance(section, Items) else ():
        name = _entry(node, "name")
        if isinstance(name, Scalar):
            found.setdefault(name.text, node)
    return found


def declared_levels(cube: DeclaredCube, hierarchy: Node) -> list[tuple[str, str]]:
    """The levels as (cube, member), as far as they can be read."""
    levels = _entry(hierarchy, "levels")
    found = []
    for node in levels.items if isinstance(levels, Items) else ():
        if isinstance(node, Scalar):
            words = node.text.strip().replace("{", "").replace("}", "").split(".")
            own = len(words) == 1 or words[-2] in ("CUBE", "TABLE")
            found.append((cube.name if own else words[-2], words[-1]))
    return found


def read_hierarchies(scope: Scope, public: bool) -> tuple[Hierarchy, ...]:
    """The cube's own hierarchies, in order."""
    found: dict[str, Hierarchy] = {}
    for node in scope.cube.fields.items("hierarchies"):
        fields = read_entries(node, keys.HIERARCHY, scope.problems)
        name = fields.identifier("name") if fields else None
        if fields is None or name is None:
            continue
        levels = named_dimensions(fields, "levels", scope)
        if not fields.has("levels"):
            fields.missing("levels", "a list of dimensions, the widest first")
        if name in found or name in scope.cube.members:
            scope.problems.error(
                fields.place_of("name"),
                f"{scope.cube.noun} '{scope.cube.name}' has two members named '{name}'",
                "Hierarchies share the names of measures, dimensions and segments.",
            )
            continue
        title = fields.text("title") or titleize(name)
        shown = public and fields.flag("public", "shown") is not False
        found[name] = Hierarchy(name, title, levels, shown, fields.place)
    return tuple(found.values())


def included_hierarchies(
    view: DeclaredCube, cubes: Mapping[str, Cube], names: Mapping[str, str]
) -> tuple[Hierarchy, ...]:
    """The hierarchies that a view takes from its cubes, with those of their levels that it has, too.

    :param names: what origins are called in the view, by full name.
    """
    found = []
    for name, (cube, origin_name) in view.view.hierarchies.items() if view.view else ():
        origin = next((each for each in cubes[cube].hierarchies if each.name == origin_name), None)
        if origin is None:
            continue
        levels = tuple(names[level] for level in origin.levels if level in names)
        if levels:
            found.append(
                Hierarchy(name, origin.title, levels, origin.public, origin.place, f"{cube}.{origin_name}")
            )
    return tuple(found)


def _entry(node: Node, key: str) -> Node | None:
    entries = node.entries if isinstance(node, Entries) else ()
    return next((value for name, value in entries if name.text == key), None)
