"""``percentOfTotal`` and ``top``: what a query can ask for beside its members. Cube has neither."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cuboid.catalog.model import Catalog
from cuboid.errors import InvalidQuery, UnsupportedFeature
from cuboid.query import checks, members
from cuboid.query.model import AskedShare, AskedTop, Query, Share, TimeGrouping, Top
from cuboid.query.switches import switch_of
from cuboid.query.values import Slots

MAX_SHARES = 100


def parse_percent_of_total(value: object) -> tuple[AskedShare, ...]:
    """The entries as written. Raises :class:`InvalidQuery`."""
    entries = checks.array(value, "percentOfTotal")
    if len(entries) > MAX_SHARES:
        checks.refuse("percentOfTotal", f"must contain less than or equal to {MAX_SHARES} items")
    return tuple(_share(entry, f"percentOfTotal[{index}]") for index, entry in enumerate(entries))


def _share(entry: object, label: str) -> AskedShare:
    given = _object(entry, label, ("measure", "within"))
    measure = checks.name(given.get("measure"), f"{label}.measure", checks.MEMBER)
    within = tuple(
        checks.name(name, f"{label}.within[{index}]", checks.DIMENSION)
        for index, name in enumerate(checks.array(given.get("within", ()), f"{label}.within"))
    )
    return AskedShare(measure, within, label)


def parse_top(value: object) -> AskedTop | None:
    """The rule as written, None if there is none. Raises :class:`InvalidQuery`."""
    if value is None:
        return None
    given = _object(value, "top", ("dimension", "by", "limit", "others"))
    limit = checks.count(given.get("limit"), "top.limit")
    if limit == 0:
        checks.refuse("top.limit", "must be greater than or equal to 1")
    others = given.get("others", False)
    if others is True or not (others is None or others is False or isinstance(others, str)):
        checks.refuse("top.others", "must be a string, null or false")
    return AskedTop(
        checks.name(given.get("dimension"), "top.dimension", checks.MEMBER),
        checks.name(given.get("by"), "top.by", checks.MEMBER),
        limit,
        others,
    )


def _object(value: object, label: str, keys: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        checks.refuse(label, "must be of type object")
    for key in value:
        if key not in keys:
            checks.refuse(f"{label}.{key}", "is not allowed")
    return value


# ---------------------------------------------------------------- meaning


def shares(query: Query, catalog: Catalog, groupings: tuple[TimeGrouping, ...]) -> tuple[Share, ...]:
    """The shares that a query asks for. Raises :class:`InvalidQuery` for what is not selected."""
    keys = [*query.dimensions, *(grouping.key for grouping in groupings)]
    found: dict[str, Share] = {}
    for asked in query.percent_of_total:
        measure = members.measure(catalog, asked.measure, f"{asked.path}.measure")
        if asked.measure not in (query.measures or ()):
            raise InvalidQuery(
                f"'{asked.measure}' is not among the query's measures", path=f"{asked.path}.measure"
            )
        if measure.value_type != "number":
            raise InvalidQuery(f"'{asked.measure}' is no number", path=f"{asked.path}.measure")
        for index, name in enumerate(asked.within):
            if name not in keys:
                raise InvalidQuery(
                    f"'{name}' is not among what the query groups by",
                    path=f"{asked.path}.within[{index}]",
                    hint=f"It groups by {', '.join(keys) or 'nothing'}.",
                )
        share = Share(asked.measure, tuple(dict.fromkeys(asked.within)))
        if found.setdefault(share.key, share) != share:
            raise InvalidQuery(
                f"Several shares of '{asked.measure}' would have one name: '{share.key}'", path=asked.path
            )
    if found and query.ungrouped:
        raise InvalidQuery("An ungrouped query has no totals", path="percentOfTotal")
    return tuple(found.values())


def top(query: Query, catalog: Catalog, slots: Slots) -> Top | None:
    """The rule by which a dimension is cut to its first values. Raises :class:`InvalidQuery`."""
    asked = query.top
    if asked is None:
        return None
    dimension = members.dimension(catalog, asked.dimension, "top.dimension")
    if asked.dimension not in query.dimensions:
        raise InvalidQuery(f"'{asked.dimension}' is not among the query's dimensions", path="top.dimension")
    if switch_of(asked.dimension, catalog):
        raise UnsupportedFeature(f"'{asked.dimension}' is a switch, which has no first values by a measure.")
    if query.ungrouped:
        raise InvalidQuery("An ungrouped query has no groups to take the first of", path="top")
    if isinstance(asked.others, str) and dimension.type != "string":
        raise InvalidQuery(
            f"'{asked.dimension}' is of type {dimension.type}, so the others cannot be a text",
            path="top.others",
            hint="Use null, or false to leave them out.",
        )
    return Top(
        asked.dimension,
        asked.by,
        slots.add(asked.limit, "integer"),
        slots.add(asked.others, "string") if isinstance(asked.others, str) else None,
        drop=asked.others is False,
    )
