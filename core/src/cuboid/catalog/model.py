"""The catalog: cubes, members and joins as one immutable value.

Compiled once from the model files by :mod:`cuboid.catalog.compile`; shared by every request, replaced
whole. Members are known by their full name, ``cube.member``. SQL pieces are :class:`Template` values:
text with reference slots, each resolved to a cube or member when the catalog is compiled.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from cuboid.catalog.access import AccessPolicy, Mask
from cuboid.catalog.naming import linked_dimension
from cuboid.catalog.pieces import Place, Template
from cuboid.catalog.rollups import RefreshKey, Rollup
from cuboid.catalog.stages import Conversion, MultiStage, SemiAdditive, SwitchCase
from cuboid.catalog.timing import Granularity, NamedShift, RollingWindow
from cuboid.catalog.views import Folder, Hierarchy, View, ViewGroup
from cuboid.errors import ModelError
from cuboid.types import SemanticType, TimeKind

Relationship = Literal["many_to_one", "one_to_many", "one_to_one"]

MeasureType = Literal[
    "count",
    "sum",
    "avg",
    "min",
    "max",
    "count_distinct",
    "count_distinct_approx",
    "number",
    "string",
    "time",
    "boolean",
    "rank",
    "number_agg",
    "conversion",
]

NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class CaseBranch:
    """One ``when`` of a dimension's ``case``; the label is text or a template."""

    when: Template
    label: str | Template


@dataclass(frozen=True, slots=True)
class Case:
    """A dimension's ``case``: the first branch that holds gives the label."""

    branches: tuple[CaseBranch, ...]
    otherwise: str | Template | None

    @property
    def templates(self) -> tuple[Template, ...]:
        """The conditions, then the labels that are SQL."""
        labels = [*(branch.label for branch in self.branches), self.otherwise]
        tests = [branch.when for branch in self.branches]
        return (*tests, *(label for label in labels if isinstance(label, Template)))


@dataclass(frozen=True, slots=True)
class Dimension:
    """An attribute of a cube's rows. One of ``sql``, ``case`` and ``location`` is set, for a switch none.

    ``type`` is what the values mean on the wire; ``declared_type`` tells ``geo`` and ``switch`` from other texts.
    ``format`` is the wire's form: a string or a mapping. ``alias_member`` is the origin of a view's member.

    :param location: latitude and longitude of a ``geo`` dimension, which reads as ``latitude,longitude``.
    :param values: of a ``switch``: what a query may pin it to or group by; it is on no row.
    :param sub_query: the SQL is a measure of another cube, evaluated for each primary key of this one;
        ``propagate_filters``: under the query's filters.
    :param multi_stage: the SQL refers to measures that are evaluated first, over the groups that it says.
    :param key: the full name of the dimension that identifies the value.
    :param text_time: the SQL gives a text that holds a time in UTC.
    :param synthetic: made for a link of another dimension; it holds the URL, which ``sql`` gives without the
        ``parameters`` that are appended to it.
    """

    cube: str
    name: str
    type: SemanticType
    sql: Template | None
    case: Case | None
    place: Place
    title: str
    short_title: str
    description: str | None = None
    public: bool = True
    primary_key: bool = False
    suggest_filter_values: bool = True
    time_kind: TimeKind = "utc"
    format: str | Mapping[str, Any] | None = None
    meta: Mapping[str, Any] | None = None
    declared_type: Literal["geo", "switch"] | None = None
    location: tuple[Template, Template] | None = None
    values: tuple[str, ...] = ()
    sub_query: bool = False
    propagate_filters: bool = False
    multi_stage: MultiStage | None = None
    granularities: Mapping[str, Granularity] = field(default_factory=lambda: NOTHING)
    time_shifts: tuple[NamedShift, ...] = ()
    currency: str | None = None
    order: Literal["asc", "desc"] | None = None
    key: str | None = None
    links: tuple[Mapping[str, Any], ...] = ()
    mask: Mask = None
    alias_member: str | None = None
    synthetic: bool = False
    parameters: tuple[tuple[str, Template], ...] = ()
    text_time: bool = False

    @property
    def full_name(self) -> str:
        return f"{self.cube}.{self.name}"

    @property
    def stands_for(self) -> str:
        """The dimension of the same cube by whose rights this one is read: for a link that whose link it is."""
        return linked_dimension(self.name) if self.synthetic else self.name

    @property
    def origin(self) -> str:
        """The full name of the cube's dimension that a view's stands for; of others their own."""
        return self.alias_member or self.full_name

    @property
    def shown_type(self) -> str:
        """The type that the wire names."""
        return "geo" if self.declared_type == "geo" else self.type

    @property
    def templates(self) -> tuple[Template, ...]:
        """All pieces of SQL that the member's value is made of."""
        if self.location is not None:
            return self.location
        if self.case is None:
            return () if self.sql is None else (self.sql, *(value for _, value in self.parameters))
        return self.case.templates


@dataclass(frozen=True, slots=True)
class Measure:
    """An aggregate over a cube's rows.

    ``type`` is one of :data:`MeasureType`; ``count`` may lack ``sql``, every other type has it or ``case``.
    ``filters`` are row conditions, all of which must hold for a row to count; of a measure that aggregates in
    stages they are conditions on the groups of its first stage, over measures and dimensions.
    ``composed`` is true for number/string/time/boolean measures whose SQL only combines other measures
    and has neither columns nor aggregates of its own.

    :param drill_filters: row conditions of the operator ``measureFilter``, beside ``filters``.
    :param case: of a multi-stage measure, in place of ``sql``.
    :param alias_member: the origin of a view's member, whose type is ``agg_type``.
    :param cumulative: an old mark for clients: the measure accumulates by whatever its SQL does.
    """

    cube: str
    name: str
    type: MeasureType
    sql: Template | None
    place: Place
    title: str
    short_title: str
    filters: tuple[Template, ...] = ()
    composed: bool = False
    description: str | None = None
    public: bool = True
    format: str | Mapping[str, Any] | None = None
    currency: str | None = None
    meta: Mapping[str, Any] | None = None
    drill_members: tuple[str, ...] = ()
    drill_filters: tuple[Template, ...] = ()
    rolling_window: RollingWindow | None = None
    multi_stage: MultiStage | None = None
    semi_additive: SemiAdditive | None = None
    conversion: Conversion | None = None
    case: Case | SwitchCase | None = None
    mask: Mask = None
    alias_member: str | None = None
    agg_type: MeasureType | None = None
    cumulative: bool = False

    @property
    def full_name(self) -> str:
        return f"{self.cube}.{self.name}"

    @property
    def templates(self) -> tuple[Template, ...]:
        """All pieces of SQL that the member's value is made of, those of its ``case`` and of a rank's order too."""
        value = () if self.sql is None else (self.sql,)
        case = () if self.case is None else self.case.templates
        order = () if self.multi_stage is None else self.multi_stage.order_by
        return (*value, *case, *(each.sql for each in order), *self.filters)

    @property
    def value_type(self) -> SemanticType:
        """What the measure's values mean on the wire."""
        if self.type == "string" or self.type == "time" or self.type == "boolean":
            return self.type
        return "number"


@dataclass(frozen=True, slots=True)
class Segment:
    """A named row condition."""

    cube: str
    name: str
    sql: Template
    place: Place
    title: str
    short_title: str
    description: str | None = None
    public: bool = True
    meta: Mapping[str, Any] | None = None
    alias_member: str | None = None

    @property
    def full_name(self) -> str:
        return f"{self.cube}.{self.name}"

    @property
    def templates(self) -> tuple[Template, ...]:
        """All pieces of SQL that the member is written with."""
        return (self.sql,)


Member = Dimension | Measure | Segment


@dataclass(frozen=True, slots=True)
class Join:
    """A directed edge of the join graph, declared on ``source``: ``source LEFT JOIN target ON sql``."""

    source: str
    target: str
    relationship: Relationship
    sql: Template
    place: Place


@dataclass(frozen=True, slots=True)
class Cube:
    """A table or SELECT with its members: exactly one of ``sql_table`` and ``sql`` is set. Or a view: neither is, and
    ``view`` is set; a view's data source is that of its cubes.

    ``alias`` is ``sql_alias`` or the underscored name; ``index`` the order of declaration, which breaks
    ties between join paths. Member maps are in order of declaration. ``data_source_place`` is None where no
    data source is written.
    """

    name: str
    index: int
    alias: str
    sql_table: Template | None
    sql: Template | None
    data_source: str
    place: Place
    title: str
    description: str | None = None
    public: bool = True
    meta: Mapping[str, Any] | None = None
    joins: tuple[Join, ...] = ()
    measures: Mapping[str, Measure] = field(default_factory=lambda: MappingProxyType({}))
    dimensions: Mapping[str, Dimension] = field(default_factory=lambda: MappingProxyType({}))
    segments: Mapping[str, Segment] = field(default_factory=lambda: MappingProxyType({}))
    data_source_place: Place | None = None
    view: View | None = None
    calendar: bool = False
    extends: str | None = None
    refresh_key: RefreshKey | None = None
    access_policies: tuple[AccessPolicy, ...] | None = None
    hierarchies: tuple[Hierarchy, ...] = ()
    folders: tuple[Folder, ...] = ()
    rollups: Mapping[str, Rollup] = field(default_factory=lambda: NOTHING)

    @property
    def primary_key(self) -> tuple[Dimension, ...]:
        """The key's dimensions in order of declaration; empty if the cube has none."""
        return tuple(d for d in self.dimensions.values() if d.primary_key)

    def member(self, name: str) -> Member | None:
        """The measure, dimension or segment of that (short) name."""
        return self.measures.get(name) or self.dimensions.get(name) or self.segments.get(name)

    def members(self) -> Iterator[Member]:
        """All members: measures, dimensions, segments, each in order of declaration."""
        yield from self.measures.values()
        yield from self.dimensions.values()
        yield from self.segments.values()


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Catalog:
    """All that may be asked. ``content`` is a hash of the model files: equal content, equal catalog.

    ``broken`` holds what could not be compiled: for each cube that is off (its own mistake or one it
    depends on) the errors that took it down. ``errors`` are all errors, in file order; ``warnings``
    say what was read but has no effect in this version.
    """

    cubes: Mapping[str, Cube]
    content: str
    broken: Mapping[str, tuple[ModelError, ...]] = field(default_factory=lambda: MappingProxyType({}))
    errors: tuple[ModelError, ...] = ()
    warnings: tuple[ModelError, ...] = ()
    view_groups: tuple[ViewGroup, ...] = ()

    def member(self, full_name: str) -> Member | None:
        """The member named ``cube.member``, or None."""
        cube_name, _, name = full_name.partition(".")
        cube = self.cubes.get(cube_name)
        return cube.member(name) if cube else None

    def origin(self, full_name: str) -> str:
        """The cube's member that a view's member stands for: the same thing to ask about. Of others, and of names that
        are none, the name itself."""
        member = self.member(full_name)
        return full_name if member is None else member.alias_member or full_name

    def dimension(self, full_name: str) -> Dimension:
        """The dimension of that full name; KeyError if it is none (normalized names only)."""
        member = self.member(full_name)
        if not isinstance(member, Dimension):
            raise KeyError(full_name)
        return member

    def measure(self, full_name: str) -> Measure:
        """The measure of that full name; KeyError if it is none (normalized names only)."""
        member = self.member(full_name)
        if not isinstance(member, Measure):
            raise KeyError(full_name)
        return member

    def segment(self, full_name: str) -> Segment:
        """The segment of that full name; KeyError if it is none (normalized names only)."""
        member = self.member(full_name)
        if not isinstance(member, Segment):
            raise KeyError(full_name)
        return member
