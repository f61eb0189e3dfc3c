"""JSON to :class:`Query`: the form is checked here, names are looked up later.

The first problem is reported, in the order in which Cube's validator meets them and with its texts.
"""

from __future__ import annotations

import marshal
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from cuboid.errors import InvalidQuery, UnsupportedFeature
from cuboid.query import checks, zones
from cuboid.query.additions import parse_percent_of_total, parse_top
from cuboid.query.decode import MAX_QUERIES, decode, query_type
from cuboid.query.filters import EXPRESSIONS_REFUSED, is_expression, parse_filters
from cuboid.query.join_hints import parse_join_hints
from cuboid.query.model import CacheMode, DateRange, Filter, FilterGroup, Query, ResponseFormat, TimeDimension
from cuboid.query.newest import Newest

__all__ = ["check_blending", "decode", "parse", "query_type"]

CACHE_MODES = ("stale-if-slow", "stale-while-revalidate", "must-revalidate", "no-cache")
RESPONSE_FORMATS = ("default", "compact", "columnar")
DIRECTIONS = ("asc", "desc")
_TIME_DIMENSION_KEYS = ("dimension", "granularity", "dateRange", "compareDateRange")

# In the order of checking; any other key is an error.
_KEYS = (
    "measures",
    "dimensions",
    "filters",
    "timeDimensions",
    "order",
    "segments",
    "timezone",
    "limit",
    "offset",
    "total",
    "cacheMode",
    "cache",
    "renewQuery",
    "ungrouped",
    "responseFormat",
    "joinHints",
    "subqueryJoins",
    "percentOfTotal",
    "top",
)


MAX_ITEMS = 1000
"""Members of each kind, and filters in all groups together, in one query."""


_VALUED = ("filters", "timeDimensions")

_KNOWN: Newest[bytes, Query] = Newest(1000)
"""Queries without filters and time dimensions by the JSON of them: what comes with other values is checked in these."""

_LARGEST_KNOWN = 5000
"""Bytes of such a query that is worth knowing."""


def parse(value: object) -> Query:
    """One decoded query object, its form checked. Raises :class:`InvalidQuery` with the path of the first
    problem, or :class:`UnsupportedFeature`."""
    if not isinstance(value, dict):
        raise InvalidQuery('Invalid query format: "value" must be of type object')
    try:
        rest = marshal.dumps({key: value[key] for key in value if key not in _VALUED}, 0)
    except ValueError:  # what is no JSON is refused
        return _parse(value)
    known = _KNOWN.get(rest)
    if known is None:
        query = _parse(value)
        if len(rest) <= _LARGEST_KNOWN:
            listed = len(value.get("timeDimensions", ()))
            _KNOWN.keep(rest, replace(query, filters=(), time_dimensions=query.time_dimensions[listed:]))
        return query
    for key in value:
        if key in _VALUED:
            checks.content(value[key], key, 1)
    filters = parse_filters(value.get("filters", ()))
    time_dimensions = _time_dimensions(value.get("timeDimensions", ()))
    query = replace(known, filters=filters, time_dimensions=(*time_dimensions, *known.time_dimensions))
    _check_size(query)
    return query


def _parse(value: dict[str, Any]) -> Query:
    checks.content(value)
    if "maskedMembers" in value:
        raise InvalidQuery("maskedMembers cannot be provided in the query", path="maskedMembers")
    given: Mapping[str, Any] = value
    measures = _names(given, "measures", checks.MEMBER)
    dimensions = _names(given, "dimensions", checks.DIMENSION) or ()
    filters = parse_filters(given.get("filters", ()))
    time_dimensions = _time_dimensions(given.get("timeDimensions", ()))
    order = _order(given["order"]) if "order" in given else None
    segments = _names(given, "segments", checks.MEMBER)
    timezone = _timezone(given.get("timezone"))
    limit, offset = (checks.count(given[key], key) if key in given else None for key in ("limit", "offset"))
    total = _flag(given, "total")
    cache = _cache(given)
    query = Query(
        measures=measures,
        dimensions=tuple(name for name in dimensions if name.count(".") == 1),
        segments=segments,
        time_dimensions=(*time_dimensions, *_three_parts(dimensions)),
        filters=filters,
        order=order,
        limit=limit,
        offset=offset,
        total=total,
        timezone=timezone,
        ungrouped=_flag(given, "ungrouped"),
        response_format=_response_format(given),
        cache=cache,
        join_hints=parse_join_hints(given.get("joinHints", ())),
        percent_of_total=parse_percent_of_total(given.get("percentOfTotal", ())),
        top=parse_top(given.get("top")),
    )
    for key in given:
        if key not in _KEYS:
            checks.refuse(key, "is not allowed")
    if checks.array(given.get("subqueryJoins", ()), "subqueryJoins"):
        raise UnsupportedFeature("'subqueryJoins' is not supported in queries; leave it out.")
    _check_size(query)
    return query


def _check_size(query: Query) -> None:
    """Refuses what no person or chart asks, and would only keep the server busy."""
    counts = {
        "measures": len(query.measures or ()),
        "dimensions": len(query.dimensions),
        "timeDimensions": len(query.time_dimensions),
        "segments": len(query.segments or ()),
        "filters": sum(_leaves(item) for item in query.filters),
    }
    for key, count in counts.items():
        if count > MAX_ITEMS:
            checks.refuse(key, f"must contain less than or equal to {MAX_ITEMS} items")


def _leaves(item: Filter | FilterGroup) -> int:
    return sum(map(_leaves, item.items)) if isinstance(item, FilterGroup) else 1


def check_blending(queries: Sequence[Query]) -> None:
    """Checks that the queries of an array can be laid over each other: the first time dimensions of all have one
    granularity. Raises :class:`InvalidQuery`."""
    for index, query in enumerate(queries):
        if not query.time_dimensions:
            raise InvalidQuery(
                "Data blending needs a time dimension with granularity in every query",
                path=f"[{index}].timeDimensions",
            )
        if any(entry.compare_date_range is not None for entry in query.time_dimensions):
            raise InvalidQuery(
                "compareDateRange cannot be used in a data blending query", path=f"[{index}].timeDimensions"
            )
    granularities = {query.time_dimensions[0].granularity for query in queries}
    if len(granularities) > 1:
        raise InvalidQuery("Data blending query granularities must match", path="timeDimensions")
    if not granularities or granularities == {None}:
        raise InvalidQuery("Data blending query without granularity is not supported", path="timeDimensions")


def _names(given: Mapping[str, Any], key: str, pattern: checks.Pattern) -> tuple[str, ...] | None:
    if key not in given:
        return None
    names = []
    for index, value in enumerate(checks.array(given[key], key)):
        label = f"{key}[{index}]"
        if is_expression(value):
            raise InvalidQuery(EXPRESSIONS_REFUSED, path=label)
        if not isinstance(value, str):
            checks.refuse(label, "must be one of [string, object]")
        names.append(checks.name(value, label, pattern))
    return tuple(names)


def _three_parts(dimensions: Sequence[str]) -> list[TimeDimension]:
    """``Cube.dimension.granularity`` among the dimensions is a time dimension."""
    entries = []
    for index, name in enumerate(dimensions):
        if name.count(".") == 2:
            dimension, _, granularity = name.rpartition(".")
            entries.append(TimeDimension(dimension, granularity, None, None, f"dimensions[{index}]"))
    return entries


def _time_dimensions(value: object) -> tuple[TimeDimension, ...]:
    entries = tuple(
        _time_dimension(item, f"timeDimensions[{index}]")
        for index, item in enumerate(checks.array(value, "timeDimensions"))
    )
    if sum(entry.compare_date_range is not None for entry in entries) > 1:
        raise InvalidQuery("compareDateRange can only exist for one timeDimension", path="timeDimensions")
    return entries


def _time_dimension(item: object, label: str) -> TimeDimension:
    if not isinstance(item, dict):
        checks.refuse(label, "must be of type object")
    if "dimension" not in item:
        checks.refuse(f"{label}.dimension", "is required")
    dimension = checks.name(item["dimension"], f"{label}.dimension", checks.MEMBER)
    granularity = None
    if "granularity" in item:
        granularity = checks.text(item["granularity"], f"{label}.granularity")
        if len(granularity.encode()) > 128:
            checks.refuse(f"{label}.granularity", "length must be less than or equal to 128 characters long")
    date_range = _date_range(item["dateRange"], f"{label}.dateRange") if "dateRange" in item else None
    compare = None
    if "compareDateRange" in item:
        compare = _compare_date_range(item["compareDateRange"], label)
    for key in item:
        if key not in _TIME_DIMENSION_KEYS:
            checks.refuse(f"{label}.{key}", "is not allowed")
    if date_range is not None and compare is not None:
        checks.refuse(
            label, "contains a conflict between optional exclusive peers [dateRange, compareDateRange]"
        )
    return TimeDimension(dimension, granularity, date_range, compare, label)


def _date_range(value: object, label: str) -> DateRange:
    if isinstance(value, str):
        return checks.text(value, label)
    if not isinstance(value, (list, tuple)):
        checks.refuse(label, "must be one of [array, string]")
    texts = tuple(checks.text(item, f"{label}[{index}]") for index, item in enumerate(value))
    if not texts:
        checks.refuse(label, "must contain at least 1 items")
    if len(texts) > 2:
        checks.refuse(label, "must contain less than or equal to 2 items")
    return texts


def _compare_date_range(value: object, label: str) -> tuple[DateRange, ...]:
    ranges = checks.array(value, f"{label}.compareDateRange")
    if not ranges:
        checks.refuse(f"{label}.compareDateRange", "must contain at least 1 items")
    if len(ranges) > MAX_QUERIES:
        checks.refuse(f"{label}.compareDateRange", f"must contain less than or equal to {MAX_QUERIES} items")
    # Cube checks each range as the dateRange it becomes, hence the label.
    return tuple(_date_range(item, f"{label}.dateRange") for item in ranges)


def _order(value: object) -> tuple[tuple[str, bool], ...]:
    if isinstance(value, dict):
        return tuple(_order_entry(name, direction) for name, direction in value.items())
    if not isinstance(value, (list, tuple)):
        checks.refuse("order", "must be one of [object, array]")
    return tuple(_order_pair(pair, f"order[{index}]") for index, pair in enumerate(value))


def _order_entry(name: str, direction: object) -> tuple[str, bool]:
    if not checks.ORDER_MEMBER.matches(name):
        checks.refuse(f"order.{name}", "is not allowed")
    return name, checks.choice(direction, f"order.{name}", DIRECTIONS) == "desc"


def _order_pair(pair: object, label: str) -> tuple[str, bool]:
    items = checks.array(pair, label)
    if len(items) < 2:
        checks.refuse(label, "must contain at least 2 items")
    name = checks.name(items[0], f"{label}[0]", checks.ORDER_MEMBER)
    descending = checks.choice(items[1], f"{label}[1]", DIRECTIONS) == "desc"
    if len(items) > 2:
        checks.refuse(label, "must contain at most 2 items")
    return name, descending


def _timezone(value: object) -> str | None:
    if value is None or value == "":
        return None
    name = checks.text(value, "timezone")
    canonical = zones.canonical(name)
    if canonical is None:
        shown = name if len(name) <= 100 else f"{name[:100]}…"
        checks.refuse("timezone", f'must be a valid IANA time zone, got "{shown}"')
    return canonical


def _flag(given: Mapping[str, Any], key: str) -> bool | None:
    return checks.boolean(given[key], key) if key in given else None


def _cache(given: Mapping[str, Any]) -> CacheMode | None:
    """The cache mode under its two names, or what ``renewQuery`` meant before there were modes."""
    modes = [
        checks.choice(given[key], "cacheMode", CACHE_MODES) for key in ("cache", "cacheMode") if key in given
    ]
    renew = _flag(given, "renewQuery")
    if modes:
        return cast(CacheMode, modes[0])
    return "must-revalidate" if renew else None


def _response_format(given: Mapping[str, Any]) -> ResponseFormat | None:
    if "responseFormat" not in given:
        return None
    return cast(ResponseFormat, checks.choice(given["responseFormat"], "responseFormat", RESPONSE_FORMATS))
