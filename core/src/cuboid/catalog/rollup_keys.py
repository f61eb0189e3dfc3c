"""By what the rollups of a ``rollup_join`` are joined: the keys of their cubes' joins, which both sides have stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations

from cuboid.catalog.model import Cube, Join
from cuboid.catalog.pieces import MemberReference
from cuboid.catalog.rollups import Rollup

Mistake = tuple[str, str]
"""A message and its hint."""


def unjoined(rollup: Rollup, parts: Sequence[Rollup], cubes: Mapping[str, Cube]) -> Mistake | None:
    """Why the parts cannot be joined; None if joins whose keys are stored connect them all."""
    joined = {0}
    mistakes: list[Mistake] = []
    edges = list(_edges(parts, cubes))
    while len(joined) < len(parts):
        reached: set[int] = set()
        mistakes = []
        for here, there, join in edges:
            if (here in joined) == (there in joined):
                continue
            mistake = _mistake(join, parts[here], parts[there])
            if mistake is None:
                reached |= {here, there}
            else:
                mistakes.append(mistake)
        if reached <= joined:
            missing = next(part for index, part in enumerate(parts) if index not in joined)
            return mistakes[0] if mistakes else _no_join(parts[0], missing)
        joined |= reached
    return None


def _edges(parts: Sequence[Rollup], cubes: Mapping[str, Cube]) -> Iterator[tuple[int, int, Join]]:
    """The declared joins from a cube of one part to a cube of another one that has not both."""
    for (here, one), (there, other) in permutations(enumerate(parts), 2):
        sources, targets = _cubes(one), _cubes(other)
        for name in sorted(sources - targets):
            for join in cubes[name].joins if name in cubes else ():
                if join.target in targets - sources:
                    yield here, there, join


def _mistake(join: Join, source: Rollup, target: Rollup) -> Mistake | None:
    where = f"the join of '{join.source}' with '{join.target}'"
    keys = [each for each in join.sql.references if isinstance(each, MemberReference)]
    if len(keys) < len(join.sql.references) or not keys:
        return (
            f"{where}, by which '{source.full_name}' and '{target.full_name}' are joined, compares columns",
            f"Compare dimensions, which the pre-aggregations can store: {{{join.source}.key}} = {{{join.target}.key}}.",
        )
    for key in keys:
        side = source if key.member.partition(".")[0] == join.source else target
        if key.member not in {each.member for each in side.dimensions}:
            return (
                f"'{side.full_name}' lacks '{key.member}', a key of {where}",
                f"Add it to the dimensions of '{side.full_name}'.",
            )
    return None


def _no_join(one: Rollup, other: Rollup) -> Mistake:
    return (
        f"no join leads between the cubes of '{one.full_name}' and '{other.full_name}'",
        "Declare it on one of the cubes, or join other pre-aggregations.",
    )


def _cubes(rollup: Rollup) -> set[str]:
    members = [each.member for each in (*rollup.measures, *rollup.dimensions, *rollup.segments)]
    times = [each.member for each in rollup.time_dimensions]
    return {name.partition(".")[0] for name in (*members, *times)}
