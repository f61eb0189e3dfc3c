"""Default filters of views: added to each query that touches the view, unless it asks about the same itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cuboid.catalog.model import Catalog
from cuboid.query.model import Filter, FilterGroup, Query


def default_filters(query: Query, catalog: Catalog) -> tuple[Filter, ...]:
    """The filters that the views of the query add to it, in order of the views' first mention.

    A filter of the query on a default filter's member, or on one of its ``unless``, releases it; so does a date
    range on a time dimension. That a member is grouped by releases nothing.
    """
    asked = {catalog.origin(name) for name in _filtered(query)}
    found: list[Filter] = []
    for name in dict.fromkeys(name.partition(".")[0] for name in _mentioned(query)):
        cube = catalog.cubes.get(name)
        for default in cube.view.default_filters if cube is not None and cube.view is not None else ():
            member = default.filter["member"]
            if asked.isdisjoint(catalog.origin(each) for each in (member, *default.unless)):
                found.append(_filter(default.filter))
    return tuple(found)


def _filter(stated: Mapping[str, Any]) -> Filter:
    values = stated.get("values")
    return Filter(stated["member"], stated["operator"], None if values is None else tuple(values), "filters")


def _mentioned(query: Query) -> Iterator[str]:
    yield from query.measures or ()
    yield from query.dimensions
    yield from query.segments or ()
    yield from (entry.dimension for entry in query.time_dimensions)
    for tree in query.filters:
        yield from _members(tree)


def _filtered(query: Query) -> Iterator[str]:
    for tree in query.filters:
        yield from _members(tree)
    yield from (entry.dimension for entry in query.time_dimensions if entry.date_range is not None)


def _members(tree: Filter | FilterGroup) -> Iterator[str]:
    if isinstance(tree, Filter):
        yield tree.member
    else:
        for item in tree.items:
            yield from _members(item)
