"""Strategies for views and join hints: paths along declared joins, which need not be the shortest."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st
from tests.oracle.filters import FilterReader
from tests.oracle.joins import RowLookup, table_rows
from tests.oracle.measure_filters import OPERATOR
from tests.oracle.own_members import asking_for_own, with_own_members
from tests.oracle.permits import with_view_permits
from tests.oracle.questions import JsonQuery, Questions
from tests.oracle.views import renamed
from tests.oracle.world import Cube, DefaultFilter, Path, View, ViewPart, World


def with_views(draw: st.DrawFn, world: World, zone: str) -> World:
    """The world with one or two views, in most worlds that have joins."""
    roots = [cube.name for cube in world.cubes if cube.joins]
    if not roots or draw(st.integers(0, 3)) == 0:
        return world
    number = draw(st.integers(1, 2))
    views = (_view(draw, world, f"view_{at}", roots) for at in range(number))
    views = (with_own_members(draw, world, view) for view in views)
    views = (with_view_permits(draw, world, _with_defaults(draw, world, view, zone)) for view in views)
    return World(world.cubes, tuple(views))


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


def _with_defaults(draw: st.DrawFn, world: World, view: View, zone: str) -> View:
    """With default filters, in half of the views: such as let through half of their cubes' rows, so that answers have
    some."""
    plain = [
        name
        for name, origin in view.taken.items()
        if (dimension := world.dimension(origin)) is not None
        and not dimension.values
        and not world.measured(origin)
        and world.cubes_of(origin) == {origin.partition(".")[0]}
    ]
    if not plain or draw(st.booleans()):
        return view
    questions = Questions(draw, world, zone)
    defaults = []
    for _ in range(draw(st.sampled_from((1, 1, 2)))):
        name = draw(st.sampled_from(plain))
        item = questions.leaf(view.taken[name])
        if _lets_half_through(world, zone, item):
            unless = draw(st.lists(st.sampled_from(plain), max_size=1)) if draw(st.booleans()) else []
            defaults.append(DefaultFilter({**item, "member": name}, tuple(unless)))
    return replace(view, defaults=tuple(defaults))


def _lets_half_through(world: World, zone: str, item: JsonQuery) -> bool:
    cube = item["member"].partition(".")[0]
    rows = table_rows(world, cube)
    reader = FilterReader(world, zone)
    passing = [row for row in rows if reader.holds(item, RowLookup(world, {cube: row}).member) is True]
    return 2 * len(passing) >= len(rows)


def through_view(draw: st.DrawFn, world: World, query: JsonQuery) -> JsonQuery:
    """The query with the members of a view in place of those of its cubes, now and then: all its measures, and the
    other members that the view has."""
    named: set[str] = set()
    renamed(query, lambda name: named.add(name) or name)  # type: ignore[func-returns-value]
    measures = {name for name in named if name.count(".") == 1 and world.measure(name) is not None}
    found: list[tuple[View, dict[str, str]]] = []
    for view in world.views:
        names = {origin: name for name, origin in view.taken.items()}
        if view.policies is not None and OPERATOR in str(query["filters"]):
            continue  # of a masked measure it is Forbidden
        if measures <= names.keys() and named & names.keys():
            found.append((view, names))
    if not found or draw(st.integers(0, 2)) == 0:
        return query
    view, names = draw(st.sampled_from(found))

    def in_view(name: str) -> str:
        cube, member, *rest = name.split(".", 2)
        return ".".join((names.get(f"{cube}.{member}", f"{cube}.{member}"), *rest))

    return _releasing(draw, view, asking_for_own(draw, view, renamed(query, in_view)))


def _releasing(draw: st.DrawFn, view: View, query: JsonQuery) -> JsonQuery:
    """The query with a condition that releases a default filter of the view, now and then."""
    if not view.defaults or draw(st.integers(0, 2)) != 1:
        return query
    default = draw(st.sampled_from(view.defaults))
    name = draw(st.sampled_from((default.item["member"], *default.unless)))
    return {**query, "filters": [*query["filters"], {"member": name, "operator": "set"}]}


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
