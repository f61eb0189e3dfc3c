"""Declared cubes to catalog cubes: source, joins, members."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from cuboid.catalog.declare import DeclaredCube
from cuboid.catalog.declared_joins import DeclaredJoin, build_join
from cuboid.catalog.dimensions import build_dimension
from cuboid.catalog.fields import Fields, check_identifier
from cuboid.catalog.hierarchies import read_hierarchies
from cuboid.catalog.measures import build_measure
from cuboid.catalog.model import Cube, Dimension, Measure, Member, Segment
from cuboid.catalog.naming import titleize, underscore
from cuboid.catalog.pieces import Template
from cuboid.catalog.references import Names
from cuboid.catalog.scope import Scope
from cuboid.catalog.segments import build_segment
from cuboid.catalog.templates import Misread, Slot, split


@dataclass(frozen=True, slots=True)
class BuiltCube:
    """A cube as far as it could be built: sound only if its declaration has no errors in the end.

    ``depends`` are the other cubes that its joins and its SQL refer to.
    """

    cube: Cube
    depends: frozenset[str]


def build_cube(cube: DeclaredCube, index: int, joins: list[DeclaredJoin], names: Names) -> BuiltCube:
    """Build all that can be built, and report every mistake to the declaration's problems."""
    fields = cube.fields
    scope = Scope(cube, names)
    head = read_head(cube)
    sql_table, sql = _source(fields)
    members = build_members(scope, head)
    built_joins = [build_join(join, scope) for join in joins]
    built = Cube(
        name=cube.name,
        index=index,
        alias=head.alias,
        sql_table=sql_table,
        sql=sql,
        data_source=fields.text("data_source") or "default",
        place=fields.place,
        title=head.title,
        description=head.description,
        public=head.public,
        meta=head.meta,
        joins=tuple(join for join in built_joins if join is not None),
        measures=MappingProxyType(members.measures),
        dimensions=MappingProxyType(members.dimensions),
        segments=MappingProxyType(members.segments),
        data_source_place=fields.place_of("data_source") if fields.has("data_source") else None,
        calendar=fields.flag("calendar") or False,
        extends=cube.extends,
        hierarchies=read_hierarchies(scope, head.public),
    )
    depends = scope.depends | ({cube.extends} if cube.extends else set())
    return BuiltCube(built, frozenset(depends - {cube.name}))


@dataclass(frozen=True, slots=True)
class Head:
    """What cubes and views say of themselves."""

    title: str
    alias: str
    description: str | None
    public: bool
    meta: Mapping[str, Any] | None


def read_head(cube: DeclaredCube) -> Head:
    """Title, alias, description, visibility and meta."""
    fields = cube.fields
    alias = fields.scalar("sql_alias")
    alias_name = check_identifier(alias, cube.problems) if alias else None
    return Head(
        title=fields.text("title") or titleize(cube.name),
        alias=underscore(alias_name or cube.name),
        description=fields.text("description"),
        public=fields.flag("public", "shown") is not False,
        meta=fields.mapping("meta"),
    )


@dataclass(slots=True)
class BuiltMembers:
    """The members that could be built, in order of declaration."""

    measures: dict[str, Measure] = field(default_factory=dict)
    dimensions: dict[str, Dimension] = field(default_factory=dict)
    segments: dict[str, Segment] = field(default_factory=dict)

    def add(self, member: Member | None) -> None:
        """Puts the member where it belongs."""
        match member:
            case Measure():
                self.measures[member.name] = member
            case Dimension():
                self.dimensions[member.name] = member
            case Segment():
                self.segments[member.name] = member


def build_members(scope: Scope, head: Head) -> BuiltMembers:
    """The members that are written in the cube or view itself."""
    members = BuiltMembers()
    for declared in scope.cube.members.values():
        if declared.included is None:
            build = {"measure": build_measure, "dimension": build_dimension, "segment": build_segment}[
                declared.kind
            ]
            members.add(build(declared, scope, head.title, head.public))
    return members


def _source(fields: Fields) -> tuple[Template | None, Template | None]:
    """``(sql_table, sql)``, one of which is set if the cube is sound."""
    if fields.has("sql") and fields.has("sql_table"):
        fields.problems.error(
            fields.place_of("sql"), "a cube has either 'sql_table' or 'sql', not both", "Remove one of them."
        )
    elif not fields.has("sql") and not fields.has("sql_table"):
        fields.missing("sql_table", "the name of a table; or 'sql': a SELECT")
    return _source_template(fields, "sql_table"), _source_template(fields, "sql")


def _source_template(fields: Fields, key: str) -> Template | None:
    written = fields.scalar(key)
    if written is None:
        return None
    if not written.text.strip():
        fields.problems.error(written.place, f"'{key}' is empty")
        return None
    pieces = split(written.text.strip())
    if isinstance(pieces, Misread):
        fields.problems.error(
            written.locate(pieces.fragment, written.text.find(pieces.fragment)), pieces.message, pieces.hint
        )
        return None
    slot = next((piece for piece in pieces if isinstance(piece, Slot)), None)
    if slot is not None:
        # There is no row yet that {CUBE} or a member could be read from.
        fields.problems.error(
            written.locate(slot.written, written.text.find(slot.written)),
            f"'{slot.written}' in the '{key}' of a cube is not supported by this version",
            r"Only members have references; a literal brace is written \{ or \}.",
        )
        return None
    return Template(tuple(piece for piece in pieces if isinstance(piece, str)), written.place)
