"""Strategies for access policies, masks, slots in the SELECT of a cube, and principals who ask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from tests.oracle.joins import tree_from
from tests.oracle.policies import NOBODY, Claim, ClaimSlot, ClaimTest, ParamSlot, Policy, Principal, Slot
from tests.oracle.world import Cube, Dimension, World

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
        names = [m.name for m in (*self.cube.dimensions, *self.cube.measures, *self.cube.segments)]
        form = self.pick(("all", "all", "excludes", "includes", "masked", "masked"))
        if form == "excludes":
            return Policy(groups, conditions, None, self.some(names, 2), None, filters)
        if form == "includes":
            return Policy(groups, conditions, self.most(names), (), None, filters)
        if form == "masked":
            hidden = [*self.hideable(), *(m.name for m in self.cube.measures)]
            masked = tuple(self.draw(st.lists(st.sampled_from(hidden), min_size=1, max_size=5, unique=True)))
            return Policy(groups, conditions, tuple(n for n in names if n not in masked), (), masked, filters)
        return Policy(groups, conditions, filters=filters)

    def hideable(self) -> list[str]:
        """The dimensions that may be masked: neither keys nor what row filters test."""
        plain = (d for d in self.cube.dimensions if not d.primary_key and not d.values)
        return [d.name for d in plain if d.name not in self.tests]

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
        dimension = self.world.dimension(name)
        assert isinstance(dimension, Dimension)
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
    hideable = permits.hideable()
    dimensions = tuple(
        replace(d, mask=masks[d.type]) if d.name in hideable and d.type in masks else d
        for d in cube.dimensions
    )
    measures = tuple(
        replace(m, mask=-1) if m.type in ("count", "sum", "number") else m for m in cube.measures
    )
    return replace(cube, dimensions=dimensions, measures=measures)


@st.composite
def principals(draw: st.DrawFn, world: World) -> Principal:
    """Somebody who asks; nobody where nobody is asked for."""
    if all(cube.policies is None and not cube.slots for cube in world.cubes):
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
        groups += [
            draw(st.sampled_from(policies)).groups[0] for cube in world.cubes if (policies := cube.policies)
        ]
    return Principal(tuple(sorted({*groups} - {"*"})), said)


__all__ = ["principals", "with_permits"]
