"""Which keys a model may have: one table for each construct.

READ keys mean something. IGNORED ones belong to Cube's model and can change neither numbers nor access:
they give a warning. UNSUPPORTED ones would change numbers or access if they were left out: they give an
error, which takes the cube down rather than answer wrongly. A later version moves rows to READ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from cuboid.catalog.model import MeasureType, Relationship

Handling = Literal["read", "ignored", "unsupported"]


@dataclass(frozen=True, slots=True)
class KeyTable:
    """The keys of one construct, in snake_case; ``noun`` names the construct in messages."""

    noun: str
    keys: Mapping[str, Handling]


def _table(noun: str, read: str, ignored: str = "", unsupported: str = "") -> KeyTable:
    keys: dict[str, Handling] = dict.fromkeys(read.split(), "read")
    keys.update(dict.fromkeys(ignored.split(), "ignored"))
    keys.update(dict.fromkeys(unsupported.split(), "unsupported"))
    return KeyTable(noun, keys)


FILE = _table("model file", read="cubes views", ignored="view_groups")

CUBE = _table(
    "cube",
    read="name sql sql_table sql_alias data_source title description meta public shown"
    " joins measures dimensions segments",
    ignored="pre_aggregations refresh_key rewrite_queries hierarchies folders",
    unsupported="extends access_policy calendar",
)

JOIN = _table("join", read="name sql relationship")

DIMENSION = _table(
    "dimension",
    read="name sql case type primary_key title description meta public shown format"
    " suggest_filter_values enable_suggestions time_kind",
    ignored="aliases currency field_type key links order values_as_segments propagate_filters_to_sub_query"
    " latitude longitude",  # they come with the type geo, which is refused
    unsupported="sub_query mask granularities time_shift values multi_stage add_group_by filter",
)

MEASURE = _table(
    "measure",
    read="name type sql filters title description meta public visible shown format currency"
    " drill_members drill_member_references",
    ignored="aliases drill_filters",
    unsupported="rolling_window multi_stage mask case cumulative group_by reduce_by add_group_by grain"
    " filter time_shift order_by",
)

SEGMENT = _table("segment", read="name sql title description meta public shown", ignored="aliases")

MEASURE_FILTER = _table("measure filter", read="sql")
CASE = _table("case", read="when else", unsupported="switch")
CASE_BRANCH = _table("case branch", read="sql label")
CASE_ELSE = _table("else of a case", read="label")
LABEL = _table("label", read="sql")
LINK_FORMAT = _table("format", read="type label")

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
}

UNSUPPORTED_TYPES = frozenset({"geo", "switch", "rank", "number_agg", "running_total"})

RELATIONSHIPS: Mapping[str, Relationship] = {
    "many_to_one": "many_to_one",
    "one_to_many": "one_to_many",
    "one_to_one": "one_to_one",
    "belongs_to": "many_to_one",
    "has_many": "one_to_many",
    "has_one": "one_to_one",
}
"""Names in snake_case, the old ones among them; camelCase is brought to snake_case first."""
