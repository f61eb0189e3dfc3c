"""Declared views to catalog entries: members of their cubes by join paths, formulas of their own, and how they are
shown."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from cuboid.catalog.build import BuiltCube, BuiltMembers, build_members, read_head
from cuboid.catalog.declare import DeclaredCube
from cuboid.catalog.default_filters import read_default_filters
from cuboid.catalog.folders import read_folders
from cuboid.catalog.hierarchies import included_hierarchies, read_hierarchies
from cuboid.catalog.model import Cube, Dimension, Measure, Segment
from cuboid.catalog.policies import read_policies
from cuboid.catalog.references import Names
from cuboid.catalog.scope import Scope
from cuboid.catalog.view_groups import groups_of
from cuboid.catalog.view_members import Inclusion
from cuboid.catalog.views import View, ViewGroup


def build_view(
    view: DeclaredCube, index: int, names: Names, cubes: Mapping[str, Cube], groups: tuple[ViewGroup, ...]
) -> BuiltCube:
    """Build all that can be built, and report every mistake to the declaration's problems.

    :param cubes: all cubes as far as they could be built.
    """
    assert view.view is not None
    scope = Scope(view, names)
    head = read_head(view)
    renamed = {
        member.included.origin: f"{view.name}.{name}"
        for name, member in reversed(view.members.items())  # of two names for one origin the first counts
        if member.included is not None
    }
    inclusion = Inclusion(scope, head.title, head.public, renamed)
    members = _ordered(view, _included(view, inclusion, cubes), build_members(scope, head))
    hierarchies = (*included_hierarchies(view, cubes, renamed), *read_hierarchies(scope, head.public))
    paths = tuple(view.view.paths)
    built = Cube(
        name=view.name,
        index=index,
        alias=head.alias,
        sql_table=None,
        sql=None,
        data_source=next((cubes[path[0]].data_source for path in paths if path[0] in cubes), "default"),
        place=view.fields.place,
        title=head.title,
        description=head.description,
        public=head.public,
        meta=head.meta,
        measures=MappingProxyType(members.measures),
        dimensions=MappingProxyType(members.dimensions),
        segments=MappingProxyType(members.segments),
        view=View(paths, read_default_filters(scope, renamed), groups_of(view.name, groups)),
        extends=view.extends,
        access_policies=read_policies(scope),
        hierarchies=hierarchies,
        folders=read_folders(view, [each.name for each in hierarchies]),
    )
    depends = scope.depends | {cube for path in paths for cube in path}
    return BuiltCube(built, frozenset(depends - {view.name}))


def _included(view: DeclaredCube, inclusion: Inclusion, cubes: Mapping[str, Cube]) -> BuiltMembers:
    """The members taken from cubes; one whose origin could not be built takes the view down by its cube."""
    members = BuiltMembers()
    for declared in view.members.values():
        if declared.included is None:
            continue
        cube, _, name = declared.included.origin.partition(".")
        match cubes[cube].member(name):
            case Measure() as measure:
                members.add(inclusion.measure(declared, measure))
            case Dimension() as dimension:
                members.add(inclusion.dimension(declared, dimension))
            case Segment() as segment:
                members.add(inclusion.segment(declared, segment))
    return members


def _ordered(view: DeclaredCube, included: BuiltMembers, own: BuiltMembers) -> BuiltMembers:
    """Both together, in the view's order."""
    members = BuiltMembers()
    for name in view.members:
        for source in (included, own):
            members.add(source.measures.get(name) or source.dimensions.get(name) or source.segments.get(name))
    return members
