"""The catalog as ``/v1/meta`` shows it (rest-contract 1.6), pure data for the encoder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cuboid.catalog.formats import format_description
from cuboid.catalog.model import Catalog, Cube, Dimension, Measure, MeasureType, Member, Segment
from cuboid.catalog.naming import alias_name
from cuboid.catalog.timing import Granularity
from cuboid.catalog.views import Folder, Hierarchy, ViewGroup

_AGGREGATIONS: Mapping[MeasureType, str] = {
    "count_distinct": "countDistinct",
    "count_distinct_approx": "countDistinctApprox",
}


def describe(
    catalog: Catalog, *, hidden: bool, only_views: bool = False, folder_delimiter: str = ""
) -> dict[str, Any]:
    """The body of ``/v1/meta``.

    :param hidden: dev mode's view: members that are not public are there too, marked ``isVisible: false``;
        otherwise they are left out, and with them cubes that have nothing left to show.
    :param only_views: entries of type ``view`` alone.
    :param folder_delimiter: between the names of nested folders where they are listed flat; without it the members
        of nested folders are listed with the outermost one.
    """
    components = connected_components(catalog)
    cubes = [
        _cube(cube, catalog, components, hidden, folder_delimiter)
        for cube in catalog.cubes.values()
        if cube.view is not None or not only_views
    ]
    body: dict[str, Any] = {"cubes": [cube for cube in cubes if cube is not None]}
    if catalog.view_groups:
        body["viewGroups"] = [_view_group(group) for group in catalog.view_groups]
    return body


def connected_components(catalog: Catalog) -> dict[str, int]:
    """The number, from 1, of the join-graph component of every cube that has a join in either direction."""
    neighbours: dict[str, list[str]] = {}
    for cube in catalog.cubes.values():
        for join in cube.joins:
            neighbours.setdefault(join.source, []).append(join.target)
            neighbours.setdefault(join.target, []).append(join.source)
    components: dict[str, int] = {}
    number = 0
    for start in catalog.cubes:
        if start in components or start not in neighbours:
            continue
        number += 1
        components[start] = number
        waiting = [start]
        while waiting:
            for name in neighbours[waiting.pop()]:
                if name not in components:
                    components[name] = number
                    waiting.append(name)
    return components


def _cube(
    cube: Cube, catalog: Catalog, components: Mapping[str, int], hidden: bool, delimiter: str
) -> dict[str, Any] | None:
    measures = [_measure(m, catalog) for m in cube.measures.values() if hidden or m.public]
    dimensions = [_dimension(d) for d in cube.dimensions.values() if hidden or d.public]
    segments = [_segment(s) for s in cube.segments.values() if hidden or s.public]
    if not hidden and not (measures or dimensions or segments):
        return None
    return _given(
        name=cube.name,
        type="cube" if cube.view is None else "view",
        title=cube.title,
        isVisible=cube.public,
        public=cube.public,
        description=cube.description,
        connectedComponent=components.get(cube.name),
        meta=cube.meta,
        viewGroups=list(cube.view.groups) if cube.view and cube.view.groups else None,
        measures=measures,
        dimensions=dimensions,
        segments=segments,
        hierarchies=[_hierarchy(cube.name, each) for each in cube.hierarchies],
        folders=[flat for each in cube.folders for flat in _flat(each, delimiter)],
        nestedFolders=[_nested(each) for each in cube.folders],
    )


def _measure(measure: Measure, catalog: Catalog) -> dict[str, Any]:
    drill_members = list(measure.drill_members)
    aggregation = measure.agg_type or measure.type
    return _given(
        name=measure.full_name,
        title=measure.title,
        description=measure.description,
        shortTitle=measure.short_title,
        aliasName=alias_name(measure.cube, measure.name),
        format=measure.format,
        formatDescription=format_description(measure.format, measure.value_type, measure.currency),
        currency=measure.currency,
        cumulativeTotal=measure.rolling_window is not None,
        cumulative=measure.cumulative or measure.rolling_window is not None,
        type=measure.value_type,
        aggType=_AGGREGATIONS.get(aggregation, aggregation),
        drillMembers=drill_members,
        drillMembersGrouped={
            "measures": [name for name in drill_members if isinstance(catalog.member(name), Measure)],
            "dimensions": [name for name in drill_members if isinstance(catalog.member(name), Dimension)],
        },
        aliasMember=measure.alias_member,
        meta=measure.meta,
        **_visibility(measure),
    )


def _dimension(dimension: Dimension) -> dict[str, Any]:
    return _given(
        name=dimension.full_name,
        title=dimension.title,
        type=dimension.shown_type,
        aliasName=alias_name(dimension.cube, dimension.name),
        description=dimension.description,
        shortTitle=dimension.short_title,
        suggestFilterValues=dimension.suggest_filter_values,
        format=dimension.format,
        formatDescription=format_description(dimension.format, dimension.type, dimension.currency),
        currency=dimension.currency,
        meta=dimension.meta,
        **_visibility(dimension),
        primaryKey=dimension.primary_key,
        aliasMember=dimension.alias_member,
        granularities=[_granularity(each) for each in dimension.granularities.values()] or None,
        order=dimension.order,
        key=dimension.key,
        links=[dict(link) for link in dimension.links] or None,
        synthetic=dimension.synthetic or None,
    )


def _granularity(granularity: Granularity) -> dict[str, Any]:
    return {"name": granularity.name, "title": granularity.title, **dict(granularity.written)}


def _segment(segment: Segment) -> dict[str, Any]:
    return _given(
        name=segment.full_name,
        title=segment.title,
        shortTitle=segment.short_title,
        description=segment.description,
        meta=segment.meta,
        **_visibility(segment),
    )


def _hierarchy(cube: str, hierarchy: Hierarchy) -> dict[str, Any]:
    name, title = f"{cube}.{hierarchy.name}", hierarchy.title
    # Cube's order of keys differs between cubes and views.
    head = (
        {"name": name, "title": title} if hierarchy.alias_member is None else {"title": title, "name": name}
    )
    return _given(
        **head,
        levels=list(hierarchy.levels),
        aliasMember=hierarchy.alias_member,
        public=hierarchy.public,
    )


def _nested(folder: Folder) -> dict[str, Any]:
    members = [_nested(each) if isinstance(each, Folder) else each for each in folder.items]
    return {"name": folder.name, "members": members}


def _flat(folder: Folder, delimiter: str, path: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """The folder for clients that know no nesting: alone with all members in it, or with a delimiter after those in
    it, each with its own members under its whole path."""
    if not delimiter:
        return [{"name": folder.name, "members": list(dict.fromkeys(_all_members(folder)))}]
    whole = (*path, folder.name)
    inner = [
        flat for each in folder.items if isinstance(each, Folder) for flat in _flat(each, delimiter, whole)
    ]
    own = [each for each in folder.items if isinstance(each, str)]
    return [*inner, {"name": delimiter.join(whole), "members": own}]


def _all_members(folder: Folder) -> list[str]:
    return [
        name for each in folder.items for name in (_all_members(each) if isinstance(each, Folder) else [each])
    ]


def _view_group(group: ViewGroup) -> dict[str, Any]:
    return _given(
        name=group.name,
        title=group.title,
        description=group.description,
        views=[each for each in group.includes if isinstance(each, str)],
        includes=[_view_group(each) if isinstance(each, ViewGroup) else each for each in group.includes],
    )


def _visibility(member: Member) -> dict[str, bool]:
    return {"isVisible": member.public, "public": member.public}


def _given(**entries: Any) -> dict[str, Any]:
    """The entries that have a value: the wire leaves absent ones out."""
    return {key: value for key, value in entries.items() if value is not None}
