"""The joined rows that a measure, or a list of groups, is made of: rules 1 to 4 of docs/explanation/semantics.md."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial

from tests.oracle import bins, times
from tests.oracle.access import Access
from tests.oracle.expressions import Value, evaluate
from tests.oracle.filters import FilterReader, RefusedError
from tests.oracle.joins import (
    Facts,
    JoinedRow,
    NoPathError,
    Row,
    RowLookup,
    Tree,
    find_tree,
    joined_rows,
    sources,
    steps_to_many,
    tree_from,
)
from tests.oracle.members import Shift
from tests.oracle.policies import ParamSlot
from tests.oracle.question import Condition, GroupColumn, PathsOf
from tests.oracle.state import Group, State
from tests.oracle.world import Path, Paths, World

Test = Callable[[Callable[[str], Value]], bool | None]
Special = Mapping[str, Callable[[JoinedRow], Value]]


@dataclass(frozen=True, slots=True)
class Relation:
    """Joined rows that pass all conditions, each with its group."""

    tree: Tree
    rows: list[tuple[JoinedRow, Group]]


@dataclass(frozen=True, slots=True)
class Cut:
    """``top`` as found: the first values of a dimension, and what stands for the others; ``drop``: nothing does."""

    dimension: str
    first: frozenset[Value]
    others: str | None
    drop: bool
    paths: Paths


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the rows of one query: its facts and the members that it groups by (3.3, 3.6), the cubes that it names,
    the rows of them that there are, its zone, the dimension that it cuts to the first values, the paths of segments
    that are asked through a view, and its join hints. ``bare``: it is evaluated for a dimension of another query, by
    true values (14.6)."""

    world: World
    zone: str
    facts: Facts
    axes: frozenset[str]
    mentioned: frozenset[str]
    access: Access
    special: Special
    cut: Cut | None = None
    paths: PathsOf = field(default_factory=dict)
    hints: tuple[Path, ...] = ()
    bare: bool = False

    def lookup(self, row: JoinedRow) -> RowLookup:
        return RowLookup(self.world, row, self.special)

    def restricts(self, names: frozenset[str], measure_cube: str | None) -> bool:
        """Whether a condition on ``names`` is one on the rows of ``measure_cube``: rules 3.4 to 3.6."""
        if measure_cube is None or len(self.facts.names) < 2 or names <= self.axes:
            return True
        return self.facts.applies(frozenset().union(*map(self.world.owners, names)), measure_cube)

    def relation(self, state: State, measure_cube: str | None, reads: Iterable[str]) -> Relation:
        """The relation for a measure of ``measure_cube`` that reads the cubes ``reads``."""
        world = self.world
        conditions = [c for c in state.conditions if self.restricts(c.names, measure_cube)]
        segments = [s for s in state.segments if self.restricts(frozenset({s}), measure_cube)]
        needed = set(reads)
        for name in (key.member for key in state.keys):
            needed |= world.cubes_of(name)
        tested = [name for condition in conditions for name in condition.names]
        for name in (*segments, *tested, *(name for each in self.access.conditions for name in each.names)):
            needed |= world.cubes_of(name)
        cut = self.cut if self.cut is not None and self.cut.drop else None
        if cut is not None:
            needed |= world.cubes_of(cut.dimension)
        paths = [path for key in state.keys for path in key.paths]
        paths += [path for each in (*conditions, *self.access.conditions) for path in each.paths]
        paths += [path for name in segments for path in self.paths.get(name, ())]
        paths += [*state.along, *(cut.paths if cut is not None else ())]
        filters = FilterReader(world, self.zone, state.shifts)
        tests = [filters.test(condition.item) for condition in conditions]
        rules = [filters.test(each.item) for each in self.access.conditions]
        tree = find_tree(world, needed, self.mentioned, paths, self.hints)
        tree = self._with_masks(
            tree, [*tested, *(() if self.bare else (k.member for k in state.keys))], paths
        )
        kept: list[tuple[JoinedRow, Group]] = []
        for row in joined_rows(world, tree, partial(self._rows_of, conditions, filters)):
            lookup = self.lookup(row)
            shown = partial(self._shown, lookup)
            if (
                cut is not None
                and self._key(GroupColumn(cut.dimension), lookup, state.shifts) not in cut.first
            ):
                continue
            if not all(test(lookup.member) is True for test in rules):
                continue
            if all(test(shown) is True for test in tests) and all(
                evaluate(world.segment(name).expression, lookup) is True for name in segments
            ):
                kept.append((row, tuple(self.key_value(key, lookup, state.shifts) for key in state.keys)))
        return Relation(tree, kept)

    def _with_masks(self, tree: Tree, names: Iterable[str], paths: Iterable[Path]) -> Tree:
        """The tree with what decides about masks of views, which changes nothing of what is there: rule 14.6."""
        rules = [self.access.shown_by(name) for name in names]
        cubes = {cube for rule in rules for name in rule.names for cube in self.world.cubes_of(name)}
        joined = {tree.root, *(join.target for _, join in tree.edges)}
        if cubes <= joined:
            return tree
        bound = sources((*paths, *(path for rule in rules for path in rule.paths), *self.hints))
        found = tree_from(self.world, tree.root, frozenset(cubes | joined), bound)
        if found is None:
            raise NoPathError(", ".join(sorted(cubes)))
        return found

    def _shown(self, lookup: RowLookup, name: str) -> Value:
        return self.access.shown(name, lookup)

    def _rows_of(self, conditions: list[Condition], filters: FilterReader, cube: str) -> list[Row]:
        """The rows of a cube that the principal may see, less those that the conditions leave out that the cube's
        SELECT restates on other columns: rules 15.2 to 15.4."""
        rows = self.access.rows(cube)
        for slot in self.world.cube(cube).slots:
            if isinstance(slot, ParamSlot):
                columns = dict(slot.pairs)
                named = [
                    c.item
                    for c in conditions
                    if c.names
                    and c.names <= columns.keys()
                    and all(self.access.mask(name) is None for name in c.names)
                ]
                rows = [
                    row for row in rows if _restated(columns, [filters.test(item) for item in named], row)
                ]
        return rows

    def key_value(self, key: GroupColumn, lookup: RowLookup, shifts: tuple[Shift, ...]) -> Value:
        """What a row is grouped under: the dimension that is cut by its first values, rule 12.4."""
        value = self._key(key, lookup, shifts)
        if self.cut is None or key != GroupColumn(self.cut.dimension) or value in self.cut.first:
            return value
        return self.cut.others

    def _key(self, key: GroupColumn, lookup: RowLookup, shifts: tuple[Shift, ...]) -> Value:
        """Times on the wall clock, shifted by the innermost stage first, floored."""
        dimension = self.world.dimension(key.member)
        assert dimension is not None
        value = lookup.member(key.member) if self.bare else self.access.shown(key.member, lookup)
        if dimension.type != "time" or value is None:
            return value
        civil = times.to_civil(value, self.zone, dimension.time_kind)  # type: ignore[arg-type]
        for shift in reversed(shifts):
            if shift.member in (None, key.member):
                civil = shift.span.after(civil)
        return bins.floor(civil, key.granularity) if key.granularity else civil

    def check_grain(self, leaf: str, relation: Relation, reads: Iterable[str]) -> None:
        """Raises RefusedError where a row of the measure's cube would have several inputs, or be repeated unseen."""
        cube, measure = self.world.cube(cube_of(leaf)), self.world.measure(leaf)
        assert measure is not None
        for other in frozenset(reads) - {cube.name}:
            if steps_to_many(relation.tree, cube.name, other):
                raise RefusedError(f"{leaf} reads {other}, which has many rows for each row of {cube.name}")
        if not cube.key and measure.type not in ("min", "max", "count_distinct"):
            others = [join.target for _, join in relation.tree.edges] + [relation.tree.root]
            if any(steps_to_many(relation.tree, cube.name, other) for other in others if other != cube.name):
                raise RefusedError(f"{leaf} is repeated and {cube.name} has no primary key")

    def identity(self, cube_name: str, row: JoinedRow) -> Group | None:
        """What identifies the row of a cube: its key; None for an absent row and for a key of NULLs."""
        own = row[cube_name]
        if own is None:
            return None
        cube = self.world.cube(cube_name)
        if not cube.key:
            return (id(own),)
        key = tuple(evaluate(part.expression, self.lookup(row)) for part in cube.key)
        return None if all(part is None for part in key) else key


def _restated(columns: Mapping[str, str], tests: Iterable[Test], row: Row) -> bool:
    """Whether a row passes conditions on members that are read as these columns."""
    return all(test(lambda name: row[columns[name]]) is True for test in tests)


def cube_of(full_name: str) -> str:
    """The cube of a member."""
    return full_name.partition(".")[0]
