"""``pre_aggregations`` of a cube: what is stored beforehand, in which parts, and what tells that it is out of date."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from cuboid.catalog import keys
from cuboid.catalog.cube_sources import read_statement
from cuboid.catalog.declare import RESERVED
from cuboid.catalog.fields import IDENTIFIER, Fields, check_identifier, read_entries
from cuboid.catalog.nodes import Entries, Items, Node, Scalar
from cuboid.catalog.pieces import Template
from cuboid.catalog.refresh_keys import read_refresh_key
from cuboid.catalog.rollup_members import read_members, read_rollup_names, read_times
from cuboid.catalog.rollups import Rollup, RollupIndex, RollupTime, RollupType
from cuboid.catalog.scope import Scope
from cuboid.errors import closest, did_you_mean

_TYPES: Mapping[str, RollupType] = MappingProxyType(
    {
        "rollup": "rollup",
        "original_sql": "original_sql",
        "rollup_join": "rollup_join",
        "rollup_lambda": "rollup_lambda",
    }
)
_PARTITIONS = ("hour", "day", "week", "month", "quarter", "year")
_INDEX_TYPES: Mapping[str, Literal["regular", "aggregate"]] = MappingProxyType(
    {"regular": "regular", "aggregate": "aggregate"}
)
_OFFSETS: Mapping[str, Literal["earliest", "latest"]] = MappingProxyType(
    {"earliest": "earliest", "latest": "latest"}
)
_ONLY: Mapping[str, tuple[RollupType, ...]] = MappingProxyType(
    {
        **dict.fromkeys(("measures", "dimensions", "segments"), ("rollup", "rollup_join", "rollup_lambda")),
        "rollups": ("rollup_join", "rollup_lambda"),
        "union_with_source_data": ("rollup_lambda",),
        "use_original_sql_pre_aggregations": ("rollup",),
        "partition_granularity": ("rollup", "original_sql"),
        "refresh_key": ("rollup", "original_sql"),
        "build_range_start": ("rollup", "original_sql"),
        "build_range_end": ("rollup", "original_sql"),
        "indexes": ("rollup", "original_sql"),
        "stream_offset": ("rollup", "original_sql"),
        "unique_key_columns": ("rollup", "original_sql"),
        "output_column_types": ("rollup", "original_sql"),
    }
)
"""Keys that belong to some types only."""

_OLD = {
    "measures": "measure_references",
    "dimensions": "dimension_references",
    "segments": "segment_references",
    "time_dimension": "time_dimension_reference",
    "time_dimensions": "time_dimension_references",
    "rollups": "rollup_references",
    "build_range_start": "refresh_range_start",
    "build_range_end": "refresh_range_end",
}


def read_rollups(scope: Scope) -> Mapping[str, Rollup]:
    """The cube's pre-aggregations by name, in order of declaration; wrong ones are reported and left out."""
    found: dict[str, Rollup] = {}
    names: set[str] = set()
    for node in _nodes(scope.cube.fields):
        fields = read_entries(node, keys.PRE_AGGREGATION, scope.problems)
        name = fields.identifier("name") if fields else None
        if fields is None or name is None:
            continue
        if name in names or name in scope.cube.members or name in RESERVED:
            scope.problems.error(
                fields.place_of("name"),
                f"cube '{scope.cube.name}' has something else named '{name}'",
                "Pre-aggregations share the names of measures, dimensions and segments.",
            )
            continue
        names.add(name)
        rollup = _rollup(name, fields, scope)
        if rollup is not None:
            found[name] = rollup
    return MappingProxyType(found)


def _nodes(fields: Fields) -> tuple[Node, ...]:
    """The items of the list, or of the older map from names to items."""
    section = fields.node("pre_aggregations")
    if not isinstance(section, Entries):
        return fields.items("pre_aggregations")
    return _nodes_by_name(section)


def _rollup(name: str, fields: Fields, scope: Scope) -> Rollup | None:
    if fields.peek("type") in ("auto_rollup", "autoRollup"):
        fields.unsupported(fields.place_of("type"), "a pre-aggregation of type 'auto_rollup'")
        return None
    type = fields.choice("type", _TYPES, default="rollup")
    if type is None:
        return None
    old = {key: _spelling(key, fields) for key in _OLD}
    for key, types in _ONLY.items():
        written = old.get(key, key)
        if fields.has(written) and type not in types:
            fields.problems.error(
                fields.place_of(written),
                f"a pre-aggregation of type '{type}' has no '{written}'",
                f"It belongs to {' and '.join(types)}.",
            )
    times = read_times(
        fields, scope, old["time_dimension"], old["time_dimensions"], required=type == "rollup"
    )
    partition = _partition(fields, times)
    rollup = Rollup(
        scope.cube.name,
        name,
        type,
        fields.place,
        measures=read_members(fields, old["measures"], scope, "measure"),
        dimensions=read_members(fields, old["dimensions"], scope, "dimension"),
        segments=read_members(fields, old["segments"], scope, "segment"),
        time_dimensions=times,
        partition_granularity=partition,
        refresh_key=read_refresh_key(fields, scope, partitioned=fields.has("partition_granularity")),
        build_range=(
            _bound(fields, old["build_range_start"], scope),
            _bound(fields, old["build_range_end"], scope),
        ),
        indexes=_indexes(fields, scope),
        rollups=read_rollup_names(fields, old["rollups"], scope),
        external=fields.flag("external"),
        scheduled_refresh=fields.flag("scheduled_refresh"),
        use_original_sql=fields.flag("use_original_sql_pre_aggregations") or False,
        union_with_source_data=fields.flag("union_with_source_data") or False,
        allow_non_strict_date_range_match=fields.flag("allow_non_strict_date_range_match") is not False,
        sql_alias=_alias(fields),
        unique_key_columns=fields.texts("unique_key_columns"),
        stream_offset=fields.choice("stream_offset", _OFFSETS) if fields.has("stream_offset") else None,
        read_only=fields.flag("read_only") or False,
        output_column_types=_output_columns(fields, scope),
    )
    _check(rollup, fields, old)
    _check_indexes(rollup, fields)
    return rollup


def _spelling(key: str, fields: Fields) -> str:
    """The key as it is written here, the new or the old one; an error for both."""
    if not fields.has(_OLD[key]):
        return key
    if fields.has(key):
        fields.problems.error(
            fields.place_of(_OLD[key]), f"'{_OLD[key]}' is the old name of '{key}'", "Keep the new one."
        )
        return key
    return _OLD[key]


def _check(rollup: Rollup, fields: Fields, old: Mapping[str, str]) -> None:
    if rollup.type == "rollup":
        if not any((rollup.measures, rollup.dimensions, rollup.segments, rollup.time_dimensions)) and not any(
            fields.has(old.get(key, key))
            for key in ("measures", "dimensions", "time_dimension", "time_dimensions")
        ):
            fields.problems.error(
                fields.place,
                f"the pre-aggregation '{rollup.name}' stores nothing",
                "Add 'measures' or 'dimensions'.",
            )
    elif rollup.type in ("rollup_join", "rollup_lambda") and not fields.has(old["rollups"]):
        fields.missing("rollups", "a list of pre-aggregations of type rollup")
    if rollup.type == "rollup_join" and rollup.scheduled_refresh:
        fields.problems.error(
            fields.place_of("scheduled_refresh"),
            "a rollup_join is never built, so it has no scheduled refresh",
            "Set it on the rollups that it joins.",
        )


def _check_indexes(rollup: Rollup, fields: Fields) -> None:
    """Members that are indexed are stored, by dimensions. Other names are those of columns."""
    keys = {each.member for each in (*rollup.dimensions, *rollup.segments)}
    keys |= {each.member for each in rollup.time_dimensions}
    for index in rollup.indexes:
        for name in index.columns:
            if "." in name and name not in keys:
                fields.problems.warn(
                    fields.place_of("indexes"),
                    f"the index '{index.name}' has no effect by '{name}', by which nothing is stored",
                    did_you_mean(closest(name, keys)) or f"Add it to the dimensions of '{rollup.name}'.",
                )
    if len(rollup.indexes) > 1:
        fields.problems.warn(
            fields.place_of("indexes"),
            f"rows have one order: that of the index '{rollup.indexes[0].name}'",
            "Put first the index that most queries filter by.",
        )


def _partition(fields: Fields, times: tuple[RollupTime, ...]) -> str | None:
    written = fields.scalar("partition_granularity")
    if written is None:
        return None
    if written.text not in _PARTITIONS:
        hint = did_you_mean(closest(written.text, _PARTITIONS)) or f"It is one of {', '.join(_PARTITIONS)}."
        fields.problems.error(written.place, f"'{written.text}' is no size of a partition", hint)
        return None
    if not any(fields.has(key) for key in ("time_dimension", "time_dimensions", "time_dimension_reference")):
        fields.problems.error(
            written.place, "partitions are parts of a time dimension", "Add 'time_dimension'."
        )
    return written.text


def _bound(fields: Fields, key: str, scope: Scope) -> Template | None:
    node = fields.node(key)
    bound = read_entries(node, keys.BUILD_RANGE, scope.problems) if node is not None else None
    if bound is None:
        return None
    if not bound.has("sql"):
        bound.missing("sql", "a SELECT that gives one moment")
    if not fields.has("partition_granularity"):
        fields.problems.warn(
            fields.place_of(key), f"'{key}' has no effect without partitions", "Add 'partition_granularity'."
        )
    return read_statement(bound, "sql", scope)


def _alias(fields: Fields) -> str | None:
    written = fields.scalar("sql_alias")
    return check_identifier(written, fields.problems) if written else None


def _indexes(fields: Fields, scope: Scope) -> tuple[RollupIndex, ...]:
    found: dict[str, RollupIndex] = {}
    section = fields.node("indexes")
    nodes = _nodes_by_name(section) if isinstance(section, Entries) else fields.items("indexes")
    for node in nodes:
        index = read_entries(node, keys.INDEX, scope.problems)
        name = index.identifier("name") if index else None
        if index is None or name is None:
            continue
        if name in found:
            scope.problems.error(
                index.place_of("name"), f"there are two indexes '{name}'", "Rename or remove one."
            )
        if not index.has("columns"):
            index.missing("columns", "a list of members of the pre-aggregation")
        type = index.choice("type", _INDEX_TYPES, default="regular")
        columns = _columns(index.items("columns"), scope)
        if type is not None:
            found.setdefault(name, RollupIndex(name, columns, type))
    return tuple(found.values())


def _nodes_by_name(section: Entries) -> tuple[Node, ...]:
    return tuple(
        Entries(((Scalar("name", "name", key.place), key), *value.entries), value.place, value.duplicates)
        if isinstance(value, Entries)
        else value
        for key, value in section.entries
    )


def _columns(nodes: tuple[Node, ...], scope: Scope) -> tuple[str, ...]:
    """Full names of members; what is none stays the name of a column."""
    found = []
    for node in nodes:
        if not isinstance(node, Scalar) or node.is_null:
            what = (
                "a list"
                if isinstance(node, Items)
                else "a mapping"
                if isinstance(node, Entries)
                else "nothing"
            )
            scope.problems.error(
                node.place,
                f"a column's name is due here, not {what}",
                "Write a member of the pre-aggregation, or a column's name in it.",
            )
            continue
        words = node.text.strip().strip("{}").split(".")
        if words[0] in ("CUBE", "TABLE"):
            words[0] = scope.cube.name
        if not all(IDENTIFIER.fullmatch(word) for word in words):
            scope.problems.error(
                node.place, f"'{node.text}' is not a name", "A name has letters, digits and underscores."
            )
        elif len(words) > 1:
            found.append(".".join(words[-2:]))
        else:
            found.append(f"{scope.cube.name}.{words[0]}" if words[0] in scope.cube.members else words[0])
    return tuple(found)


def _output_columns(fields: Fields, scope: Scope) -> tuple[tuple[str, str], ...]:
    found = []
    for node in fields.items("output_column_types"):
        column = read_entries(node, keys.OUTPUT_COLUMN, scope.problems)
        if column is None:
            continue
        members = read_members(column, "member", scope, None)
        type = column.text("type")
        for key in ("member", "type"):
            if not column.has(key):
                column.missing(key, "a member" if key == "member" else "a type of the store")
        if members and type:
            found.append((members[0].member, type))
    return tuple(found)
