"""The ``annotation`` of an answer: titles, types and formats of what was selected.

Members that the caller may not see never get here: a query that names one is refused before it runs. Lists
of drill members are not filtered, as in Cube.
"""

from __future__ import annotations

from typing import Any

from cuboid.catalog.model import Catalog, Dimension, Measure, Member, Segment
from cuboid.query.model import Question, TimeGrouping

Item = dict[str, Any]


def annotate(question: Question, catalog: Catalog) -> dict[str, dict[str, Item]]:
    """``{"measures", "dimensions", "segments", "timeDimensions"}``, always all four, each key to item.

    A time dimension with granularity has the key ``cube.member.granularity`` and, without ``granularity``,
    also ``cube.member`` (deprecated) unless it is among the dimensions.
    """
    shape = question.shape
    return {
        "measures": {
            **{name: _measure(catalog.measure(name), catalog) for name in shape.measures},
            **{share.key: _share(catalog.measure(share.measure)) for share in shape.shares},
        },
        "dimensions": {name: _item(catalog.dimension(name)) for name in shape.dimensions},
        "segments": {name: _item(catalog.segment(name)) for name in shape.segments},
        "timeDimensions": _time_dimensions(question, catalog),
    }


def _time_dimensions(question: Question, catalog: Catalog) -> dict[str, Item]:
    items: dict[str, Item] = {}
    for grouping in question.shape.time_groupings:
        dimension = catalog.dimension(grouping.member)
        items[grouping.key] = {**_item(dimension), "granularity": _granularity(grouping, dimension)}
        if grouping.member not in question.shape.dimensions:
            items.setdefault(grouping.member, _item(dimension))
    return items


def _granularity(grouping: TimeGrouping, dimension: Dimension) -> dict[str, str]:
    name = grouping.granularity
    custom = dimension.granularities.get(name)
    if custom is not None and custom.sql is None:
        return {"name": name, "title": custom.title, **dict(custom.written)}
    return {"name": name, "title": name if custom is None else custom.title, "interval": f"1 {name}"}


def _measure(measure: Measure, catalog: Catalog) -> Item:
    drill_members = list(measure.drill_members)
    found = {name: catalog.member(name) for name in drill_members}
    return {
        **_item(measure),
        "drillMembers": drill_members,
        "drillMembersGrouped": {
            "measures": [name for name in drill_members if isinstance(found[name], Measure)],
            "dimensions": [name for name in drill_members if isinstance(found[name], Dimension)],
        },
    }


def _share(measure: Measure) -> Item:
    """A number from 0 to 1 that is shown in percent; it leads to no other members."""
    return {
        "title": f"{measure.title} (percent of total)",
        "shortTitle": f"{measure.short_title} (percent of total)",
        "type": "number",
        "format": "percent",
        "drillMembers": [],
        "drillMembersGrouped": {"measures": [], "dimensions": []},
    }


def _item(member: Member) -> Item:
    """What all kinds of member share, in the wire's order; absent where the model says nothing."""
    item: Item = {"title": member.title, "shortTitle": member.short_title}
    if member.description is not None:
        item["description"] = member.description
    if isinstance(member, Measure):
        item["type"] = member.value_type
    elif isinstance(member, Dimension):
        item["type"] = member.shown_type
    if not isinstance(member, Segment) and member.format is not None:
        item["format"] = member.format
    if not isinstance(member, Segment) and member.currency is not None:
        item["currency"] = member.currency
    if member.meta is not None:
        item["meta"] = member.meta
    return item
