"""The oracle: what a query over a world must answer, row by row.

It shares no code with Cuboid and knows no SQL. The rules are those of docs/explanation/semantics.md.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from tests.oracle import bins, times
from tests.oracle.expressions import Column, Reference, Value, evaluate
from tests.oracle.filters import FilterReader, members
from tests.oracle.joins import (
    Facts,
    JoinedRow,
    NoPathError,
    RowLookup,
    Tree,
    find_tree,
    joined_rows,
    steps_to_many,
)
from tests.oracle.question import Question, finest, leaf_measures, read
from tests.oracle.world import Measure, World

Group = tuple[Value, ...]
Groups = dict[Group, dict[str, Value]]


class RefusedError(Exception):
    """The question has no one meaning, so the planner must refuse it as unsupported."""


@dataclass(frozen=True, slots=True)
class Answer:
    """All rows, before limit and offset, keyed as on the wire; times are wire texts.

    ``ordered``: the order of ``rows`` is binding; else only ``order`` (which may be empty) is.
    """

    rows: tuple[dict[str, Value], ...]
    ordered: bool
    order: tuple[tuple[str, bool], ...]
    limit: int
    offset: int

    @property
    def total(self) -> int:
        return len(self.rows)


def answer(world: World, query: Mapping[str, Any]) -> Answer:
    """The answer to a JSON query. Raises NoPathError, and RefusedError where a measure has no grain."""
    question = read(world, query)
    asked = _Asked(world, question)
    rows = asked.raw_rows() if question.ungrouped else asked.groups()
    keyed = [_columns_by_key(question, group, measures) for group, measures in rows]
    keys = [column.key for column in question.columns]
    tail = [(key, False) for key in keys if key not in dict(question.order)]
    for key, descending in reversed((*question.order, *tail)):
        present = [row for row in keyed if row[key] is not None]
        present.sort(key=lambda row: row[key], reverse=descending)
        keyed = present + [row for row in keyed if row[key] is None]
    return Answer(
        rows=tuple(_on_the_wire(question, row) for row in keyed),
        ordered=bool(question.order) and not question.ungrouped,
        order=question.order,
        limit=question.limit,
        offset=question.offset,
    )


def _columns_by_key(question: Question, group: Group, measures: Mapping[str, Value]) -> dict[str, Value]:
    row = dict(zip((column.key for column in question.columns), group, strict=True))
    return row | {name: measures[name] for name in question.measures}


def _on_the_wire(question: Question, row: Mapping[str, Value]) -> dict[str, Value]:
    """The row with times as texts, and with the duplicate key of each floored time dimension."""
    shown = {k: times.wire(v) if isinstance(v, times.datetime) else v for k, v in row.items()}
    for column in question.columns:
        alone = finest(question.columns, column.member)
        assert alone is not None
        shown.setdefault(column.member, shown[alone.key])
    return shown


class _Asked:
    """One question over one world."""

    def __init__(self, world: World, question: Question) -> None:
        self.world = world
        self.question = question
        self.filters = FilterReader(world, question.zone)
        self.leaves = leaf_measures(world, question)
        self.relations: dict[Any, tuple[Tree, list[tuple[JoinedRow, Group]]]] = {}

    # ------------------------------------------------------------ groups

    def groups(self) -> list[tuple[Group, dict[str, Value]]]:
        """Every group with all its measures, under the group filters."""
        parts = self.leaf_groups() if self.leaves else [self.relation_groups(self.relation(None, ()), ())]
        every = dict.fromkeys(group for part in parts for group in part)
        combined: list[tuple[Group, dict[str, Value]]] = []
        for group in every:
            values: dict[str, Value] = dict.fromkeys(self.leaves)
            for part in parts:
                values |= part.get(group, {})
            value_of = self._group_lookup(group, values)
            if all(self.filters.holds(item, value_of) is True for item in self.question.group_filters):
                combined.append((group, {name: value_of(name) for name in self.question.measures}))
        return combined

    def _group_lookup(self, group: Group, values: Mapping[str, Value]) -> Any:
        plain = {c.member: v for c, v in zip(self.question.columns, group, strict=True) if not c.granularity}

        def value_of(name: str) -> Value:
            if name in plain:
                return plain[name]
            measure = self.world.measure(name)
            assert measure is not None
            if measure.type != "number":
                return values[name]
            assert measure.expression is not None
            return evaluate(measure.expression, lambda atom: value_of(f"{atom.cube}.{_member(atom)}"))

        return value_of

    def leaf_groups(self) -> list[Groups]:
        """Each leaf measure on a relation of its own: which others are asked with it does not matter."""
        parts: list[Groups] = []
        for leaf in self.leaves:
            cube = _cube(leaf)
            reads = frozenset({cube, *self.reads(leaf)})
            tree, rows = self.relation(cube, reads)
            for other in reads - {cube}:
                if steps_to_many(tree, cube, other):
                    raise RefusedError(f"{leaf} reads {other}, which has many rows for each row of {cube}")
            self._check_grain(leaf, tree)
            parts.append(self.relation_groups((tree, rows), (leaf,)))
        return parts

    def _check_grain(self, leaf: str, tree: Tree) -> None:
        cube, measure = self.world.cube(_cube(leaf)), self.world.measure(leaf)
        assert measure is not None
        if not cube.key and measure.type not in ("min", "max", "count_distinct"):
            others = [join.target for _, join in tree.edges] + [tree.root]
            if any(steps_to_many(tree, cube.name, other) for other in others if other != cube.name):
                raise RefusedError(f"{leaf} is repeated and {cube.name} has no primary key")

    def reads(self, leaf: str) -> Iterable[str]:
        """The cubes that a leaf measure's SQL and filters read."""
        measure = self.world.measure(leaf)
        assert measure is not None
        for expression in (measure.expression, *measure.filters):
            if expression is not None:
                yield from self.world.reads(expression)

    # ------------------------------------------------------------ relations

    def relation(
        self, measure_cube: str | None, reads: Iterable[str]
    ) -> tuple[Tree, list[tuple[JoinedRow, Group]]]:
        """The relation for a measure of ``measure_cube`` that reads ``reads``; computed once."""
        identity = measure_cube, frozenset(reads)
        if identity not in self.relations:
            self.relations[identity] = self._relation(*identity)
        return self.relations[identity]

    def _relation(
        self, measure_cube: str | None, reads: Iterable[str]
    ) -> tuple[Tree, list[tuple[JoinedRow, Group]]]:
        """The joined rows under the conditions that apply to ``measure_cube``, each with its group."""
        question, world = self.question, self.world
        facts = Facts.among(world, (_cube(leaf) for leaf in self.leaves))
        needed = set(reads)
        for column in question.columns:
            needed |= world.cubes_of(column.member)

        def applies(names: frozenset[str]) -> bool:
            if measure_cube is None or len(facts.names) < 2 or names <= question.grouped:
                return True
            return facts.applies({_cube(name) for name in names}, measure_cube)

        filters = [item for item in question.row_filters if applies(frozenset(members(item)))]
        segments = [name for name in question.segments if applies(frozenset({name}))]
        for name in [*segments, *(name for item in filters for name in members(item))]:
            needed |= world.cubes_of(name)
        tree = find_tree(world, needed, self.mentioned())
        kept: list[tuple[JoinedRow, Group]] = []
        for row in joined_rows(world, tree):
            lookup = RowLookup(world, row)
            if all(self.filters.holds(item, _member_lookup(lookup)) is True for item in filters) and all(
                evaluate(world.segment(name).expression, lookup) is True for name in segments
            ):
                kept.append((row, self._group(lookup)))
        return tree, kept

    def mentioned(self) -> frozenset[str]:
        """All cubes that the query names or that its members read: roots of last resort."""
        question = self.question
        plain = [*(column.member for column in question.columns), *question.segments]
        for item in (*question.row_filters, *question.group_filters):
            plain += [name for name in members(item) if self.world.measure(name) is None]
        cubes = {_cube(name) for name in question.measures}
        for name in plain:
            cubes |= self.world.cubes_of(name)
        for item in question.group_filters:
            cubes |= {_cube(name) for name in members(item)}
        for leaf in self.leaves:
            cubes |= {_cube(leaf), *self.reads(leaf)}
        return frozenset(cubes)

    def _group(self, lookup: RowLookup) -> Group:
        values: list[Value] = []
        for column in self.question.columns:
            dimension = self.world.dimension(column.member)
            assert dimension is not None
            value = evaluate(dimension.expression, lookup)
            if dimension.type == "time" and value is not None:
                value = times.to_civil(value, self.question.zone, dimension.time_kind)  # type: ignore[arg-type]
                value = bins.floor(value, column.granularity) if column.granularity else value
            values.append(value)
        return tuple(values)

    def relation_groups(
        self, relation: tuple[Tree, list[tuple[JoinedRow, Group]]], leaves: Iterable[str]
    ) -> Groups:
        """The groups of a relation with its leaf measures. Without group columns there is always one group."""
        grouped: dict[Group, list[JoinedRow]] = defaultdict(list)
        if not self.question.columns:
            grouped[()] = []
        for row, group in relation[1]:
            grouped[group].append(row)
        return {
            group: {leaf: self.aggregate(leaf, rows) for leaf in leaves} for group, rows in grouped.items()
        }

    def raw_rows(self) -> list[tuple[Group, dict[str, Value]]]:
        """The joined rows themselves; a leaf measure is its input for that row."""
        reads = {cube for leaf in self.leaves for cube in (_cube(leaf), *self.reads(leaf))}
        shown: list[tuple[Group, dict[str, Value]]] = []
        for row, group in self.relation(None, reads)[1]:
            values = {leaf: self.row_value(leaf, row) for leaf in self.leaves}
            value_of = self._group_lookup(group, values)
            shown.append((group, {name: value_of(name) for name in self.question.measures}))
        return shown

    # ------------------------------------------------------------ measures

    def identity(self, cube_name: str, row: JoinedRow) -> Group | None:
        """What identifies the row of a cube: its key; None for an absent row and for a key of NULLs."""
        own = row[cube_name]
        if own is None:
            return None
        cube = self.world.cube(cube_name)
        if not cube.key:
            return (id(own),)
        key = tuple(evaluate(part.expression, RowLookup(self.world, row)) for part in cube.key)
        return None if all(part is None for part in key) else key

    def row_value(self, leaf: str, row: JoinedRow) -> Value:
        """The input of a leaf for one row; NULL for rows that are absent or that its filters leave out."""
        measure = self.world.measure(leaf)
        assert measure is not None
        lookup = RowLookup(self.world, row)
        if self.identity(_cube(leaf), row) is None:
            return None
        if any(evaluate(condition, lookup) is not True for condition in measure.filters):
            return None
        if measure.expression is None:
            return 1
        value = evaluate(measure.expression, lookup)
        return value if measure.type != "count" or value is None else 1

    def aggregate(self, leaf: str, rows: Iterable[JoinedRow]) -> Value:
        """The leaf over the distinct rows of its cube among ``rows``."""
        measure = self.world.measure(leaf)
        assert measure is not None
        inputs: dict[Group, Value] = {}
        for row in rows:
            identity = self.identity(_cube(leaf), row)
            if identity is not None:
                value = self.row_value(leaf, row)
                assert inputs.setdefault(identity, value) == value, f"{leaf}: two inputs for {identity}"
        return _aggregated(measure, [value for value in inputs.values() if value is not None])


def _aggregated(measure: Measure, values: list[Any]) -> Value:
    """An aggregate of the inputs that are not NULL."""
    if measure.type == "count":
        return len(values)
    if measure.type == "count_distinct":
        return len(set(values))
    if not values:
        return None
    if measure.type == "avg":
        return float(sum(map(Fraction, values)) / len(values))
    if measure.type == "sum":
        return sum(values)
    return min(values) if measure.type == "min" else max(values)


def _member_lookup(lookup: RowLookup) -> Any:
    return lambda name: lookup(Reference(*name.split(".", 1)))


def _cube(full_name: str) -> str:
    return full_name.partition(".")[0]


def _member(atom: Column | Reference) -> str:
    assert isinstance(atom, Reference)
    return atom.member


__all__ = ["Answer", "NoPathError", "RefusedError", "answer"]
