"""Which keys a model may have: one table for each construct.

READ keys mean something. INERT ones Cube accepts and makes nothing of, and so do we. IGNORED ones belong to Cube's
model and can change neither numbers nor access: they give a warning. UNSUPPORTED ones would change numbers or access
if they were left out: they give an error, which takes the cube down rather than answer wrongly. A later version moves
rows to READ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from cuboid.catalog.model import MeasureType, Relationship
from cuboid.types import SemanticType

Handling = Literal["read", "inert", "ignored", "unsupported"]


@dataclass(frozen=True, slots=True)
class KeyTable:
    """The keys of one construct, in snake_case; ``noun`` names the construct in messages."""

    noun: str
    keys: Mapping[str, Handling]


def _table(noun: str, read: str, ignored: str = "", unsupported: str = "", inert: str = "") -> KeyTable:
    keys: dict[str, Handling] = dict.fromkeys(read.split(), "read")
    keys.update(dict.fromkeys(inert.split(), "inert"))
    keys.update(dict.fromkeys(ignored.split(), "ignored"))
    keys.update(dict.fromkeys(unsupported.split(), "unsupported"))
    return KeyTable(noun, keys)


FILE = _table("model file", read="cubes views view_groups")

CUBE = _table(
    "cube",
    read="name sql sql_table sql_alias data_source title description meta public shown calendar"
    " joins measures dimensions segments hierarchies extends refresh_key pre_aggregations access_policy",
    ignored="folders",
    inert="rewrite_queries",
)

VIEW = _table(
    "view",
    read="name extends cubes title description meta public shown sql_alias measures dimensions segments hierarchies"
    " folders default_filters view_group view_groups includes excludes access_policy",
    ignored="refresh_key data_source",
    inert="rewrite_queries",
)

VIEW_CUBE = _table("cube of a view", read="join_path includes excludes prefix alias split")
VIEW_MEMBER = _table("member of a view", read="name alias title description format meta")
DEFAULT_FILTER = _table("default filter", read="member operator values unless")
FOLDER = _table("folder", read="name includes")
FOLDER_PATH = _table("join path in a folder", read="join_path")
HIERARCHY = _table("hierarchy", read="name title public shown levels")
VIEW_GROUP = _table("view group", read="name title description includes views")

JOIN = _table("join", read="name sql relationship")

DIMENSION = _table(
    "dimension",
    read="name sql case type primary_key title description meta public shown format currency order key mask"
    " suggest_filter_values enable_suggestions time_kind granularities time_shift latitude longitude values"
    " sub_query propagate_filters_to_sub_query multi_stage add_group_by filter links"
    " field_type",
    inert="aliases values_as_segments",
)

MEASURE = _table(
    "measure",
    read="name type sql case filters title description meta public visible shown format currency mask"
    " drill_members drill_member_references drill_filters rolling_window order_by"
    " semi_additive conversion multi_stage group_by reduce_by add_group_by grain filter time_shift cumulative",
    inert="aliases",
)

SEGMENT = _table("segment", read="name sql title description meta public shown", inert="aliases")

MEASURE_FILTER = _table("measure filter", read="sql")
CASE = _table("case", read="when else")
CASE_BRANCH = _table("case branch", read="sql label")
CASE_ELSE = _table("else of a case", read="label")
SWITCH_CASE = _table("case", read="switch when else")
SWITCH_BRANCH = _table("case branch", read="value sql")
SWITCH_ELSE = _table("else of a case", read="sql")
LABEL = _table("label", read="sql")
LINK_FORMAT = _table("format", read="type label")
LINK = _table("link", read="name label url dashboard icon target primary params")
LINK_PARAMETER = _table("parameter of a link", read="key value")
MASK = _table("mask", read="sql")
COORDINATE = _table("coordinate", read="sql")
GRANULARITY = _table("granularity", read="name title interval origin offset sql")
ROLLING_WINDOW = _table("rolling window", read="type trailing leading offset granularity")
TIME_SHIFT = _table("time shift", read="time_dimension interval type name")
NAMED_SHIFT = _table("time shift", read="name interval type sql", inert="time_dimension")
GRAIN = _table("grain", read="keep_only exclude include")
FILTER_DIRECTIVE = _table("filter", read="mode exclude keep_only include")
STATED_FILTER = _table("filter", read="member dimension operator values")
JUNCTION = _table("group of filters", read="and or")
RANK_ORDER = _table("order of a rank", read="sql dir")
SEMI_ADDITIVE = _table("semi-additive rule", read="time_dimension take by")
CONVERSION = _table("conversion", read="steps entity window value")
CONVERSION_STEP = _table("step of a conversion", read="measure time_dimension")

ACCESS_POLICY = _table(
    "policy",
    read="group groups role roles conditions member_level member_masking row_level",
)
POLICY_CONDITION = _table("condition of a policy", read="if")
MEMBER_LEVEL = _table("member level", read="includes excludes")
ROW_LEVEL = _table("row level", read="filters allow_all")

REFRESH_KEY = _table("refresh key", read="sql every timezone immutable incremental update_window")
PRE_AGGREGATION = _table(
    "pre-aggregation",
    read="name type measures dimensions segments time_dimension granularity time_dimensions partition_granularity"
    " refresh_key build_range_start build_range_end refresh_range_start refresh_range_end indexes external"
    " scheduled_refresh use_original_sql_pre_aggregations rollups union_with_source_data"
    " allow_non_strict_date_range_match unique_key_columns stream_offset read_only output_column_types sql_alias"
    " measure_references dimension_references segment_references time_dimension_reference"
    " time_dimension_references rollup_references",
)
ROLLUP_TIME = _table("time dimension of a pre-aggregation", read="dimension granularity")
BUILD_RANGE = _table("build range", read="sql")
INDEX = _table("table index", read="name columns type", unsupported="sql")
OUTPUT_COLUMN = _table("column of the output", read="member type")

DENY_WHEN_EMPTY = frozenset({"access_policy"})
"""Unsupported keys that mean something even when empty; of the others, null, false and [] mean nothing."""

MEASURE_TYPES: Mapping[str, MeasureType] = {
    "count": "count",
    "sum": "sum",
    "avg": "avg",
    "min": "min",
    "max": "max",
    "count_distinct": "count_distinct",
    "count_distinct_approx": "count_distinct_approx",
    "number": "number",
    "string": "string",
    "time": "time",
    "boolean": "boolean",
    "rank": "rank",
    "number_agg": "number_agg",
    "conversion": "conversion",
    "running_total": "sum",
}
"""``running_total``, which Cube 1.7 has no more, is a sum with an unbounded window."""

DIMENSION_TYPES: Mapping[str, SemanticType] = {
    "string": "string",
    "number": "number",
    "boolean": "boolean",
    "time": "time",
    "geo": "string",
    "switch": "string",
}
"""What the values of each type are on the wire."""

RELATIONSHIPS: Mapping[str, Relationship] = {
    "many_to_one": "many_to_one",
    "one_to_many": "one_to_many",
    "one_to_one": "one_to_one",
    "belongs_to": "many_to_one",
    "has_many": "one_to_many",
    "has_one": "one_to_one",
}
"""Names in snake_case, the old ones among them; camelCase is brought to snake_case first."""
