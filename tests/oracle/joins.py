"""The join graph by the written rules: trees by breadth-first search, rows by nested loops.

Rules 1 and 3 of docs/explanation/semantics.md; nothing here knows SQL.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from tests.oracle.expressions import Column, Compare, Expression, Logic, Reference, Value, evaluate
from tests.oracle.world import Join, Path, World

Row = Mapping[str, Value]
JoinedRow = Mapping[str, Row | None]
"""A row of each joined cube by the cube's name; None where the LEFT JOIN found none."""


class NoPathError(Exception):
    """No cube reaches all the others."""


@dataclass(frozen=True, slots=True)
class Tree:
    """``edges``: (source cube, join) with every source before its targets."""

    root: str
    edges: tuple[tuple[str, Join], ...]


def find_tree(
    world: World,
    needed: Iterable[str],
    others: Iterable[str] = (),
    paths: Iterable[Path] = (),
    hints: Iterable[Path] = (),
) -> Tree:
    """The smallest tree over ``needed`` and the cubes of ``paths``; the first declared root among equals.

    The root is one of ``needed``; only if none of them reaches the rest, one of ``others``. A cube on one of the paths
    is joined from the one before it, and so is one on a hint unless it is the root: rules 1.6 and 1.9. Raises
    NoPathError.
    """
    bound = sources(paths)
    given = sources((*paths, *hints))
    wanted = frozenset(needed).union(*paths)
    for roots in (wanted - bound.keys(), frozenset(others) - wanted - bound.keys()):
        trees = [tree_from(world, root, wanted, given) for root in world.names if root in roots]
        found = [tree for tree in trees if tree is not None]
        if found:
            return min(found, key=lambda tree: len(tree.edges))  # min keeps the first of equals
    raise NoPathError(", ".join(sorted(wanted)))


def sources(paths: Iterable[Path]) -> dict[str, str]:
    """For each cube on a path but the first the one before it. Raises NoPathError where two paths say otherwise."""
    found: dict[str, str] = {}
    for path in paths:
        for source, target in pairwise(path):
            if found.setdefault(target, source) != source:
                raise NoPathError(f"{target} from {source} and from {found[target]}")
    return found


def tree_from(
    world: World, root: str, wanted: frozenset[str], given: Mapping[str, str] | None = None
) -> Tree | None:
    """The tree over ``wanted`` from this root, or None if it does not reach them. ``given``: the cubes that these are
    joined from, whatever the shortest path."""
    reached: dict[str, tuple[str, Join] | None] = {root: None}
    queue = deque([root])
    while queue:
        source = queue.popleft()
        for join in world.cube(source).joins:
            if join.target not in reached:
                reached[join.target] = (source, join)
                queue.append(join.target)
    for target, source in (given or {}).items():
        if target != root:
            reached[target] = (source, next(j for j in world.cube(source).joins if j.target == target))
    kept: dict[str, tuple[str, Join]] = {}
    for name in wanted:
        way: list[str] = []
        cursor = name
        while cursor != root and cursor not in kept:
            step = reached.get(cursor)
            if step is None or cursor in way:
                return None
            way.append(cursor)
            cursor = step[0]
        for each in reversed(way):
            step = reached[each]
            assert step is not None
            kept[each] = step
    return Tree(root, tuple(kept.values()))


def table_rows(world: World, cube: str) -> list[Row]:
    """The rows of a cube's table as mappings."""
    table = world.cube(cube).table
    names = [column.name for column in table.columns]
    return [dict(zip(names, row, strict=True)) for row in table.rows]


RowsOf = Callable[[str], list[Row]]
"""The rows of a cube that there are."""


def joined_rows(world: World, tree: Tree, rows_of: RowsOf | None = None) -> list[JoinedRow]:
    """The LEFT JOIN over ``tree``, row by row."""
    there = rows_of or (lambda cube: table_rows(world, cube))
    rows: list[dict[str, Row | None]] = [{tree.root: row} for row in there(tree.root)]
    for source, join in tree.edges:
        candidates = there(join.target)
        pairs = _equal_columns(join.on, source, join.target)
        index: dict[tuple[Value, ...], list[Row]] = defaultdict(list)
        for other in candidates if pairs else ():
            index[tuple(other[target] for _, target in pairs)].append(other)
        extended: list[dict[str, Row | None]] = []
        for row in rows:
            if pairs:
                own = row[source]
                wanted = () if own is None else tuple(own[column] for column, _ in pairs)
                matches = index.get(wanted, []) if wanted and None not in wanted else []
            else:
                matches = [
                    other
                    for other in candidates
                    if evaluate(join.on, RowLookup(world, {**row, join.target: other})) is True
                ]
            extended.extend({**row, join.target: other} for other in matches or [None])
        rows = extended
    return list(rows)


def _equal_columns(on: Expression, source: str, target: str) -> list[tuple[str, str]]:
    """(column of source, column of target) where ``on`` is nothing but equalities of these; else nothing."""
    pairs: list[tuple[str, str]] = []
    for item in on.items if isinstance(on, Logic) and on.op == "and" else (on,):
        match item:
            case Compare("=", Column(left, name), Column(right, other)) if {left, right} == {source, target}:
                pairs.append((name, other) if left == source else (other, name))
            case _:
                return []
    return pairs


def steps_to_many(tree: Tree, start: str, target: str) -> bool:
    """Whether the path in ``tree`` from ``start`` to ``target`` has a step from one row to many."""
    steps: dict[str, list[tuple[str, bool]]] = {tree.root: []}
    for source, join in tree.edges:
        steps.setdefault(source, []).append((join.target, join.relationship == "one_to_many"))
        steps.setdefault(join.target, []).append((source, join.relationship == "many_to_one"))
    stack = [(start, "", False)]
    while stack:
        cube, came_from, many = stack.pop()
        if cube == target:
            return many
        stack += [(other, cube, many or fans) for other, fans in steps[cube] if other != came_from]
    raise AssertionError(f"{target} is not in the tree")


@dataclass(frozen=True, slots=True)
class RowLookup:
    """Columns and dimensions of one joined row; an absent row's columns are NULL. ``special``: dimensions that are
    found otherwise than by their expression."""

    world: World
    row: JoinedRow
    special: Mapping[str, Callable[[JoinedRow], Value]] = field(default_factory=dict)

    def __call__(self, atom: Column | Reference) -> Value:
        if isinstance(atom, Column):
            own = self.row[atom.cube]
            return None if own is None else own[atom.name]
        return self.member(f"{atom.cube}.{atom.member}")

    def member(self, full_name: str) -> Value:
        """The value of a dimension."""
        found = self.special.get(full_name)
        if found is not None:
            return found(self.row)
        dimension = self.world.dimension(full_name)
        assert dimension is not None
        return evaluate(dimension.expression, self)


# ---------------------------------------------------------------- which facts a condition restricts


def closure(world: World, cube: str) -> frozenset[str]:
    """The cubes of which each row of ``cube`` has at most one, through any number of joins; incl. itself."""
    steps: dict[str, set[str]] = {name: set() for name in world.names}
    for source in world.cubes:
        for join in source.joins:
            if join.relationship in ("many_to_one", "one_to_one"):
                steps[source.name].add(join.target)
            if join.relationship in ("one_to_many", "one_to_one"):
                steps[join.target].add(source.name)
    seen = {cube}
    queue = [cube]
    while queue:
        for target in steps[queue.pop()]:
            if target not in seen:
                seen.add(target)
                queue.append(target)
    return frozenset(seen)


@dataclass(frozen=True, slots=True)
class Facts:
    """The measure cubes that no other measure cube determines."""

    world: World
    names: tuple[str, ...]

    @staticmethod
    def among(world: World, measure_cubes: Iterable[str]) -> Facts:
        measuring = frozenset(measure_cubes)
        cubes = [name for name in world.names if name in measuring]
        facts: list[str] = []
        for name in cubes:
            above = [other for other in cubes if other != name and name in closure(world, other)]
            # Cubes that determine each other are one fact; the first declared stands for it.
            mutual = [other for other in above if other in closure(world, name)]
            outranked = len(mutual) < len(above)
            if not outranked and all(cubes.index(name) < cubes.index(other) for other in mutual):
                facts.append(name)
        return Facts(world, tuple(facts))

    def homes(self, cube: str) -> frozenset[str]:
        """The facts whose rows have at most one row of ``cube``."""
        return frozenset(fact for fact in self.names if cube in closure(self.world, fact))

    def owners(self, cube: str) -> frozenset[str]:
        """The facts related to ``cube`` by to-one steps, in either direction."""
        below = closure(self.world, cube)
        return self.homes(cube) | frozenset(fact for fact in self.names if fact in below)

    def applies(self, condition_cubes: Iterable[str], measure_cube: str) -> bool:
        """Whether a condition on members of ``condition_cubes`` restricts the rows of ``measure_cube``."""
        owners = [owned for cube in condition_cubes if (owned := self.owners(cube))]
        if not owners:
            return True
        shared = frozenset.intersection(*owners)
        return not shared or self.homes(measure_cube) <= shared
