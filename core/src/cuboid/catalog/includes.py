"""What views include: join paths and names, resolved to members of cubes before any SQL is looked at.

For each view the declared members are completed, so that references to them resolve like those to a cube's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from cuboid.catalog import keys
from cuboid.catalog.declare import (
    Declarations,
    DeclaredCube,
    DeclaredMember,
    DeclaredView,
    Included,
)
from cuboid.catalog.fields import Fields
from cuboid.catalog.hierarchies import declared_hierarchies, declared_levels
from cuboid.catalog.nodes import Entries, Items, Scalar
from cuboid.catalog.problems import Problems
from cuboid.catalog.view_cubes import CubeOfView, CubesOfView, Wanted, is_name, path_words
from cuboid.errors import suggest


def expand_views(declarations: Declarations, joins: Mapping[str, frozenset[str]]) -> None:
    """Completes all views, and adds those that ``split`` makes.

    :param joins: the join targets of each cube.
    """
    for view in [cube for cube in declarations.cubes.values() if cube.view is not None]:
        gone = _unreadable(view, declarations)
        if gone:
            declarations.drop(view.name, declarations.broken[gone])
            continue
        for part in _View(view, declarations, joins).expand():
            if part.name in declarations.cubes or part.name in declarations.broken:
                view.problems.error(
                    part.fields.place,
                    f"'split' makes the view '{part.name}', and that name is taken",
                    "Rename that one, or give the cube an alias.",
                )
            else:
                declarations.cubes[part.name] = part


def _unreadable(view: DeclaredCube, declarations: Declarations) -> str | None:
    """A cube on the view's paths of which nothing is known."""
    for node in view.fields.items("cubes"):
        entries = node.entries if isinstance(node, Entries) else ()
        for key, value in entries:
            if key.text in ("join_path", "joinPath") and isinstance(value, Scalar):
                gone = next((word for word in path_words(value) if word in declarations.broken), None)
                if gone is not None:
                    return gone
    return None


class _View:
    """One view while its includes are read."""

    def __init__(
        self, view: DeclaredCube, declarations: Declarations, joins: Mapping[str, frozenset[str]]
    ) -> None:
        self._view = view
        self._problems: Problems = view.problems
        self._cubes = declarations.cubes
        self._joins = joins
        self._parts: dict[str, DeclaredCube] = {}

    def expand(self) -> list[DeclaredCube]:
        """Adds the included members to the view; gives the views that ``split`` makes."""
        fields = self._view.fields
        for key in ("includes", "excludes"):
            if fields.has(key):
                self._problems.error(
                    fields.place_of(key),
                    f"a view has no '{key}' of its own",
                    f"Put it into an item of 'cubes': - join_path: orders, with {key} below it.",
                )
        if not fields.has("cubes") and not (fields.has("measures") or fields.has("dimensions")):
            fields.missing("cubes", "a list of {join_path, includes}")
        reader = CubesOfView(self._problems, self._cubes, self._joins)
        found = [each for node in fields.items("cubes") if (each := reader.read(node)) is not None]
        self._include_levels(found)
        for each in found:
            self._include(each)
        return list(self._parts.values())

    # ------------------------------------------------------------ including

    def _include_levels(self, found: list[CubeOfView]) -> None:
        """A hierarchy brings its levels along, each where the cube that has it is included."""
        levels: list[tuple[str, str]] = []
        for each in found:
            hierarchies = declared_hierarchies(self._cubes[each.cube])
            excluded = self._excluded(each)
            wanted = hierarchies if each.wanted is None else [wanted.origin for wanted in each.wanted]
            for name in wanted:
                if name in hierarchies and name not in excluded:
                    levels += declared_levels(self._cubes[each.cube], hierarchies[name])
        for cube, member in dict.fromkeys(levels):
            for each in found:
                if (
                    each.cube == cube
                    and each.wanted is not None
                    and member in self._cubes[cube].members
                    and member not in [wanted.origin for wanted in each.wanted]
                ):
                    each.wanted.append(Wanted(member, member, each.fields.place_of("includes")))

    def _include(self, each: CubeOfView) -> None:
        cube = self._cubes[each.cube]
        hierarchies = declared_hierarchies(cube)
        excluded = self._excluded(each)
        place = each.fields.place_of("includes")
        wanted = each.wanted
        if wanted is None:
            wanted = [Wanted(name, name, place) for name in (*hierarchies, *cube.members)]
        target = self._target(each)
        assert target.view is not None
        if each.path not in target.view.paths:
            target.view.paths.append(each.path)
        for one in wanted:
            if one.origin in excluded:
                continue
            if one.origin in hierarchies:
                target.view.hierarchies.setdefault(each.named(one.name), (cube.name, one.origin))
            elif one.origin in cube.members:
                self._add(target, each, one, cube.members[one.origin])
            else:
                target.unread.append(one.place)
                if cube.unread:
                    continue
                hint = suggest(one.origin, (*cube.members, *hierarchies), none="It has none.")
                self._problems.error(one.place, f"cube '{cube.name}' has no member '{one.origin}'", hint)

    def _add(self, target: DeclaredCube, each: CubeOfView, one: Wanted, member: DeclaredMember) -> None:
        name = each.named(one.name)
        included = Included(each.path, f"{each.cube}.{one.origin}", one.place, one.overrides)
        added = replace(member, name=name, included=included)
        first = target.members.setdefault(name, added)
        if first is added:
            for link in self._cubes[each.cube].members.values():
                if link.link_of is not None and link.link_of == one.origin:  # they come with their dimension
                    named = f"{one.name}{link.name.removeprefix(one.origin)}"
                    self._add(target, each, Wanted(link.name, named, one.place), link)
            return
        if first.included is not None and (first.included.path, first.included.origin) == (
            included.path,
            included.origin,
        ):
            return
        of = f"'{first.included.origin}'" if first.included else "one of the view's own"
        self._problems.error(
            one.place,
            f"view '{target.name}' has two members named '{name}': {of} and '{included.origin}'",
            "Exclude one, give it an 'alias', or set 'prefix: true'.",
        )

    def _excluded(self, each: CubeOfView) -> frozenset[str]:
        node = each.fields.node("excludes")
        return frozenset(
            item.text for item in (node.items if isinstance(node, Items) else ()) if isinstance(item, Scalar)
        )

    def _target(self, each: CubeOfView) -> DeclaredCube:
        """The view itself, or with ``split`` the one of that cube."""
        self._check_excludes(each)
        if not each.split:
            return self._view
        name = f"{self._view.name}_{each.fields.peek('alias') or each.cube}"
        if name not in self._parts:
            entries = Entries((), each.fields.place)
            # What is wrong with a part is wrong with the view that it is split from.
            fields = Fields(entries, keys.VIEW, self._problems)
            self._parts[name] = DeclaredCube(name, fields, self._problems, view=DeclaredView())
        return self._parts[name]

    def _check_excludes(self, each: CubeOfView) -> None:
        known = (*self._cubes[each.cube].members, *declared_hierarchies(self._cubes[each.cube]))
        for item in each.fields.items("excludes"):
            if not isinstance(item, Scalar):
                self._problems.error(
                    item.place,
                    "what is excluded is a member's name",
                    "List names without braces, e.g. excludes: [id].",
                )
            elif is_name(item, self._problems) and item.text not in known:
                # Cube passes over them in silence, so that models in use may have some.
                self._problems.warn(
                    item.place,
                    f"cube '{each.cube}' has no member '{item.text}' to exclude",
                    suggest(item.text, known, none="It has none."),
                )
