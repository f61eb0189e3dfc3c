"""Declared cubes to catalog cubes: source, joins, members."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from cuboid.catalog.cube_sources import read_source
from cuboid.catalog.declare import DeclaredCube
from cuboid.catalog.declared_joins import DeclaredJoin, build_join
from cuboid.catalog.dimensions import build_dimension
from cuboid.catalog.fields import check_identifier
from cuboid.catalog.hierarchies import read_hierarchies
from cuboid.catalog.links import read_links
from cuboid.catalog.measures import build_measure
from cuboid.catalog.model import Cube, Dimension, Measure, Member, Segment
from cuboid.catalog.naming import titleize, underscore
from cuboid.catalog.policies import read_policies
from cuboid.catalog.pre_aggregations import read_rollups
from cuboid.catalog.references import Names
from cuboid.catalog.refresh_keys import read_refresh_key
from cuboid.catalog.scope import Scope
from cuboid.catalog.segments import build_segment


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
    sql_table, sql = read_source(scope)
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
        refresh_key=read_refresh_key(fields, scope),
        access_policies=read_policies(scope),
        hierarchies=read_hierarchies(scope, head.public),
        rollups=read_rollups(scope),
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
        if declared.included is not None or declared.link_of is not None:  # a link comes with its dimension
            continue
        if declared.kind == "measure":
            members.add(build_measure(declared, scope, head.title, head.public))
        elif declared.kind == "segment":
            members.add(build_segment(declared, scope, head.title, head.public))
        else:
            dimension = build_dimension(declared, scope, head.title, head.public)
            links = read_links(declared.fields, declared.name, scope, head.title)
            if dimension is not None:
                members.add(replace(dimension, links=tuple(link.shown for link in links)))
            for link in links:
                members.add(link.url)
    return members
