"""Strategies for views and join hints: paths along declared joins, which need not be the shortest."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st
from tests.oracle.questions import JsonQuery
from tests.oracle.views import renamed
from tests.oracle.world import Cube, Path, View, ViewPart, World


def with_views(draw: st.DrawFn, world: World) -> World:
    """The world with one or two views, in most worlds that have joins."""
    roots = [cube.name for cube in world.cubes if cube.joins]
    if not roots or draw(st.integers(0, 3)) == 0:
        return world
    number = draw(st.integers(1, 2))
    return World(world.cubes, tuple(_view(draw, world, f"view_{at}", roots) for at in range(number)))


def _view(draw: st.DrawFn, world: World, name: str, roots: list[str]) -> View:
    """A view of a root and of cubes that joins lead to from there, each along one path, a long one rather than a short
    one; some are only passed through."""
    root = draw(st.sampled_from(roots))
    paths: dict[str, Path] = {root: (root,)}
    for _ in range(draw(st.sampled_from((4, 3, 2, 5)))):
        steps = [
            (source, join.target)
            for source in paths
            for join in world.cube(source).joins
            if join.target not in paths
        ]
        if not steps:
            break
        onwards = [step for step in steps if step[0] != root]
        source, target = draw(st.sampled_from([*onwards, *onwards, *steps]))
        paths[target] = (*paths[source], target)
    parts = [_part(draw, world.cube(cube), path) for cube, path in paths.items()]
    shown = [part for part in parts if draw(st.integers(0, 5))] or parts
    if len({each for part in shown for each in part.names}) < sum(len(part.members) for part in shown):
        shown = [replace(part, prefix=True) for part in shown]  # a foreign key has another's name
    return View(name, tuple(draw(st.permutations(shown))))


def _part(draw: st.DrawFn, cube: Cube, path: Path) -> ViewPart:
    """All members of the cube, or all but some."""
    names = [each.name for each in (*cube.dimensions, *cube.measures, *cube.segments)]
    left_out = draw(st.lists(st.sampled_from(names), max_size=2)) if draw(st.integers(0, 3)) == 2 else []
    kept = tuple(name for name in names if name not in left_out) or tuple(names)
    return ViewPart(path, kept, prefix=len(path) > 1)


def through_view(draw: st.DrawFn, world: World, query: JsonQuery) -> JsonQuery:
    """The query with the members of a view in place of those of its cubes, now and then: all its measures, and the
    other members that the view has."""
    named: set[str] = set()
    renamed(query, lambda name: named.add(name) or name)  # type: ignore[func-returns-value]
    measures = {name for name in named if name.count(".") == 1 and world.measure(name) is not None}
    found: list[dict[str, str]] = []
    for view in world.views:
        names = {origin: f"{view.name}.{name}" for part in view.parts for name, origin in part.names.items()}
        if measures <= names.keys() and named & names.keys():
            found.append(names)
    if not found or draw(st.integers(0, 2)) == 0:
        return query
    names = draw(st.sampled_from(found))

    def in_view(name: str) -> str:
        cube, member, *rest = name.split(".", 2)
        return ".".join((names.get(f"{cube}.{member}", f"{cube}.{member}"), *rest))

    return renamed(query, in_view)


def with_hints(draw: st.DrawFn, world: World, query: JsonQuery) -> None:
    """``joinHints``, now and then: paths of two or three cubes."""
    starts = [cube.name for cube in world.cubes if cube.joins]
    if not starts or draw(st.integers(0, 4)) != 3:
        return
    hints = []
    for _ in range(draw(st.sampled_from((1, 1, 2)))):
        hint = [draw(st.sampled_from(starts))]
        for _ in range(draw(st.sampled_from((1, 1, 2)))):
            onwards = [j.target for j in world.cube(hint[-1]).joins if j.target not in hint]
            if onwards:
                hint.append(draw(st.sampled_from(onwards)))
        hints.append(hint)
    query["joinHints"] = hints


__all__ = ["through_view", "with_hints", "with_views"]
