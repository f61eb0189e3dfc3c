"""Members defined by other members: no circles, and no more than SQL can hold once all is substituted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from cuboid.catalog.build import BuiltCube
from cuboid.catalog.declare import DeclaredCube
from cuboid.catalog.model import Member
from cuboid.catalog.pieces import MemberReference

MAX_DEPTH = 32
"""Members on the longest way down from a member. Substitution and the SQL writer recurse on each."""

MAX_SUBSTITUTIONS = 10_000
"""Members that one member stands for in the end: thirty of the form ``{x} + {x}`` would be 10^9."""


Edges = Callable[[str], tuple[str, ...]]
"""The members that a member's SQL refers to, by full name."""


@dataclass(frozen=True, slots=True)
class _Walk:
    """``finished``: members after all that they refer to. ``circles``: at least one of every knot of members."""

    finished: list[str]
    circles: list[tuple[str, ...]]


def check_definitions(
    declared: Mapping[str, DeclaredCube], built: Mapping[str, BuiltCube], changed: Iterable[str]
) -> None:
    """Report members that are defined by themselves, directly or through others, and those that stand for
    too much.

    :param changed: the cubes whose members may be new or refer to new ones; others have been checked before.
    """

    @cache
    def edges(name: str) -> tuple[str, ...]:
        return tuple(other for other in references(find(name, built)) if find(other, built) is not None)

    walk = _walk([member.full_name for cube in changed for member in built[cube].cube.members()], edges)
    for circle in walk.circles:
        shown = " -> ".join((*circle, circle[0]))
        members = [member for name in circle if (member := find(name, built)) is not None]
        for cube in dict.fromkeys(member.cube for member in members):
            first = next(member for member in members if member.cube == cube)
            declared[cube].problems.error(
                first.place,
                f"'{first.full_name}' is defined by itself: {shown}",
                "A column of the cube's own table is written {CUBE}.column.",
            )
    for name, message in _too_much(edges, walk.finished):
        found = find(name, built)
        assert found is not None
        declared[found.cube].problems.error(found.place, message, "Make it a column of the cube's 'sql'.")


def find(full_name: str, built: Mapping[str, BuiltCube]) -> Member | None:
    """The member of that full name."""
    cube, _, name = full_name.partition(".")
    return built[cube].cube.member(name) if cube in built else None


def _walk(starts: Iterable[str], edges: Edges) -> _Walk:
    """Depth first, without recursion: chains may be longer than Python's stack."""
    walk = _Walk([], [])
    done: set[str] = set()
    for start in starts:
        if start in done:
            continue
        path = {start: iter(edges(start))}
        while path:
            name = next(reversed(path))
            follower = next(path[name], None)
            if follower is None:
                del path[name]
                done.add(name)
                walk.finished.append(name)
            elif follower in path:
                names = list(path)
                walk.circles.append(tuple(names[names.index(follower) :]))
            elif follower not in done:
                path[follower] = iter(edges(follower))
    return walk


def _too_much(edges: Edges, finished: list[str]) -> Iterator[tuple[str, str]]:
    """Members at which a limit is passed first; those above them only follow."""
    depths: dict[str, int] = {}
    sizes: dict[str, int] = {}
    for name in finished:
        # On a circle a follower may not be finished; the circle is an error of its own.
        below = [other for other in edges(name) if other in depths]
        depths[name] = 1 + max((depths[other] for other in below), default=0)
        sizes[name] = 1 + sum(sizes[other] for other in below)
        if depths[name] > MAX_DEPTH and all(depths[other] <= MAX_DEPTH for other in below):
            yield name, f"'{name}' is defined through more than {MAX_DEPTH} members, one by the other"
        elif sizes[name] > MAX_SUBSTITUTIONS and all(sizes[other] <= MAX_SUBSTITUTIONS for other in below):
            yield name, f"'{name}' stands for more than {MAX_SUBSTITUTIONS:,} other members"


def references(member: Member | None) -> Iterator[str]:
    """The members that a member's SQL refers to."""
    for template in member.templates if member is not None else ():
        for reference in template.references:
            if isinstance(reference, MemberReference):
                yield reference.member
