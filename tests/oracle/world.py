"""A world: tables with rows, and the model over them. What the oracle evaluates and the planner is shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from tests.oracle.expressions import Column, Expression, Reference, Value, atoms

ColumnType = Literal["integer", "decimal", "text", "boolean", "timestamp", "timestamptz", "date"]
MemberType = Literal["string", "number", "boolean", "time"]
TimeKind = Literal["utc", "instant", "date"]
MeasureType = Literal["count", "sum", "avg", "min", "max", "count_distinct", "number"]
Relationship = Literal["many_to_one", "one_to_many", "one_to_one"]


@dataclass(frozen=True, slots=True)
class TableColumn:
    """``timestamp`` and ``timestamptz`` cells are naive UTC datetimes."""

    name: str
    type: ColumnType


@dataclass(frozen=True, slots=True)
class Table:
    """A database table; rows are tuples in the order of its columns."""

    name: str
    columns: tuple[TableColumn, ...]
    rows: tuple[tuple[Value, ...], ...]


@dataclass(frozen=True, slots=True)
class Dimension:
    """``as_case``: rendered as the model's ``case`` form; the expression is then a Case with text labels."""

    name: str
    type: MemberType
    expression: Expression
    primary_key: bool = False
    time_kind: TimeKind = "utc"
    as_case: bool = False


@dataclass(frozen=True, slots=True)
class Measure:
    """A leaf over rows; or, of type ``number``, a composed measure over other measures."""

    name: str
    type: MeasureType
    expression: Expression | None = None
    filters: tuple[Expression, ...] = ()


@dataclass(frozen=True, slots=True)
class Segment:
    """A named row condition."""

    name: str
    expression: Expression


@dataclass(frozen=True, slots=True)
class Join:
    """A directed edge, declared on the cube that holds it."""

    target: str
    relationship: Relationship
    on: Expression


@dataclass(frozen=True, slots=True)
class Cube:
    """A cube over ``table``; several cubes may share one table. ``as_select``: declared by ``sql``."""

    name: str
    table: Table
    dimensions: tuple[Dimension, ...]
    measures: tuple[Measure, ...] = ()
    segments: tuple[Segment, ...] = ()
    joins: tuple[Join, ...] = ()
    as_select: bool = False

    @property
    def key(self) -> tuple[Dimension, ...]:
        """The primary key's dimensions; empty if there is none."""
        return tuple(d for d in self.dimensions if d.primary_key)


@dataclass(frozen=True, slots=True)
class World:
    """Cubes in order of declaration."""

    cubes: tuple[Cube, ...]

    def cube(self, name: str) -> Cube:
        return next(cube for cube in self.cubes if cube.name == name)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(cube.name for cube in self.cubes)

    def dimension(self, full_name: str) -> Dimension | None:
        cube, _, name = full_name.partition(".")
        return next((d for d in self.cube(cube).dimensions if d.name == name), None)

    def measure(self, full_name: str) -> Measure | None:
        cube, _, name = full_name.partition(".")
        return next((m for m in self.cube(cube).measures if m.name == name), None)

    def segment(self, full_name: str) -> Segment:
        cube, _, name = full_name.partition(".")
        return next(s for s in self.cube(cube).segments if s.name == name)

    def reads(self, expression: Expression) -> Iterator[str]:
        """The cubes whose columns a row expression needs, through references to dimensions."""
        for atom in atoms(expression):
            yield atom.cube
            if isinstance(atom, Reference):
                dimension = self.dimension(f"{atom.cube}.{atom.member}")
                assert dimension is not None
                yield from self.reads(dimension.expression)

    def cubes_of(self, full_name: str) -> frozenset[str]:
        """What a dimension or segment needs joined: its own cube and those that its SQL reads."""
        dimension = self.dimension(full_name)
        expression = dimension.expression if dimension else self.segment(full_name).expression
        return frozenset({full_name.partition(".")[0], *self.reads(expression)})


__all__ = [
    "Column",
    "ColumnType",
    "Cube",
    "Dimension",
    "Join",
    "Measure",
    "Segment",
    "Table",
    "TableColumn",
    "World",
]
