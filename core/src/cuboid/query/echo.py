"""The ``query`` object of an answer: the normalized query in the wire's words and key order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cuboid.query.conditions import FilterTree
from cuboid.query.model import FilterGroup, Query, TimeDimension
from cuboid.query.moments import CivilRange


def echo(
    query: Query,
    ranges: Sequence[CivilRange | None],
    filters: Sequence[FilterTree],
    limit: int,
    timezone: str,
) -> Mapping[str, Any]:
    """The echo of a query whose date ranges and filters have been resolved.

    What the client did not give is absent, except for the keys that Cube always writes.
    """
    written: dict[str, Any] = {
        "measures": None if query.measures is None else list(query.measures),
        "dimensions": list(query.dimensions),
        "timeDimensions": [
            _time_dimension(entry, civil) for entry, civil in zip(query.time_dimensions, ranges, strict=True)
        ],
        "segments": None if query.segments is None else list(query.segments),
        "limit": limit,
        "offset": query.offset,
        "total": query.total,
        "timezone": timezone,
        "ungrouped": query.ungrouped,
        "responseFormat": query.response_format,
        "filters": [_filter(tree) for tree in filters],
        "rowLimit": limit,
        "order": None if query.order is None else [{"id": name, "desc": desc} for name, desc in query.order],
    }
    if query.percent_of_total:
        written["percentOfTotal"] = [
            {"measure": each.measure, "within": list(each.within)} for each in query.percent_of_total
        ]
    echoed = {key: value for key, value in written.items() if value is not None}
    if query.top is not None:
        top = query.top
        echoed["top"] = {
            "dimension": top.dimension,
            "by": top.by,
            "limit": top.limit,
            "others": top.others,
        }
    return echoed


def _time_dimension(entry: TimeDimension, civil: CivilRange | None) -> dict[str, Any]:
    written: dict[str, Any] = {"dimension": entry.dimension}
    if entry.granularity is not None:
        written["granularity"] = entry.granularity
    if civil is not None:
        written["dateRange"] = list(civil.wire)
    return written


def _filter(tree: FilterTree) -> dict[str, Any]:
    if isinstance(tree, FilterGroup):
        return {tree.operator: [_filter(item) for item in tree.items]}
    written: dict[str, Any] = {"member": tree.member, "operator": tree.operator}
    if tree.values is not None:
        written["values"] = list(tree.values)
    return written
