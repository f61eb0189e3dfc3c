"""Declared dimensions to catalog dimensions: what their value is made of, and what may be asked of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from cuboid.catalog import keys
from cuboid.catalog.cases import read_case
from cuboid.catalog.declare import DeclaredMember
from cuboid.catalog.display import read_currency, read_format, read_mask, read_shown
from cuboid.catalog.fields import Fields, read_entries
from cuboid.catalog.granularities import read_granularities
from cuboid.catalog.model import NOTHING, Case, Dimension
from cuboid.catalog.multi_stage import read_multi_stage
from cuboid.catalog.named import named_dimension
from cuboid.catalog.pieces import Template
from cuboid.catalog.scope import Scope, Use
from cuboid.catalog.windows import read_named_shifts
from cuboid.types import TimeKind

_DIMENSION = Use("a dimension")
_OVER_MEASURES = Use("a dimension", measures=True)
_LOCATION = Use("a location")

_TIME_KINDS: Mapping[str, TimeKind] = MappingProxyType({"instant": "instant", "utc": "utc", "date": "date"})
_ORDERS: Mapping[str, Literal["asc", "desc"]] = MappingProxyType({"asc": "asc", "desc": "desc"})
_FIELD_TYPES: Mapping[str, str] = MappingProxyType({"string": "string"})
_ONLY_TIME = ("time_kind", "granularities", "time_shift", "field_type")


@dataclass(frozen=True, slots=True)
class _Value:
    """What the value is made of: one of these, or nothing for a switch."""

    sql: Template | None = None
    case: Case | None = None
    location: tuple[Template, Template] | None = None
    values: tuple[str, ...] = ()


def build_dimension(
    declared: DeclaredMember, scope: Scope, cube_title: str, public: bool
) -> Dimension | None:
    """The dimension; None if its type or SQL is wrong (reported). ``public``: whether the cube is."""
    fields = declared.fields
    multi_stage = read_multi_stage(fields, scope, dimension=True)
    sub_query = fields.flag("sub_query") or False
    over_measures = sub_query or multi_stage is not None
    value = _value(declared, scope, _OVER_MEASURES if over_measures else _DIMENSION)
    primary_key = fields.flag("primary_key") or False
    suggest = fields.flag("suggest_filter_values", "enable_suggestions")
    shown = read_shown(fields, declared.name, cube_title)
    type = declared.dimension_type
    if type is None:
        return None
    _check_only_time(declared)
    calendar = scope.cube.fields.flag("calendar") or False
    _check_kinds(fields, scope, sub_query and multi_stage is not None, calendar)
    if value is None:
        return None
    return Dimension(
        cube=scope.cube.name,
        name=declared.name,
        type=type,
        sql=value.sql,
        case=value.case,
        place=fields.place,
        title=shown.title,
        short_title=shown.short_title,
        description=shown.description,
        public=public and (not primary_key if shown.visible is None else shown.visible),
        primary_key=primary_key,
        suggest_filter_values=True if suggest is None else suggest,
        time_kind=fields.choice("time_kind", _TIME_KINDS, default="utc") or "utc",
        format=read_format(fields, type, measure=False),
        meta=shown.meta,
        declared_type=declared.declared_type,
        location=value.location,
        values=value.values,
        sub_query=sub_query,
        propagate_filters=fields.flag("propagate_filters_to_sub_query") or False,
        multi_stage=multi_stage,
        granularities=read_granularities(fields, scope, calendar=calendar) if type == "time" else NOTHING,
        time_shifts=read_named_shifts(fields, scope) if type == "time" and calendar else (),
        currency=read_currency(fields, type),
        order=fields.choice("order", _ORDERS, default=None) if fields.has("order") else None,
        key=_key(fields, scope),
        mask=read_mask(fields, scope, type),
        text_time=fields.choice("field_type", _FIELD_TYPES) is not None
        if fields.has("field_type")
        else False,
    )


def _check_kinds(fields: Fields, scope: Scope, both: bool, calendar: bool) -> None:
    """A dimension is a sub-query or in stages, not ``both``; shifts are a calendar's."""
    if both:
        scope.problems.error(
            fields.place_of("sub_query"),
            "a dimension is either a sub-query or evaluated in stages, not both",
            "Remove 'sub_query' or 'multi_stage'.",
        )
    if fields.has("time_shift") and not calendar:
        scope.problems.error(
            fields.place_of("time_shift"),
            "'time_shift' of a dimension belongs to calendar cubes",
            "Set 'calendar: true' on the cube; measures have a 'time_shift' of their own.",
        )


def _check_only_time(declared: DeclaredMember) -> None:
    if declared.dimension_type == "time":
        return
    for key in _ONLY_TIME:
        if declared.fields.has(key):
            declared.fields.problems.error(
                declared.fields.place_of(key),
                f"'{key}' belongs to dimensions of type time",
                "Set 'type: time', or remove it.",
            )


def _key(fields: Fields, scope: Scope) -> str | None:
    key = named_dimension(fields, "key", scope)
    if key is not None and key.partition(".")[0] != scope.cube.name:
        scope.problems.error(
            fields.place_of("key"), f"'{key}' is not on the same cube", "The key is a dimension of this cube."
        )
        return None
    return key


# ---------------------------------------------------------------- the value


def _value(declared: DeclaredMember, scope: Scope, use: Use) -> _Value | None:
    """None if it is wrong (reported)."""
    fields = declared.fields
    if declared.declared_type == "switch":
        return _switch(fields)
    if declared.declared_type == "geo":
        return _location(fields, scope)
    for key in ("latitude", "longitude"):
        if fields.has(key):
            fields.problems.error(
                fields.place_of(key),
                f"'{key}' belongs to dimensions of type geo",
                "Set 'type: geo', or remove it.",
            )
    if fields.has("values"):
        fields.problems.error(
            fields.place_of("values"),
            "'values' belongs to dimensions of type switch",
            "Set 'type: switch', or remove it.",
        )
    case_node = fields.node("case")
    if case_node is None:
        if not fields.has("sql"):
            fields.missing("sql", "an SQL expression, or 'case'")
            return None
        sql = scope.required_sql(fields, use)
        return None if sql is None else _Value(sql=sql)
    if fields.has("sql"):
        fields.problems.error(
            fields.place_of("sql"), "a dimension has either 'sql' or 'case', not both", "Remove one of them."
        )
    case = read_case(case_node, scope, use)
    return None if case is None else _Value(case=case)


def _switch(fields: Fields) -> _Value | None:
    for key in ("sql", "case", "sub_query", "primary_key"):
        if fields.has(key):
            fields.problems.error(
                fields.place_of(key), f"a switch is on no row, so it has no '{key}'", f"Remove '{key}'."
            )
            return None
    if not fields.has("values"):
        fields.missing("values", "a list of the texts that it can be")
        return None
    values = fields.texts("values")
    if not values and not fields.items("values"):
        fields.problems.error(
            fields.place_of("values"),
            "a switch has at least one value",
            "List them, e.g. values: [EUR, USD].",
        )
    return _Value(values=values) if values else None


def _location(fields: Fields, scope: Scope) -> _Value | None:
    for key in ("sql", "case"):
        if fields.has(key):
            fields.problems.error(
                fields.place_of(key),
                f"a location has 'latitude' and 'longitude', not '{key}'",
                f"Remove '{key}'.",
            )
            return None
    found = [_coordinate(fields, key, scope) for key in ("latitude", "longitude")]
    latitude, longitude = found
    return None if latitude is None or longitude is None else _Value(location=(latitude, longitude))


def _coordinate(fields: Fields, key: str, scope: Scope) -> Template | None:
    node = fields.node(key)
    if node is None:
        fields.missing(key, "{sql: ...}")
        return None
    coordinate = read_entries(node, keys.COORDINATE, scope.problems)
    return scope.required_sql(coordinate, _LOCATION) if coordinate else None
