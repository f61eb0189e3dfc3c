"""Strategies for access policies, masks, slots in the SELECT of a cube, and principals who ask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st
from tests.oracle.joins import tree_from
from tests.oracle.policies import NOBODY, Claim, ClaimSlot, ClaimTest, ParamSlot, Policy, Principal, Slot
from tests.oracle.world import Cube, Dimension, Path, Segment, View, World

TESTED = ("n", "s", "flag", "amount")
GROUPS = ("red", "blue", "green")
TEXTS = ("a", "A", "b", "é", "1", "%")
NUMBERS = (0, 1, 2, 3, 12)
TESTS = (
    ClaimTest("level", ">=", 2),
    ClaimTest("level", "==", 1),
    ClaimTest("region", "in", ("eu", "us")),
    ClaimTest("admin", "==", True),
)


class Permits:
    """Draws what a cube lets through. ``tests``: the short names of the dimensions that row filters test."""

    def __init__(self, draw: st.DrawFn, world: World, cube: Cube, tests: Sequence[str]) -> None:
        self.draw = draw
        self.world = world
        self.cube = cube
        self.tests = tests

    def pick(self, items: Sequence[Any]) -> Any:
        return self.draw(st.sampled_from(items))

    def tested(self) -> list[str]:
        """Dimensions that row filters may test: of the cube and of what it is joined with to one; no times, whose
        zone no rule settles, and nothing that a mask may hide."""
        found: list[str] = []
        for name in self.world.names:
            tree = tree_from(self.world, self.cube.name, frozenset({self.cube.name, name}))
            if tree is None or any(join.relationship == "one_to_many" for _, join in tree.edges):
                continue
            plain = (d for d in self.world.cube(name).dimensions if d.name in self.tests)
            found += [f"{name}.{dimension.name}" for dimension in plain]
        return found

    def policies(self) -> tuple[Policy, ...]:
        return tuple(self.policy() for _ in range(self.draw(st.integers(1, 3))))

    def policy(self) -> Policy:
        groups = self.pick((("*",), ("red",), ("red", "blue"), ("blue",), ("green", "red")))
        conditions = (self.pick(TESTS),) if self.pick((False, False, False, True)) else ()
        filters = tuple(self.tree(1) for _ in range(self.pick((0, 1, 1, 2))))
        names = self.names()
        form = self.pick(("all", "all", "excludes", "includes", "masked", "masked"))
        if form == "excludes":
            return Policy(groups, conditions, None, self.some(names, 2), None, filters)
        if form == "includes":
            return Policy(groups, conditions, self.most(names), (), None, filters)
        if form == "masked":
            hidden = self.hideable()
            masked = tuple(self.draw(st.lists(st.sampled_from(hidden), min_size=1, max_size=5, unique=True)))
            return Policy(groups, conditions, tuple(n for n in names if n not in masked), (), masked, filters)
        return Policy(groups, conditions, filters=filters)

    def names(self) -> list[str]:
        """The short names of all members."""
        return [m.name for m in (*self.cube.dimensions, *self.cube.measures, *self.cube.segments)]

    def hideable(self) -> list[str]:
        """The members that may be masked: measures, and dimensions that are neither keys nor what row filters test."""
        plain = (d.name for d in self.cube.dimensions if self.may_hide(d))
        return [*plain, *(m.name for m in self.cube.measures)]

    def may_hide(self, dimension: Dimension) -> bool:
        return not (dimension.primary_key or dimension.values or dimension.name in self.tests)

    def dimension(self, full_name: str) -> Dimension:
        """The dimension that a filter may test."""
        found = self.world.dimension(full_name)
        assert found is not None
        return found

    def some(self, names: Sequence[str], most: int) -> tuple[str, ...]:
        return tuple(self.draw(st.lists(st.sampled_from(names), max_size=most, unique=True))) if names else ()

    def most(self, names: Sequence[str]) -> tuple[str, ...]:
        left_out = self.some(names, 3)
        return tuple(name for name in names if name not in left_out)

    def tree(self, depth: int) -> Mapping[str, Any]:
        form = self.pick(("leaf", "leaf", "leaf", "or", "and")) if depth else "leaf"
        if form != "leaf":
            return {form: [self.tree(depth - 1) for _ in range(2)]}
        name = self.pick(self.tested())
        dimension = self.dimension(name)
        if self.pick((False, False, False, True)):
            return {"member": name, "operator": self.pick(("set", "notSet"))}
        if dimension.type == "boolean":
            return {
                "member": name,
                "operator": "equals",
                "values": self.pick((["true"], ["false"], Claim("yes"))),
            }
        if dimension.type == "number":
            operator = self.pick(("equals", "notEquals", "gte", "lt"))
            values = [str(self.pick(NUMBERS))]
            return {
                "member": name,
                "operator": operator,
                "values": self.pick((values, Claim("n"), Claim("ns"))),
            }
        operator = self.pick(("equals", "notEquals", "contains", "notContains", "startsWith"))
        values = [self.pick(TEXTS)]
        return {"member": name, "operator": operator, "values": self.pick((values, Claim("s"), Claim("ss")))}

    def slots(self) -> tuple[Slot, ...]:
        """Conditions of the cube's SELECT. What is restated is restated on another column, so that it shows."""
        columns = {column.name: column.type for column in self.cube.table.columns}
        texts = [name for name, type in columns.items() if type == "text"]
        numbers = [name for name, type in columns.items() if type == "integer"]
        text = (f"{self.cube.name}.s", self.pick(texts))
        number = (f"{self.cube.name}.n", self.pick(numbers))
        found: list[Slot] = []
        if self.draw(st.booleans()):
            found.append(ClaimSlot(*self.pick((("s", "s"), ("ss", "s"), ("n", "n"), ("ns", "n")))))
        form = self.pick(("none", "one", "one", "group"))
        if form == "one":
            found.append(ParamSlot((self.pick((text, number)),)))
        elif form == "group":
            found.append(ParamSlot((text, number)))
        return tuple(found)


class ViewPermits(Permits):
    """Draws what a view lets through. Its filters test what there is once for each row of the view's root: what decides
    about masks must not repeat rows."""

    def __init__(self, draw: st.DrawFn, world: World, view: View) -> None:
        super().__init__(draw, world, world.cube(view.parts[0].path[0]), TESTED)
        self.view = view

    def names(self) -> list[str]:
        return [name.partition(".")[2] for name in self.view.origins]

    def hideable(self) -> list[str]:
        found = [each.name for each in self.view.own if not isinstance(each, Segment)]
        for name, origin in self.view.taken.items():
            dimension = self.world.dimension(origin)
            hides = self.world.measure(origin) is not None if dimension is None else self.may_hide(dimension)
            found += [name.partition(".")[2]] if hides else []
        return found

    def tested(self) -> list[str]:
        return [
            f"{self.view.name}.{name}"
            for part in self.view.parts
            for name, origin in part.names.items()
            if origin.partition(".")[2] in self.tests and self._once(part.path)
        ]

    def _once(self, path: Path) -> bool:
        joins = {(cube.name, join.target): join for cube in self.world.cubes for join in cube.joins}
        return all(joins[step].relationship != "one_to_many" for step in pairwise(path))

    def dimension(self, full_name: str) -> Dimension:
        return super().dimension(self.view.taken[full_name])


def with_view_permits(draw: st.DrawFn, world: World, view: View) -> View:
    """With policies, in a third of the views."""
    permits = ViewPermits(draw, world, view)
    if not permits.tested() or draw(st.integers(0, 2)) != 1:
        return view
    return replace(view, policies=permits.policies())


def with_permits(draw: st.DrawFn, world: World, *, dense: bool = False) -> World:
    """The world with policies on some cubes and slots in the SELECT of some; in dense worlds both more often."""
    some = ("neither", "neither", "policies", "policies", "slots", "both")
    kind = draw(st.sampled_from(("neither", "policies", "policies", "both", "both") if dense else some))
    if kind == "neither":
        return world
    chosen = draw(st.permutations(world.names))[: draw(st.integers(1, 2))]
    tests = draw(st.sampled_from((TESTED, TESTED[1:], TESTED[:1])))
    cubes: list[Cube] = []
    for cube in world.cubes:
        permits = Permits(draw, world, cube, tests)
        if cube.name in chosen:
            if kind != "slots":
                cube = replace(_masked(draw, cube, permits), policies=permits.policies())
            if kind != "policies":
                cube = replace(cube, as_select=True, slots=permits.slots())
        cubes.append(cube)
    return World(tuple(cubes))


def _masked(draw: st.DrawFn, cube: Cube, permits: Permits) -> Cube:
    """Some masks: constants of the member's type."""
    if draw(st.booleans()):
        return cube
    masks = {"string": "***", "number": -1}
    dimensions = tuple(
        replace(d, mask=masks[d.type]) if permits.may_hide(d) and d.type in masks else d
        for d in cube.dimensions
    )
    measures = tuple(
        replace(m, mask=-1) if m.type in ("count", "sum", "number") else m for m in cube.measures
    )
    return replace(cube, dimensions=dimensions, measures=measures)


@st.composite
def principals(draw: st.DrawFn, world: World) -> Principal:
    """Somebody who asks; nobody where nobody is asked for."""
    guarded = [each.policies for each in (*world.cubes, *world.views) if each.policies is not None]
    if not guarded and not any(cube.slots for cube in world.cubes):
        return NOBODY
    claims = {
        "level": (1, 2, 3),
        "region": ("eu", "asia"),
        "admin": (True, False),
        "yes": (True, False),
        "n": NUMBERS,
        "ns": ([1, 2, 3], [0, 12], []),
        "s": TEXTS,
        "ss": (["a", "A", "b"], ["é", "1"], []),
    }
    said = {name: draw(st.sampled_from(values)) for name, values in claims.items() if draw(st.integers(0, 3))}
    groups: list[str] = draw(st.lists(st.sampled_from(GROUPS), max_size=2, unique=True))
    if draw(st.integers(0, 4)) != 2:  # mostly somebody who may read
        groups += [draw(st.sampled_from(policies)).groups[0] for policies in guarded]
    return Principal(tuple(sorted({*groups} - {"*"})), said)


__all__ = ["principals", "with_permits", "with_view_permits"]
