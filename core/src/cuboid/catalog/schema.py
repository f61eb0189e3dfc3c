"""A JSON schema of model files, for editors: what keys there are, in which spelling, and of which type.

Made from the key tables that files are read by, and from :data:`SHAPES`, which says what stands under a key where that
is more than a text. It cannot know names: what refers to a member is any text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cuboid.catalog import keys
from cuboid.catalog.naming import camelize
from cuboid.types import GRANULARITIES

Schema = dict[str, Any]

_TEXT: Schema = {"type": ["string", "number", "boolean", "null"]}
_FLAG: Schema = {"type": ["boolean", "null"]}
_FREE: Schema = {"type": ["object", "null"]}
_ANY: Schema = {}
_TEXTS: Schema = {"type": ["array", "null"], "items": {"type": ["string", "number", "boolean"]}}
_TEXT_OR_TEXTS: Schema = {"anyOf": [_TEXT, _TEXTS]}
_NAME: Schema = {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"}


def _ref(table: str) -> Schema:
    return {"$ref": f"#/definitions/{table}"}


def _one(table: str) -> Schema:
    return {"anyOf": [_ref(table), {"type": "null"}]}


def _list(*tables: str) -> Schema:
    items = _ref(tables[0]) if len(tables) == 1 else {"anyOf": [_ref(table) for table in tables]}
    return {"type": ["array", "null"], "items": items}


def _list_or_map(table: str) -> Schema:
    """A list, or the older map from names to items, which then have none."""
    return {"anyOf": [_list(table), {"type": "object"}]}


def _choice(*names: str) -> Schema:
    spellings = dict.fromkeys(spelling for name in names for spelling in (name, camelize(name)))
    return {"enum": [*spellings, None]}


_SHOWN = {"public": _FLAG, "shown": _FLAG, "visible": _FLAG, "meta": _FREE}
_STATED = {"filters": _list("STATED_FILTER", "JUNCTION")}
_MEMBERS = {
    "anyOf": [_TEXT, {"type": "array", "items": {"anyOf": [{"type": "string"}, _ref("VIEW_MEMBER")]}}]
}
_CASE = {"anyOf": [_ref("CASE"), _ref("SWITCH_CASE"), {"type": "null"}]}
_SECTIONS = {
    "measures": _list("MEASURE"),
    "dimensions": _list("DIMENSION"),
    "segments": _list("SEGMENT"),
    "hierarchies": _list("HIERARCHY"),
    "access_policy": _list("ACCESS_POLICY"),
}
_LABEL = {"anyOf": [_TEXT, _ref("LABEL")]}
_STAGES = {
    "multi_stage": _FLAG,
    "group_by": _TEXT_OR_TEXTS,
    "reduce_by": _TEXT_OR_TEXTS,
    "add_group_by": _TEXT_OR_TEXTS,
    "grain": _one("GRAIN"),
    "filter": _one("FILTER_DIRECTIVE"),
}
_MASK = {"mask": {"anyOf": [_TEXT, _ref("MASK")]}}
_MEMBER_LISTS = dict.fromkeys(("includes", "excludes"), _TEXT_OR_TEXTS)
_REFERENCES = (
    *("measures", "dimensions", "segments", "rollups"),
    *("measure_references", "dimension_references", "segment_references", "rollup_references"),
)
SHAPES: Mapping[str, Mapping[str, Schema]] = {
    "FILE": {"cubes": _list("CUBE"), "views": _list("VIEW"), "view_groups": _list("VIEW_GROUP")},
    "CUBE": {
        **_SHOWN,
        **_SECTIONS,
        "calendar": _FLAG,
        "joins": _list_or_map("JOIN"),
        "pre_aggregations": _list_or_map("PRE_AGGREGATION"),
        "refresh_key": _one("REFRESH_KEY"),
        "rewrite_queries": _ANY,
        "folders": _ANY,
    },
    "VIEW": {
        **_SHOWN,
        **_SECTIONS,
        "cubes": _list("VIEW_CUBE"),
        "folders": _list("FOLDER"),
        "default_filters": _list("DEFAULT_FILTER"),
        "view_groups": _TEXT_OR_TEXTS,
        "view_group": _TEXT_OR_TEXTS,
        "rewrite_queries": _ANY,
        "refresh_key": _ANY,
    },
    "VIEW_CUBE": {"includes": _MEMBERS, "excludes": _TEXT_OR_TEXTS, "prefix": _FLAG, "split": _FLAG},
    "VIEW_MEMBER": {"meta": _FREE, "format": _ANY},
    "DEFAULT_FILTER": {"values": _TEXT_OR_TEXTS, "unless": _TEXT_OR_TEXTS},
    "FOLDER": {"includes": _ANY},
    "HIERARCHY": {**_SHOWN, "levels": _TEXT_OR_TEXTS},
    "VIEW_GROUP": {"includes": _ANY, "views": _TEXT_OR_TEXTS},
    "JOIN": {"relationship": _choice(*keys.RELATIONSHIPS)},
    "DIMENSION": {
        **_SHOWN,
        **_STAGES,
        **_MASK,
        "type": _choice(*keys.DIMENSION_TYPES),
        "case": _CASE,
        "primary_key": _FLAG,
        "format": {"anyOf": [_TEXT, _ref("LINK_FORMAT")]},
        "order": _choice("asc", "desc"),
        "suggest_filter_values": _FLAG,
        "enable_suggestions": _FLAG,
        "time_kind": _choice("instant", "utc", "date"),
        "field_type": _choice("string"),
        "granularities": _list("GRANULARITY"),
        "time_shift": _list("NAMED_SHIFT"),
        "latitude": _one("COORDINATE"),
        "longitude": _one("COORDINATE"),
        "values": _TEXTS,
        "sub_query": _FLAG,
        "propagate_filters_to_sub_query": _FLAG,
        "links": _list("LINK"),
        "aliases": _ANY,
        "values_as_segments": _ANY,
    },
    "MEASURE": {
        **_SHOWN,
        **_STAGES,
        **_MASK,
        "type": _choice(*keys.MEASURE_TYPES),
        "case": _CASE,
        "filters": _list("MEASURE_FILTER"),
        "drill_filters": _list("MEASURE_FILTER"),
        "drill_members": _TEXTS,
        "drill_member_references": _TEXTS,
        "rolling_window": _one("ROLLING_WINDOW"),
        "order_by": _list("RANK_ORDER"),
        "semi_additive": _one("SEMI_ADDITIVE"),
        "conversion": _one("CONVERSION"),
        "time_shift": _list("TIME_SHIFT"),
        "aliases": _ANY,
        "cumulative": _FLAG,
    },
    "SEGMENT": {**_SHOWN, "aliases": _ANY},
    "CASE": {"when": _list("CASE_BRANCH"), "else": _one("CASE_ELSE")},
    "CASE_BRANCH": {"label": _LABEL},
    "CASE_ELSE": {"label": _LABEL},
    "SWITCH_CASE": {"when": _list("SWITCH_BRANCH"), "else": _one("SWITCH_ELSE")},
    "LINK_FORMAT": {"type": _choice("link")},
    "LINK": {
        "target": _choice("blank", "self"),
        "primary": _FLAG,
        "params": _list("LINK_PARAMETER"),
    },
    "LINK_PARAMETER": {"value": _ANY},
    "ROLLING_WINDOW": {"offset": _choice("start", "end")},
    "TIME_SHIFT": {"type": _choice("prior", "next")},
    "NAMED_SHIFT": {"type": _choice("prior", "next")},
    "GRAIN": dict.fromkeys(("keep_only", "exclude", "include"), _TEXT_OR_TEXTS),
    "FILTER_DIRECTIVE": {
        "mode": _choice("relative", "fixed"),
        "exclude": _TEXT_OR_TEXTS,
        "keep_only": _TEXT_OR_TEXTS,
        "include": _list("STATED_FILTER", "JUNCTION"),
    },
    "STATED_FILTER": {"values": _TEXT_OR_TEXTS},
    "JUNCTION": {"and": _list("STATED_FILTER", "JUNCTION"), "or": _list("STATED_FILTER", "JUNCTION")},
    "RANK_ORDER": {"dir": _choice("asc", "desc")},
    "SEMI_ADDITIVE": {"take": _choice("last", "first", "average"), "by": _TEXT_OR_TEXTS},
    "CONVERSION": {"steps": _list("CONVERSION_STEP"), "value": _choice("count", "rate")},
    "ACCESS_POLICY": {
        "group": _TEXT_OR_TEXTS,
        "groups": _TEXT_OR_TEXTS,
        "role": _TEXT_OR_TEXTS,
        "roles": _TEXT_OR_TEXTS,
        "conditions": _list("POLICY_CONDITION"),
        "member_level": _one("MEMBER_LEVEL"),
        "member_masking": _one("MEMBER_LEVEL"),
        "row_level": _one("ROW_LEVEL"),
    },
    "MEMBER_LEVEL": _MEMBER_LISTS,
    "ROW_LEVEL": {**_STATED, "allow_all": _FLAG},
    "REFRESH_KEY": {"immutable": _FLAG, "incremental": _FLAG},
    "PRE_AGGREGATION": {
        **dict.fromkeys(_REFERENCES, _TEXT_OR_TEXTS),
        "type": _choice("rollup", "original_sql", "rollup_join", "rollup_lambda"),
        "time_dimensions": _list("ROLLUP_TIME"),
        "time_dimension_references": _list("ROLLUP_TIME"),
        "partition_granularity": _choice(
            *(name for name in GRANULARITIES if name not in ("second", "minute"))
        ),
        "refresh_key": _one("REFRESH_KEY"),
        **dict.fromkeys(
            ("build_range_start", "build_range_end", "refresh_range_start", "refresh_range_end"),
            _one("BUILD_RANGE"),
        ),
        "indexes": _list_or_map("INDEX"),
        "external": _FLAG,
        "scheduled_refresh": _FLAG,
        "use_original_sql_pre_aggregations": _FLAG,
        "union_with_source_data": _FLAG,
        "allow_non_strict_date_range_match": _FLAG,
        "unique_key_columns": _TEXTS,
        "stream_offset": _choice("earliest", "latest"),
        "read_only": _FLAG,
        "output_column_types": _list("OUTPUT_COLUMN"),
    },
    "INDEX": {"columns": _TEXTS, "type": _choice("regular", "aggregate")},
}
"""By table of keys.py and key; what is not here is a text."""

NAMED = frozenset(
    {
        *("CUBE", "VIEW", "DIMENSION", "MEASURE", "SEGMENT", "HIERARCHY"),
        *("JOIN", "GRANULARITY", "PRE_AGGREGATION", "INDEX", "VIEW_GROUP"),
    }
)
"""Tables whose constructs must have a name that is an identifier."""


def model_schema() -> Schema:
    """The schema of a model file (JSON Schema, draft 7)."""
    tables = {name: table for name, table in vars(keys).items() if isinstance(table, keys.KeyTable)}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "A model of Cuboid",
        **_construct("FILE", tables["FILE"]),
        "definitions": {name: _construct(name, table) for name, table in tables.items() if name != "FILE"},
    }


def _construct(name: str, table: keys.KeyTable) -> Schema:
    shapes = SHAPES.get(name, {})
    properties: Schema = {}
    for key, handling in table.keys.items():
        if handling == "unsupported":
            continue
        shape = _NAME if key == "name" and name in NAMED else shapes.get(key, _TEXT)
        for spelling in dict.fromkeys((key, camelize(key))):
            properties[spelling] = shape
    schema: Schema = {
        "type": "object",
        "description": f"A {table.noun}.",
        "properties": properties,
        "additionalProperties": False,
    }
    return {**schema, "required": ["name"]} if name in NAMED else schema
