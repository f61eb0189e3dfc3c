"""View groups: views under headings, for display. A view may also name its groups itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from cuboid.catalog import keys
from cuboid.catalog.declare import Declarations, DeclaredCube
from cuboid.catalog.fields import Fields, read_entries
from cuboid.catalog.naming import titleize
from cuboid.catalog.nodes import Items, Node, Scalar
from cuboid.catalog.problems import Problems
from cuboid.catalog.views import ViewGroup
from cuboid.errors import closest, did_you_mean, suggest


def read_view_groups(declarations: Declarations) -> tuple[ViewGroup, ...]:
    """All view groups, in order of declaration, those views that name them themselves at their ends."""
    views = {name for name, cube in declarations.cubes.items() if cube.view is not None}
    known = views | set(declarations.broken)
    groups: dict[str, ViewGroup] = {}
    for fields in declarations.view_groups:
        group = _group(fields, known, declarations.problems, set())
        if group is None:
            continue
        if group.name in groups:
            declarations.problems.error(
                group.place, f"there are two view groups '{group.name}'", "Rename or remove one."
            )
        else:
            groups[group.name] = group
    for name in declarations.cubes:
        for group_name in _own_groups(declarations.cubes[name], groups):
            group = groups[group_name]
            if name not in group.includes:
                groups[group_name] = replace(group, includes=(*group.includes, name))
    return tuple(groups.values())


def groups_of(view: str, groups: tuple[ViewGroup, ...]) -> tuple[str, ...]:
    """The names of the groups that hold the view itself."""
    return tuple(dict.fromkeys(group.name for group in _all(groups) if view in group.includes))


def _all(groups: tuple[ViewGroup, ...]) -> Iterator[ViewGroup]:
    for group in groups:
        yield group
        yield from _all(tuple(each for each in group.includes if isinstance(each, ViewGroup)))


def _group(fields: Fields, views: set[str], problems: Problems, seen: set[str]) -> ViewGroup | None:
    name = fields.identifier("name")
    if fields.has("includes") and fields.has("views"):
        problems.error(
            fields.place_of("views"),
            "a view group has either 'includes' or 'views', not both",
            "Keep 'includes'.",
        )
    if name is not None:
        if name in seen:
            problems.error(
                fields.place_of("name"), f"there are two view groups '{name}'", "Rename or remove one."
            )
        seen.add(name)
    nodes = fields.items("includes" if fields.has("includes") else "views")
    found = [_item(node, views, problems, seen) for node in nodes]
    if name is None:
        return None
    return ViewGroup(
        name,
        fields.text("title") or titleize(name),
        fields.text("description"),
        tuple(each for each in found if each is not None),
        fields.place,
    )


def _item(node: Node, views: set[str], problems: Problems, seen: set[str]) -> str | ViewGroup | None:
    if not isinstance(node, Scalar):
        nested = read_entries(node, keys.VIEW_GROUP, problems)
        return _group(nested, views, problems, seen) if nested else None
    name = node.text.strip().strip("{}")
    if name in views:
        return name
    problems.error(
        node.place, f"there is no view '{node.text}'", suggest(name, sorted(views), none="There is none.")
    )
    return None


def _own_groups(view: DeclaredCube, groups: Mapping[str, ViewGroup]) -> list[str]:
    """The groups that a view names; those that there are not are its mistakes."""
    found = []
    for key in ("view_group", "view_groups") if view.view is not None else ():
        node = view.fields.node(key)
        for item in node.items if isinstance(node, Items) else () if node is None else (node,):
            name = item.text.strip().strip("{}") if isinstance(item, Scalar) else None
            if name is not None and name in groups:
                found.append(name)
            else:
                view.problems.error(
                    item.place,
                    f"there is no view group '{name}'" if name else "a view group is named by its name",
                    did_you_mean(closest(name or "", groups)) or "Define it under 'view_groups'.",
                )
    return found
