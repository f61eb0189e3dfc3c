"""Strategies for members beyond columns and aggregates: windows, shifts, stages, sub-queries, snapshots.

``PLANNED`` says which of them the planner plans. Worlds have none of the others, since a refusal is no agreement.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from tests.oracle.expressions import Arithmetic, Case, Coalesce, Compare, Constant, Expression, Reference
from tests.oracle.joins import NoPathError, closure, find_tree
from tests.oracle.members import (
    Bound,
    Conversion,
    Directive,
    RankOrder,
    SemiAdditive,
    Shift,
    Stage,
    SwitchCase,
    Window,
)
from tests.oracle.spans import Span
from tests.oracle.world import Cube, Dimension, Measure, Segment, World

PLANNED: Mapping[str, bool] = {
    "rolling windows": True,
    "time shifts": True,
    "stages": True,
    "ranks": True,
    "sub-query dimensions": True,
    "multi-stage dimensions": True,
    "snapshots": True,
    "conversions": True,
    "switches": True,
}

SELDOM_SEEN = ("snapshots", "snapshots", "rolling windows")
"""What dense worlds have more often: its forms are many, or it can be asked in few ways."""

EXACT = ("count", "sum", "min", "max", "count_distinct")
"""Types whose values are whole numbers or decimals, which compare and add up alike everywhere."""
DAYS = tuple(
    Span(number, unit) for number, unit in ((1, "day"), (3, "day"), (1, "week"), (36, "hour"), (90, "minute"))
)
MONTHS = tuple(
    Span(number, unit) for number, unit in ((1, "month"), (2, "month"), (1, "quarter"), (1, "year"))
)
TO_DATE = ("day", "week", "month", "quarter", "year", "fiscal_year", "month_from_the_15th")


class Extras:
    """Draws members over those that a world has."""

    def __init__(self, draw: st.DrawFn, world: World) -> None:
        self.draw = draw
        self.world = world

    def pick(self, items: Sequence[Any]) -> Any:
        return self.draw(st.sampled_from(items))

    def near(self, cube: str) -> list[str]:
        """The cubes that a measure of ``cube`` is surely joined with, itself first: rows of these are one for each."""
        found = [cube]
        for name in self.world.names:
            if name != cube and name in closure(self.world, cube):
                try:
                    find_tree(self.world, {cube, name})
                except NoPathError:
                    continue
                found.append(name)
        return found

    def dimensions(
        self, cubes: Sequence[str], test: Callable[[Dimension], bool] = lambda _: True
    ) -> list[str]:
        """Names of dimensions of these cubes."""
        return [
            f"{name}.{d.name}"
            for name in cubes
            for d in self.world.cube(name).dimensions
            if not (d.of_measures or d.values) and test(d)
        ]

    def times(self, cubes: Sequence[str]) -> list[str]:
        return self.dimensions(cubes, lambda dimension: dimension.type == "time")

    def leaves(self, cube: Cube) -> list[str]:
        """Measures over rows with exact values."""
        return [
            f"{cube.name}.{m.name}" for m in cube.measures if m.type in EXACT and m.semi is m.stage is None
        ]

    # ------------------------------------------------------------ measures over rows

    def rolling(self, cube: Cube, number: int) -> Measure | None:
        """A measure with a window: one that there is, otherwise as it is."""
        plain = [
            m for m in cube.measures if m.type in (*EXACT, "avg") and not (m.window or m.stage or m.semi)
        ]
        if not plain or not self.times(self.near(cube.name)):
            return None
        return replace(self.pick(plain), name=f"r{number}", window=self.window())

    def window(self) -> Window:
        if self.pick((False, False, True)):
            return Window(to_date=self.pick(TO_DATE))
        trailing, leading = self.bound(), self.bound()
        if trailing is None and leading is None:
            trailing = self.pick(DAYS)
        return Window(trailing, leading, self.pick(("end", "end", "start")))

    def bound(self) -> Bound:
        return self.pick((None, None, "unbounded", *DAYS, *MONTHS))

    def snapshot(self, cube: Cube, number: int) -> Measure | None:
        times = self.times([cube.name])
        types = ("sum", "min", "max", "avg", "count", "count_distinct")
        plain = [m for m in cube.measures if m.type in types and not (m.window or m.stage or m.semi)]
        if not times or not plain or not cube.key:
            return None
        by = self.draw(
            st.lists(st.sampled_from(self.dimensions(self.near(cube.name))), max_size=2, unique=True)
        )
        take = self.pick(("last", "last", "first", "average"))
        semi = SemiAdditive(self.pick(times), take, () if take == "average" else tuple(by))
        return replace(self.pick(plain), name=f"s{number}", semi=semi)

    def conversion(self, cube: Cube, number: int) -> Measure | None:
        """Rows of the cube that are followed by rows of cubes that have one of the same entity."""
        near = self.near(cube.name)
        steps = [
            (f"{name}.{m.name}", time)
            for name in self.world.names
            for m in self.world.cube(name).measures
            for time in self.times([name])
            if m.type == "count" and not (m.stage or m.window or m.semi) and self.world.cube(name).key
        ]
        own = [step for step in steps if step[0].partition(".")[0] == cube.name]
        if not own:
            return None
        first = self.pick(own)
        shared = {
            name: [s for s in steps if name in self.near(s[0].partition(".")[0])] for name in near if steps
        }
        others = [name for name in near if {s[0].partition(".")[0] for s in shared[name]} - {cube.name}]
        entity_cube = self.pick(others or near)
        # Few values make many rows of one entity.
        plain = ("flag", "n", "amount")
        few = self.dimensions([entity_cube], lambda d: d.name in plain or d.type == "boolean")
        keys = [f"{entity_cube}.{part.name}" for part in self.world.cube(entity_cube).key]
        others = self.dimensions([entity_cube], lambda d: d.type != "time")
        entity = self.pick([*few, *few, *keys, *others] or [None])
        offered = [s for s in shared[entity_cube] if not s[0].startswith(f"{cube.name}.")] * 3 + shared[
            entity_cube
        ]
        if entity is None or not offered:
            return None
        later = [self.pick(offered) for _ in range(self.pick((1, 1, 1, 2)))]
        window = self.pick(
            (Span(2, "year"), *MONTHS[1:], None, DAYS[1], DAYS[3], Span(8, "month"), Span(1, "year"))
        )
        value = self.pick(("count", "rate"))
        return Measure(
            f"v{number}", "conversion", conversion=Conversion((first, *later), entity, window, value)
        )

    # ------------------------------------------------------------ measures in stages

    def switched(self, cube: Cube, number: int) -> Measure | None:
        """A measure that is another for each value of a switch of the cube, or of one near."""
        offered = [
            f"{name}.{d.name}"
            for name in self.near(cube.name)
            for d in self.world.cube(name).dimensions
            if d.values
        ]
        children = self.children(cube)
        if not offered or not children:
            return None
        name = self.pick(offered)
        dimension = self.world.dimension(name)
        assert dimension is not None
        values = self.draw(st.lists(st.sampled_from(dimension.values), min_size=1, max_size=3, unique=True))
        otherwise = self.over(children) if self.pick((False, False, True)) else None
        branches = tuple((value, self.over(children)) for value in values)
        return Measure(f"w{number}", "number", stage=Stage(), switch=SwitchCase(name, branches, otherwise))

    def shifted(self, cube: Cube, number: int) -> Measure | None:
        times = self.times(self.near(cube.name))
        children = self.children(cube)
        if not times or not children:
            return None
        member = self.pick((None, None, self.pick(times)))
        span = self.pick((*DAYS[:4], *MONTHS))
        shift = Shift(member, span if self.pick((True, True, False)) else -span)
        return Measure(f"t{number}", "number", self.over(children), stage=Stage(shifts=(shift,)))

    def staged(self, cube: Cube, number: int) -> Measure | None:
        children = self.children(cube)
        near = self.dimensions(self.near(cube.name))
        if not children or not near:
            return None
        type = self.pick(("number", "number", "sum", "sum", "avg", "min", "max", "count"))
        group_by = self.some(near, 3) if self.pick((False, False, True)) else None
        reduce_by = self.some(near, 2) if self.pick((False, True)) else ()
        added = self.some(near, 2) if type != "number" and self.pick((False, True, True)) else ()
        stage = Stage(
            group_by, reduce_by, added, self.directive(near) if self.pick((False, False, True)) else None
        )
        filters: tuple[Expression, ...] = ()
        if type != "number" and self.pick((False, False, True)):
            limit = Constant(self.pick((0, 1, 2, 3)))
            filters = (Compare(self.pick((">", "<=")), reference(self.pick(children)), limit),)
        return Measure(f"g{number}", type, self.over(children), filters, stage=stage)

    def ranked(self, cube: Cube, number: int) -> Measure | None:
        children = self.children(cube)
        near = self.dimensions(self.near(cube.name))
        if not children or not near:
            return None
        orders = tuple(
            RankOrder(reference(name), self.draw(st.booleans()))
            for name in self.draw(st.lists(st.sampled_from(children), min_size=1, max_size=2, unique=True))
        )
        stage = Stage(None, self.some(near, 2)) if self.pick((True, False)) else Stage(self.some(near, 2))
        return Measure(f"k{number}", "rank", None, stage=stage, order_by=orders)

    def children(self, cube: Cube) -> list[str]:
        """Measures that may be evaluated first: exact ones, of the cube and of those it surely joins."""
        own = [
            f"{cube.name}.{m.name}"
            for m in cube.measures
            if m.semi is None
            and (
                m.type in EXACT
                or (m.type == "number" and m.stage is not None)
                or (m.conversion is not None and m.conversion.value == "count")
            )
        ]
        others = [name for other in self.near(cube.name)[1:] for name in self.leaves(self.world.cube(other))]
        return [*own, *own, *others]

    def over(self, children: Sequence[str]) -> Expression:
        """A formula over one or two measures."""
        first = reference(self.pick(children))
        form = self.pick(("alone", "alone", "alone", "difference", "case"))
        if form == "difference":
            return Arithmetic("-", first, Coalesce((reference(self.pick(children)), Constant(0))))
        if form == "case":
            return Case(((Compare(">", first, Constant(1)), first),), Constant(0))
        return first

    def some(self, names: Sequence[str], most: int) -> tuple[str, ...]:
        return tuple(self.draw(st.lists(st.sampled_from(names), max_size=most, unique=True)))

    def directive(self, near: Sequence[str]) -> Directive:
        mode = self.pick(("relative", "relative", "fixed"))
        form = self.pick(("exclude", "keep_only", "include", "all"))
        include: tuple[Any, ...] = ()
        if form in ("include", "all"):
            name = self.pick(near)
            include = ({"member": name, "operator": self.pick(("set", "notSet"))},)
        if form == "keep_only":
            return Directive(mode, keep_only=self.some(near, 3))
        return Directive(mode, self.some(near, 3) if form in ("exclude", "all") else (), include=include)

    # ------------------------------------------------------------ dimensions over measures

    def sub_query(self, cube: Cube, number: int) -> Dimension | None:
        if not cube.key:
            return None
        offered = []
        for other in self.world.cubes:
            try:
                find_tree(self.world, {cube.name, other.name})
            except NoPathError:
                continue
            if other.name != cube.name:
                offered += self.leaves(other)
        if not offered:
            return None
        return Dimension(
            f"q{number}",
            "number",
            reference(self.pick(offered)),
            sub_query=True,
            propagate=self.draw(st.booleans()),
        )

    def is_time(self, name: str) -> bool:
        dimension = self.world.dimension(name)
        return dimension is not None and dimension.type == "time"

    def bucket(self, cube: Cube, number: int) -> Dimension | None:
        children = self.leaves(cube)
        near = self.near(cube.name)
        keys = [
            f"{name}.{part.name}"
            for name in near
            for part in self.world.cube(name).key
            if len(self.world.cube(name).key) == 1
        ]
        if not children:
            return None
        many = Compare(">", reference(self.pick(children)), Constant(self.pick((0, 1, 2, 3))))
        label = Case(((many, Constant("many")),), self.pick((None, Constant("few"))))
        times = {
            name for name in self.dimensions(near) if self.is_time(name)
        }  # the planner refuses tuples of times
        others = [
            name
            for name in (*keys, *keys, *self.dimensions(near))
            if name not in times and not self.world.measured(name)  # tuples of such are refused, too
        ]
        if not others:
            return None
        names = self.draw(st.lists(st.sampled_from(others), min_size=1, max_size=2, unique=True))
        return Dimension(f"b{number}", "string", label, stage=Stage(add_group_by=tuple(names)))


def reference(full_name: str) -> Reference:
    """A reference to a member."""
    return Reference(*full_name.split(".", 1))


MEASURES: Mapping[str, Callable[[Extras, Cube, int], Measure | None]] = {
    "rolling windows": Extras.rolling,
    "snapshots": Extras.snapshot,
    "time shifts": Extras.shifted,
    "stages": Extras.staged,
    "ranks": Extras.ranked,
    "conversions": Extras.conversion,
    "switches": Extras.switched,
}
DIMENSIONS: Mapping[str, Callable[[Extras, Cube, int], Dimension | None]] = {
    "sub-query dimensions": Extras.sub_query,
    "multi-stage dimensions": Extras.bucket,
}


def with_extras(draw: st.DrawFn, world: World, *, dense: bool = False) -> World:
    """The world with members of the constructs that are planned, in most worlds; in all and more of them if dense."""
    if not dense and draw(st.integers(0, 3)) == 0:
        return world
    chosen = draw(st.permutations(world.names))[:3]
    if PLANNED["switches"] and draw(st.booleans()):
        values = draw(st.sampled_from((("EUR", "usd", "o'neil"), ("EUR", "usd"), ("one",))))
        switch = Dimension("sw", "switch", Constant(None), values=values)
        cube = world.cube(chosen[0])
        world = _replaced(world, replace(cube, dimensions=(*cube.dimensions, switch)))
    for name in chosen:
        dimensions = [make for kind, make in DIMENSIONS.items() if PLANNED[kind]]
        if dimensions and draw(st.integers(0, 3)):
            world = _with_dimension(draw, world, name, draw(st.sampled_from(dimensions)))
        measures = [make for kind, make in MEASURES.items() if PLANNED[kind]]
        measures += [MEASURES["conversions"]] * 2 if PLANNED["conversions"] else []
        measures += [MEASURES[kind] for kind in SELDOM_SEEN if dense and PLANNED[kind]]
        for number in range(draw(st.integers(2, 4) if dense else st.integers(1, 3)) if measures else 0):
            cube = world.cube(name)
            added = draw(st.sampled_from(measures))(Extras(draw, world), cube, number)
            if added is not None:
                world = _replaced(world, replace(cube, measures=(*cube.measures, added)))
    return world


def _with_dimension(
    draw: st.DrawFn, world: World, name: str, make: Callable[[Extras, Cube, int], Dimension | None]
) -> World:
    """With a dimension over measures, and sometimes with members that read it."""
    cube = world.cube(name)
    added = make(Extras(draw, world), cube, 0)
    if added is None:
        return world
    cube = replace(cube, dimensions=(*cube.dimensions, added))
    if added.sub_query and draw(st.booleans()):
        read = Coalesce((Reference(name, added.name), Constant(0)))
        cube = replace(
            cube,
            dimensions=(*cube.dimensions, Dimension("qx", "number", Arithmetic("+", read, Constant(1)))),
            measures=(*cube.measures, Measure("qm", "sum", Reference(name, added.name))),
            segments=(
                *cube.segments,
                Segment("some", Compare(">", Reference(name, added.name), Constant(1))),
            ),
        )
    return _replaced(world, cube)


def _replaced(world: World, cube: Cube) -> World:
    return World(tuple(cube if each.name == cube.name else each for each in world.cubes))


__all__ = ["PLANNED", "with_extras"]
