"""What views include: join paths and names, resolved to members of cubes before any SQL is looked at.

For each view the declared members are completed, so that references to them resolve like those to a cube's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

from cuboid.catalog import keys
from cuboid.catalog.declare import (
    Declarations,
    DeclaredCube,
    DeclaredMember,
    DeclaredView,
    Included,
)
from cuboid.catalog.fields import IDENTIFIER, Fields, read_entries
from cuboid.catalog.hierarchies import declared_hierarchies, declared_levels
from cuboid.catalog.nodes import Entries, Items, Node, Scalar
from cuboid.catalog.pieces import Place
from cuboid.catalog.problems import Problems
from cuboid.errors import closest, did_you_mean

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A name that a view includes: what it is in the cube, and in the view before any prefix."""

    origin: str
    name: str
    place: Place
    overrides: Fields | None = None


@dataclass(frozen=True, slots=True)
class _CubeOfView:
    """One item of a view's ``cubes``; ``wanted`` is None for all members."""

    path: Path
    fields: Fields
    prefix: str
    split: bool
    wanted: list[_Wanted] | None

    @property
    def cube(self) -> str:
        return self.path[-1]

    def named(self, name: str) -> str:
        """What a member is called in the view."""
        return f"{self.prefix}{name}"


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
                    part.fields.place, f"'split' makes the view '{part.name}', and that name is taken"
                )
            else:
                declarations.cubes[part.name] = part


def _unreadable(view: DeclaredCube, declarations: Declarations) -> str | None:
    """A cube on the view's paths of which nothing is known."""
    for node in view.fields.items("cubes"):
        entries = node.entries if isinstance(node, Entries) else ()
        for key, value in entries:
            if key.text in ("join_path", "joinPath") and isinstance(value, Scalar):
                gone = next((word for word in _words(value) if word in declarations.broken), None)
                if gone is not None:
                    return gone
    return None


def _words(path: Scalar) -> Path:
    return tuple(path.text.strip().replace("{", "").replace("}", "").split("."))


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
        self._paths: dict[tuple[str, str], Path] = {}

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
        found = [each for node in fields.items("cubes") if (each := self._read(node)) is not None]
        self._include_levels(found)
        for each in found:
            self._include(each)
        return list(self._parts.values())

    # ------------------------------------------------------------ reading

    def _read(self, node: Node) -> _CubeOfView | None:
        fields = read_entries(node, keys.VIEW_CUBE, self._problems)
        written = fields.scalar("join_path") if fields else None
        if fields is None:
            return None
        if written is None:
            if not fields.has("join_path"):
                fields.missing("join_path", "a cube, or cubes with dots: orders.users")
            return None
        path = _words(written)
        if not self._is_path(path, written):
            return None
        split, prefixed = fields.flag("split") or False, fields.flag("prefix") or False
        if split and prefixed:
            self._problems.error(
                fields.place_of("split"), "a cube of a view has 'split' or 'prefix', not both"
            )
            return None
        alias = fields.identifier("alias") if fields.has("alias") else path[-1]
        prefix = f"{alias}_" if prefixed else ""
        includes = fields.node("includes")
        if includes is None:
            fields.missing("includes", 'a list of members, or "*" for all')
            return None
        if isinstance(includes, Scalar):
            if includes.text.strip() != "*":
                self._problems.error(
                    includes.place,
                    f"'includes' is a list or \"*\", not '{includes.text}'",
                    "Put it in brackets.",
                )
                return None
            return _CubeOfView(path, fields, prefix, split, None)
        wanted = [each for item in fields.items("includes") if (each := self._wanted(item)) is not None]
        return _CubeOfView(path, fields, prefix, split, wanted)

    def _is_path(self, path: Path, written: Scalar) -> bool:
        for word in path:
            cube = self._cubes.get(word)
            if cube is None:
                known = [name for name, each in self._cubes.items() if each.view is None]
                self._problems.error(
                    written.place, f"there is no cube '{word}'", did_you_mean(closest(word, known))
                )
                return False
            if cube.view is not None:
                self._problems.error(
                    written.place,
                    f"'{word}' is a view, and views include cubes only",
                    "To continue another view use 'extends'.",
                )
                return False
        for source, target in pairwise(path):
            if target not in self._joins.get(source, frozenset()):
                self._problems.error(
                    written.place,
                    f"cube '{source}' has no join to '{target}'",
                    f"Declare it in 'joins' of '{source}'.",
                )
                return False
        for end in range(1, len(path) + 1):
            first = self._paths.setdefault((path[0], path[end - 1]), path[:end])
            if first != path[:end]:
                self._problems.error(
                    written.place,
                    f"this view reaches '{path[end - 1]}' by two paths, {'.'.join(first)} and {'.'.join(path[:end])}",
                    "Declare a second cube that extends it for one of the roles.",
                )
                return False
        return True

    def _wanted(self, node: Node) -> _Wanted | None:
        if isinstance(node, Scalar):
            return _Wanted(node.text, node.text, node.place) if self._is_name(node) else None
        fields = read_entries(node, keys.VIEW_MEMBER, self._problems)
        name = fields.scalar("name") if fields else None
        if fields is None:
            return None
        if name is None:
            if not fields.has("name"):
                fields.missing("name", "the name of a member of the cube")
            return None
        alias = fields.identifier("alias") if fields.has("alias") else name.text
        if not self._is_name(name) or alias is None:
            return None
        return _Wanted(name.text, alias, name.place, fields)

    def _is_name(self, written: Scalar) -> bool:
        if IDENTIFIER.fullmatch(written.text):
            return True
        self._problems.error(
            written.place,
            f"'{written.text}' is not the name of a member",
            "Which cube it is in says 'join_path'; here stands its name alone.",
        )
        return False

    # ------------------------------------------------------------ including

    def _include_levels(self, found: list[_CubeOfView]) -> None:
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
                    each.wanted.append(_Wanted(member, member, each.fields.place_of("includes")))

    def _include(self, each: _CubeOfView) -> None:
        cube = self._cubes[each.cube]
        hierarchies = declared_hierarchies(cube)
        excluded = self._excluded(each)
        place = each.fields.place_of("includes")
        wanted = each.wanted
        if wanted is None:
            wanted = [_Wanted(name, name, place) for name in (*hierarchies, *cube.members)]
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
                hint = did_you_mean(closest(one.origin, (*cube.members, *hierarchies)))
                self._problems.error(one.place, f"cube '{cube.name}' has no member '{one.origin}'", hint)

    def _add(self, target: DeclaredCube, each: _CubeOfView, one: _Wanted, member: DeclaredMember) -> None:
        name = each.named(one.name)
        included = Included(each.path, f"{each.cube}.{one.origin}", one.place, one.overrides)
        added = replace(member, name=name, included=included)
        first = target.members.setdefault(name, added)
        if first is added:
            for link in self._cubes[each.cube].members.values():
                if link.link_of is not None and link.link_of == one.origin:  # they come with their dimension
                    named = f"{one.name}{link.name.removeprefix(one.origin)}"
                    self._add(target, each, _Wanted(link.name, named, one.place), link)
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

    def _excluded(self, each: _CubeOfView) -> frozenset[str]:
        node = each.fields.node("excludes")
        return frozenset(
            item.text for item in (node.items if isinstance(node, Items) else ()) if isinstance(item, Scalar)
        )

    def _target(self, each: _CubeOfView) -> DeclaredCube:
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

    def _check_excludes(self, each: _CubeOfView) -> None:
        known = (*self._cubes[each.cube].members, *declared_hierarchies(self._cubes[each.cube]))
        for item in each.fields.items("excludes"):
            if not isinstance(item, Scalar):
                self._problems.error(item.place, "what is excluded is a member's name")
            elif self._is_name(item) and item.text not in known:
                # Cube passes over them in silence, so that models in use may have some.
                self._problems.warn(
                    item.place,
                    f"cube '{each.cube}' has no member '{item.text}' to exclude",
                    did_you_mean(closest(item.text, known)),
                )
