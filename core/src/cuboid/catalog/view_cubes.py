"""The items of a view's ``cubes``: a join path, and which members it brings under which names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from cuboid.catalog import keys
from cuboid.catalog.declare import DeclaredCube
from cuboid.catalog.fields import IDENTIFIER, Fields, read_entries
from cuboid.catalog.nodes import Node, Scalar
from cuboid.catalog.pieces import Place
from cuboid.catalog.problems import Problems
from cuboid.errors import suggest

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A name that a view includes: what it is in the cube, and in the view before any prefix."""

    origin: str
    name: str
    place: Place
    overrides: Fields | None = None


@dataclass(frozen=True, slots=True)
class CubeOfView:
    """One item of a view's ``cubes``; ``wanted`` is None for all members."""

    path: Path
    fields: Fields
    prefix: str
    split: bool
    wanted: list[Wanted] | None

    @property
    def cube(self) -> str:
        return self.path[-1]

    def named(self, name: str) -> str:
        """What a member is called in the view."""
        return f"{self.prefix}{name}"


def path_words(path: Scalar) -> Path:
    """The cubes of a join path as it is written, with dots."""
    return tuple(path.text.strip().replace("{", "").replace("}", "").split("."))


class CubesOfView:
    """Reads the items of one view; what is wrong with them is reported to the view.

    :param cubes: all that is declared.
    :param joins: the join targets of each cube.
    """

    def __init__(
        self, problems: Problems, cubes: Mapping[str, DeclaredCube], joins: Mapping[str, frozenset[str]]
    ) -> None:
        self._problems = problems
        self._cubes = cubes
        self._joins = joins
        self._paths: dict[tuple[str, str], Path] = {}

    def read(self, node: Node) -> CubeOfView | None:
        """One item; None and an error if it is wrong."""
        fields = read_entries(node, keys.VIEW_CUBE, self._problems)
        written = fields.scalar("join_path") if fields else None
        if fields is None:
            return None
        if written is None:
            if not fields.has("join_path"):
                fields.missing("join_path", "a cube, or cubes with dots: orders.users")
            return None
        path = path_words(written)
        if not self._is_path(path, written):
            return None
        split, prefixed = fields.flag("split") or False, fields.flag("prefix") or False
        if split and prefixed:
            self._problems.error(
                fields.place_of("split"),
                "a cube of a view has 'split' or 'prefix', not both",
                "Remove one of them.",
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
            return CubeOfView(path, fields, prefix, split, None)
        wanted = [each for item in fields.items("includes") if (each := self._wanted(item)) is not None]
        return CubeOfView(path, fields, prefix, split, wanted)

    def _is_path(self, path: Path, written: Scalar) -> bool:
        for word in path:
            cube = self._cubes.get(word)
            if cube is None:
                known = [name for name, each in self._cubes.items() if each.view is None]
                self._problems.error(
                    written.place, f"there is no cube '{word}'", suggest(word, known, none="There is none.")
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

    def _wanted(self, node: Node) -> Wanted | None:
        if isinstance(node, Scalar):
            return Wanted(node.text, node.text, node.place) if is_name(node, self._problems) else None
        fields = read_entries(node, keys.VIEW_MEMBER, self._problems)
        name = fields.scalar("name") if fields else None
        if fields is None:
            return None
        if name is None:
            if not fields.has("name"):
                fields.missing("name", "the name of a member of the cube")
            return None
        alias = fields.identifier("alias") if fields.has("alias") else name.text
        if not is_name(name, self._problems) or alias is None:
            return None
        return Wanted(name.text, alias, name.place, fields)


def is_name(written: Scalar, problems: Problems) -> bool:
    """Whether it can be a member's name; an error if not."""
    if IDENTIFIER.fullmatch(written.text):
        return True
    problems.error(
        written.place,
        f"'{written.text}' is not the name of a member",
        "Which cube it is in says 'join_path'; here stands its name alone.",
    )
    return False
