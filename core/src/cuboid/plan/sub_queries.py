"""Sub-query dimensions: measures evaluated for each primary key of a cube, carried by the cube's rows like a column.

The value does not depend on the rows that a query selects, unless the dimension asks for the query's filters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from cuboid.catalog.joins import JoinPath
from cuboid.catalog.model import Catalog, Measure
from cuboid.catalog.pieces import MemberReference
from cuboid.errors import UnsupportedFeature
from cuboid.plan.members import Members
from cuboid.plan.nodes import Plan, SubQuery
from cuboid.query.model import Shape, members_of

BuildPlan = Callable[[Shape, frozenset[JoinPath]], Plan]
"""Plans a shape whose measures are meant along these join paths."""


def plan_sub_queries(
    catalog: Catalog, members: Members, names: Iterable[str], shape: Shape, build: BuildPlan
) -> tuple[SubQuery, ...]:
    """The sub-queries that members of these names are made of, each once, in the order of their names.

    :param shape: of the query in which they are read.

    Raises :class:`UnsupportedFeature` for one that reads columns of other cubes, and what ``build`` raises.
    """
    found = frozenset[str]().union(*(members.sub_queries(name) for name in names))
    return tuple(_planned(catalog, members, name, shape, build) for name in sorted(found))


def _planned(catalog: Catalog, members: Members, name: str, shape: Shape, build: BuildPlan) -> SubQuery:
    dimension = catalog.dimension(name)
    others = members.cubes(name) - {dimension.cube}
    if others:
        raise UnsupportedFeature(
            f"Sub-query '{name}' reads columns of '{min(others)}' beside its measures.",
            hint=f"Refer to measures and to members of '{dimension.cube}' only.",
        )
    inner = _inner(catalog, members, name, shape)
    plans = tuple(
        replace(build(replace(inner, measures=(measure,)), paths), inner=True)
        for measure, paths in _measures(catalog, name).items()
    )
    return SubQuery(dimension.cube, name, plans)


def _measures(catalog: Catalog, name: str) -> dict[str, frozenset[JoinPath]]:
    """The measures that the sub-query's SQL refers to, with the paths that it names."""
    found: dict[str, frozenset[JoinPath]] = {}
    for template in catalog.dimension(name).templates:
        for reference in template.references:
            if isinstance(reference, MemberReference) and isinstance(
                catalog.member(reference.member), Measure
            ):
                paths = frozenset({reference.path} if len(reference.path) > 1 else ())
                if found.setdefault(reference.member, paths) != paths:
                    raise UnsupportedFeature(
                        f"Sub-query '{name}' refers to '{reference.member}' along different join paths.",
                        hint="Make a sub-query of each and combine the two.",
                    )
    return found


def _inner(catalog: Catalog, members: Members, name: str, shape: Shape) -> Shape:
    """What a sub-query asks, but for the measure: by the primary key, under the filters that it lets in."""
    dimension = catalog.dimension(name)
    if any(members.sub_queries(each) for each in members_of(shape.access.conditions)):
        raise UnsupportedFeature(
            f"'{name}' is a sub-query, and so is what the access policies of a view in this query test.",
            hint="Filter rows in the policies by members that are columns.",
        )
    conditions = tuple(
        each
        for each in shape.row_conditions
        if not any(members.sub_queries(tested) for tested in members_of((each,)))
    )
    segments = tuple(each for each in shape.segments if not members.sub_queries(each))
    return replace(
        shape,
        measures=(),
        dimensions=tuple(part.full_name for part in catalog.cubes[dimension.cube].primary_key),
        time_groupings=(),
        segments=segments if dimension.propagate_filters else (),
        row_conditions=conditions if dimension.propagate_filters else (),
        group_conditions=(),
        order=(),
        limit=None,
        offset=None,
        ungrouped=False,
        total=False,
        access=replace(shape.access, masks=()),
        join_hints=(),
        shares=(),
        top=None,
    )
