"""Resolving ``{...}``: from the words inside the braces to a cube or member.

A bare name is first a cube, then a member of the cube it is written in. A dotted path is a member reached
over cubes (``{orders.users.city}``), a time dimension with a granularity (``{users.created_at.day}``), or
cubes alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from cuboid.catalog.declare import DeclaredCube, DeclaredMember
from cuboid.catalog.fields import IDENTIFIER
from cuboid.catalog.model import MeasureType
from cuboid.catalog.nodes import Items, Scalar
from cuboid.catalog.pieces import CubeReference, MemberReference, Reference
from cuboid.catalog.settings import ModelSettings
from cuboid.catalog.templates import is_context
from cuboid.errors import closest, did_you_mean, suggest
from cuboid.types import GRANULARITIES

_THIS_CUBE = ("CUBE", "TABLE")


COLUMN_HINT = "For a column of this cube write {CUBE}.column."


@dataclass(frozen=True, slots=True)
class Unresolved:
    """Why an expression means nothing, and what to write instead."""

    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Names:
    """Every name that a reference may use.

    :param broken: cubes and views that exist without a readable declaration: what they contain is unknown.
    :param joins: the join targets of each cube.
    """

    cubes: Mapping[str, DeclaredCube]
    broken: frozenset[str]
    joins: Mapping[str, frozenset[str]]
    settings: ModelSettings = field(default_factory=ModelSettings)

    @property
    def context(self) -> Mapping[str, Any]:
        """The compile context, whose use is noted with that of the cubes."""
        self.cubes.get("COMPILE_CONTEXT")
        return self.settings.context

    def is_cube(self, name: str) -> bool:
        return name in self.cubes or name in self.broken

    def has_member(self, cube: str, member: str) -> bool:
        """Whether the cube has the member; of a broken cube, and of one with members that cannot be read, every member
        is believed."""
        if cube in self.broken:
            return True
        declared = self.cubes[cube]
        return member in declared.members or bool(declared.unread)

    def is_time(self, cube: str, member: str) -> bool:
        """Whether it is a time dimension, as far as is known."""
        declared = self._declared(f"{cube}.{member}")
        return declared is not None and declared.dimension_type == "time"

    def is_time_dimension(self, full_name: str) -> bool:
        """Whether ``cube.member`` is a time dimension; what a broken cube has is believed to be one."""
        declared = self._declared(full_name)
        return declared is None or declared.dimension_type == "time"

    def is_measure(self, full_name: str) -> bool:
        """Whether ``cube.member`` is a measure."""
        declared = self._declared(full_name)
        return declared is not None and declared.kind == "measure"

    def is_dimension(self, full_name: str) -> bool:
        """Whether ``cube.member`` is a dimension; what a broken cube has is believed to be one."""
        declared = self._declared(full_name)
        return declared is None or declared.kind == "dimension"

    def measure_type(self, full_name: str) -> MeasureType | None:
        """The type of the measure, if it is known."""
        declared = self._declared(full_name)
        return None if declared is None else declared.measure_type

    def switch_values(self, full_name: str) -> tuple[str, ...] | None:
        """The values of a switch; None if it is none."""
        declared = self._declared(full_name)
        if declared is None or declared.declared_type != "switch":
            return None
        node = declared.fields.node("values")
        items = node.items if isinstance(node, Items) else ()
        return tuple(item.text for item in items if isinstance(item, Scalar))

    def granularities(self, full_name: str) -> tuple[str, ...]:
        """All granularities of a time dimension, its custom ones first."""
        declared = self._declared(full_name)
        return (*(declared.granularities if declared else ()), *GRANULARITIES)

    def view_in(self, path: tuple[str, ...]) -> str | None:
        """The first view among the names of a path."""
        return next((name for name in path if name in self.cubes and self.cubes[name].view is not None), None)

    @property
    def custom_granularities(self) -> tuple[str, ...]:
        """The names of all custom granularities."""
        members = (member for cube in self.cubes.values() for member in cube.members.values())
        return tuple(dict.fromkeys(name for member in members for name in member.granularities))

    @property
    def named_shifts(self) -> tuple[str, ...]:
        """The names of all time shifts that calendars define."""
        members = (member for cube in self.cubes.values() for member in cube.members.values())
        return tuple(dict.fromkeys(name for member in members for name in member.shifts))

    def _declared(self, full_name: str) -> DeclaredMember | None:
        cube, _, member = full_name.partition(".")
        return self.cubes[cube].members.get(member) if cube in self.cubes else None


def resolve(expression: str, cube: str, names: Names) -> Reference | Unresolved:
    """What ``{expression}`` means inside ``cube``."""
    words = expression.split(".")
    if is_context(expression):
        return Unresolved(
            f"'{words[0].strip()}' cannot stand where a name is due", "Write the name of a member or cube."
        )
    if not all(IDENTIFIER.fullmatch(word) for word in words):
        return Unresolved(
            f"'{{{expression}}}' is not a reference",
            r"A reference is a name or names with dots; a literal brace is written \{ or \}.",
        )
    path = tuple(cube if word in _THIS_CUBE and place == 0 else word for place, word in enumerate(words))
    if len(path) == 1:
        return _bare(path[0], cube, names)
    if names.is_cube(path[0]):
        found = _dotted(path, names)
        if not isinstance(found, Unresolved):
            return found
    else:
        found = _unknown_path(path, cube, names)
    if (
        len(path) == 2
        and names.is_time(cube, path[0])
        and path[1] in names.granularities(f"{cube}.{path[0]}")
    ):
        return MemberReference(f"{cube}.{path[0]}", (cube,), path[1])
    return found


def _bare(name: str, cube: str, names: Names) -> Reference | Unresolved:
    if names.is_cube(name):
        return CubeReference(name, (name,))
    if names.has_member(cube, name):
        return MemberReference(f"{cube}.{name}", (cube,))
    here = names.cubes[cube]
    known = [*here.members, *names.cubes]
    return Unresolved(
        f"'{name}' is neither a cube nor a member of {here.noun} '{cube}'",
        did_you_mean(closest(name, known)) or COLUMN_HINT,
    )


def _dotted(path: tuple[str, ...], names: Names) -> Reference | Unresolved:
    cubes = [0]
    while cubes[-1] + 1 < len(path) and names.is_cube(path[cubes[-1] + 1]):
        cubes.append(cubes[-1] + 1)
    leading = len(cubes)
    last = len(path) - 1
    if leading >= last and names.has_member(path[last - 1], path[last]):
        return _walked(path[:last], names) or MemberReference(f"{path[-2]}.{path[-1]}", path[:last])
    if last >= 2 and leading >= last - 1 and names.has_member(path[last - 2], path[last - 1]):
        return _with_granularity(path, names)
    if leading == len(path):
        return _walked(path, names) or CubeReference(path[-1], path)
    owner, missing = path[leading - 1], path[leading]
    members = names.cubes[owner].members if owner in names.cubes else {}
    return Unresolved(
        f"cube '{owner}' has no member '{missing}'", suggest(missing, members, none="It has none.")
    )


def _with_granularity(path: tuple[str, ...], names: Names) -> Reference | Unresolved:
    cube, member, granularity = path[-3:]
    full_name = f"{cube}.{member}"
    if cube in names.cubes and not names.is_time(cube, member):
        return Unresolved(
            f"'{full_name}' is not a time dimension, so it has no '{granularity}'",
            "Only time dimensions have granularities.",
        )
    if granularity not in names.granularities(full_name):
        return _no_granularity(granularity, full_name, names)
    return _walked(path[:-2], names) or MemberReference(full_name, path[:-2], granularity)


def _walked(cubes: tuple[str, ...], names: Names) -> Unresolved | None:
    """None if each cube of the path declares a join to the next."""
    for source, target in pairwise(cubes):
        if source in names.cubes and target not in names.joins.get(source, frozenset()):
            return Unresolved(
                f"cube '{source}' has no join to '{target}'", f"Declare it in 'joins' of '{source}'."
            )
    return None


def _unknown_path(path: tuple[str, ...], cube: str, names: Names) -> Unresolved:
    first = path[0]
    if len(path) == 2 and first in names.cubes[cube].members:
        if not names.is_time(cube, first):
            return Unresolved(
                f"'{cube}.{first}' is not a time dimension, so it has no '{path[1]}'",
                "Only time dimensions have granularities.",
            )
        return _no_granularity(path[1], f"{cube}.{first}", names)
    return Unresolved(f"there is no cube '{first}'", suggest(first, names.cubes, none="There is none."))


def _no_granularity(name: str, time_dimension: str, names: Names) -> Unresolved:
    known = names.granularities(time_dimension)
    hint = did_you_mean(closest(name, known)) or f"It is one of {', '.join(known)}."
    return Unresolved(f"'{name}' is no granularity of '{time_dimension}'", hint)
