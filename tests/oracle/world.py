"""A world: tables with rows, and the model over them. What the oracle evaluates and the planner is shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from tests.oracle.expressions import Column, Expression, Reference, Value, atoms, mapped
from tests.oracle.members import Conversion, RankOrder, SemiAdditive, Stage, SwitchCase, Window
from tests.oracle.policies import Policy, Slot

Path = tuple[str, ...]
"""Cubes, each joined from the one before it."""
Paths = tuple[Path, ...]
ColumnType = Literal["integer", "decimal", "text", "boolean", "timestamp", "timestamptz", "date"]
MemberType = Literal["string", "number", "boolean", "time", "switch"]
TimeKind = Literal["utc", "instant", "date"]
MeasureType = Literal["count", "sum", "avg", "min", "max", "count_distinct", "number", "rank", "conversion"]
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
    """``as_case``: rendered as the model's ``case`` form; the expression is then a Case with text labels.

    ``sub_query``: the expression is a reference to a measure of another cube. With ``stage`` it is over measures. A
    switch has ``values`` and is on no row.
    """

    name: str
    type: MemberType
    expression: Expression
    primary_key: bool = False
    time_kind: TimeKind = "utc"
    as_case: bool = False
    sub_query: bool = False
    propagate: bool = False
    stage: Stage | None = None
    mask: str | int | None = None
    values: tuple[str, ...] = ()
    of_view: bool = False

    @property
    def of_measures(self) -> bool:
        """Whether the expression is over measures."""
        return self.sub_query or self.stage is not None


@dataclass(frozen=True, slots=True)
class Measure:
    """A leaf over rows; or, of type ``number``, a composed measure over other measures; or, with ``stage``, either
    over measures that are evaluated first."""

    name: str
    type: MeasureType
    expression: Expression | None = None
    filters: tuple[Expression, ...] = ()
    window: Window | None = None
    stage: Stage | None = None
    order_by: tuple[RankOrder, ...] = ()
    semi: SemiAdditive | None = None
    conversion: Conversion | None = None
    mask: int | None = None
    switch: SwitchCase | None = None
    of_view: bool = False

    @property
    def composed(self) -> bool:
        """Whether it is computed from the combined row of its query, rule 2.10."""
        return self.type == "number" and self.stage is None

    @property
    def children(self) -> tuple[str, ...]:
        """The measures that the SQL of a composed or multi-stage measure names."""
        if not self.composed and self.stage is None:
            return ()
        expressions = [*self.filters, *(order.expression for order in self.order_by)]
        if self.expression is not None:
            expressions.append(self.expression)
        if self.switch is not None:
            expressions += [value for _, value in self.switch.branches]
            expressions += [self.switch.otherwise] if self.switch.otherwise is not None else []
        named = (atom for expression in expressions for atom in atoms(expression))
        return tuple(dict.fromkeys(f"{a.cube}.{a.member}" for a in named if isinstance(a, Reference)))


@dataclass(frozen=True, slots=True)
class Segment:
    """A named row condition."""

    name: str
    expression: Expression
    of_view: bool = False


@dataclass(frozen=True, slots=True)
class Join:
    """A directed edge, declared on the cube that holds it."""

    target: str
    relationship: Relationship
    on: Expression


@dataclass(frozen=True, slots=True)
class Cube:
    """A cube over ``table``; several cubes may share one table. ``as_select``: declared by ``sql``, with ``slots`` as
    its conditions. ``policies`` None: open to all. ``inherits``: declared by ``extends`` of a cube with its columns."""

    name: str
    table: Table
    dimensions: tuple[Dimension, ...]
    measures: tuple[Measure, ...] = ()
    segments: tuple[Segment, ...] = ()
    joins: tuple[Join, ...] = ()
    as_select: bool = False
    policies: tuple[Policy, ...] | None = None
    slots: tuple[Slot, ...] = ()
    inherits: bool = False

    @property
    def key(self) -> tuple[Dimension, ...]:
        """The primary key's dimensions; empty if there is none."""
        return tuple(d for d in self.dimensions if d.primary_key)


@dataclass(frozen=True, slots=True)
class ViewPart:
    """Members of the cube at the end of ``path``; with ``prefix`` their names begin with the cube's."""

    path: Path
    members: tuple[str, ...]
    prefix: bool

    @property
    def names(self) -> dict[str, str]:
        """The full names of the members by their names in the view."""
        cube = self.path[-1]
        return {f"{cube}_{name}" if self.prefix else name: f"{cube}.{name}" for name in self.members}


@dataclass(frozen=True, slots=True)
class DefaultFilter:
    """Added to a query that asks nothing of its member nor of those under ``unless``; full names in the view."""

    item: Mapping[str, Any]
    unless: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class View:
    """Members of cubes, each along its path. ``policies`` None: open to all; their filters have full names in the view.
    ``own``: formulas over its other members."""

    name: str
    parts: tuple[ViewPart, ...]
    defaults: tuple[DefaultFilter, ...] = ()
    policies: tuple[Policy, ...] | None = None
    own: tuple[Dimension | Measure | Segment, ...] = ()

    @property
    def taken(self) -> dict[str, str]:
        """The full names of the members that it takes from cubes by their full names in the view."""
        return {f"{self.name}.{name}": origin for part in self.parts for name, origin in part.names.items()}

    @property
    def origins(self) -> dict[str, str]:
        """Of all members what they stand for: of its own ones what :meth:`World.with_own_members` makes of them."""
        return self.taken | {f"{self.name}.{each.name}": self.stands_for(each) for each in self.own}

    def stands_for(self, own: Dimension | Measure | Segment) -> str:
        """The full name of what an own member is evaluated as: a member of the first cube that it reads."""
        return f"{self.reads(own)[0].partition('.')[0]}.{self.name}__{own.name}"

    def reads(self, own: Dimension | Measure | Segment) -> list[str]:
        """The full names of the members of cubes that an own member is made of."""
        assert own.expression is not None
        named = (atom for atom in atoms(own.expression) if isinstance(atom, Reference))
        return list(dict.fromkeys(self.taken[f"{self.name}.{atom.member}"] for atom in named))

    @property
    def paths(self) -> dict[str, Paths]:
        """The paths of each member, by what it stands for."""
        found = {origin: (part.path,) for part in self.parts for origin in part.names.values()}
        own = {
            self.stands_for(each): tuple(path for name in self.reads(each) for path in found[name])
            for each in self.own
        }
        return found | own


@dataclass(frozen=True, slots=True)
class World:
    """Cubes in order of declaration, and views of them."""

    cubes: tuple[Cube, ...]
    views: tuple[View, ...] = ()

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

    def with_own_members(self) -> World:
        """With the own members of views as members of the first cube that they read."""
        cubes = {cube.name: cube for cube in self.cubes}
        for view, own in ((each, own) for each in self.views for own in each.own):
            assert own.expression is not None
            named = view.stands_for(own)

            def origin(atom: Column | Reference, view: View = view) -> Reference:
                assert isinstance(atom, Reference)
                return Reference(*view.taken[f"{view.name}.{atom.member}"].split(".", 1))

            home, _, name = named.partition(".")
            added = replace(own, name=name, expression=mapped(own.expression, origin), of_view=True)
            kind = {Dimension: "dimensions", Measure: "measures", Segment: "segments"}[type(own)]
            cubes[home] = replace(cubes[home], **{kind: (*getattr(cubes[home], kind), added)})
        return World(tuple(cubes.values()), self.views)

    def owners(self, full_name: str) -> frozenset[str]:
        """The cubes that a dimension or segment belongs to; a view's own one to those of what it is made of."""
        found = self.dimension(full_name) or self.segment(full_name)
        if found.of_view:
            return frozenset(atom.cube for atom in atoms(found.expression))
        return frozenset({full_name.partition(".")[0]})

    def reads(self, expression: Expression) -> Iterator[str]:
        """The cubes whose columns a row expression needs, through references to dimensions."""
        for atom in atoms(expression):
            yield atom.cube
            if isinstance(atom, Reference):
                yield from self.cubes_of(f"{atom.cube}.{atom.member}")

    def cubes_of(self, full_name: str) -> frozenset[str]:
        """What a dimension or segment needs joined: its own cube and those that its SQL reads."""
        dimension = self.dimension(full_name)
        if dimension is not None:
            return frozenset({full_name.partition(".")[0], *self._reads_of(full_name, dimension)})
        return frozenset({full_name.partition(".")[0], *self.reads(self.segment(full_name).expression)})

    def over_measures(self, expression: Expression) -> Iterator[str]:
        """The dimensions over measures that a row expression reads, through other dimensions."""
        for atom in atoms(expression):
            if isinstance(atom, Reference):
                yield from self.measured(f"{atom.cube}.{atom.member}")

    def measured(self, full_name: str) -> frozenset[str]:
        """The dimensions over measures that a dimension is or reads, or that a segment reads."""
        dimension = self.dimension(full_name)
        if dimension is None:
            return frozenset(self.over_measures(self.segment(full_name).expression))
        if dimension.of_measures:
            return frozenset({full_name})
        return frozenset(self.over_measures(dimension.expression))

    def _reads_of(self, full_name: str, dimension: Dimension) -> Iterator[str]:
        """A dimension over measures reads what tells which of its values a row has."""
        if dimension.sub_query:
            for part in self.cube(full_name.partition(".")[0]).key:
                yield from self.reads(part.expression)
        elif dimension.stage is not None:
            for name in dimension.stage.add_group_by:
                yield from self.cubes_of(name)
        else:
            yield from self.reads(dimension.expression)


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
    "View",
    "ViewPart",
    "World",
]
