"""``pre_aggregations``: every form is read, old names too, and what cannot be is told (model-contract 1.8)."""

from __future__ import annotations

import pytest

from cuboid.catalog.rollups import RollupIndex, RollupMember, RollupTime

MODEL = """
cubes:
  - name: orders
    sql_table: orders
    joins: [{name: users, relationship: many_to_one, sql: "{CUBE}.user_id = {users.id}"}]
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: status, sql: status, type: string}
      - name: at
        sql: at
        type: time
        granularities: [{name: half, interval: 6 months}]
    measures: [{name: count, type: count}]
    segments: [{name: paid, sql: "{CUBE}.paid"}]
    pre_aggregations:
      - {name: main, measures: [count], dimensions: [status], time_dimension: at, granularity: day}
      - %s
  - name: users
    sql_table: users
    dimensions: [{name: id, sql: id, type: number, primary_key: true}, {name: city, sql: city, type: string}]
    pre_aggregations: [{name: cities, dimensions: [id, city]}]
views: [{name: v, cubes: [{join_path: orders, includes: "*"}]}]
"""
COUNT = RollupMember("orders.count", ("orders",))
DAY = RollupTime("orders.at", ("orders",), "day")


def rollup(compile_text, written: str):
    catalog = compile_text(MODEL % written)
    assert catalog.errors == ()
    return list(catalog.cubes["orders"].rollups.values())[-1]


def test_a_rollup_has_members_with_their_join_paths(compile_text) -> None:
    found = rollup(
        compile_text,
        "{name: r, measures: [CUBE.count], dimensions: [status, users.city, orders.users.id], segments: [paid],"
        " time_dimension: CUBE.at, granularity: half, partition_granularity: month}",
    )
    assert found.measures == (COUNT,)
    assert found.dimensions == (
        RollupMember("orders.status", ("orders",)),
        RollupMember("users.city", ("orders", "users")),
        RollupMember("users.id", ("orders", "users")),
    )
    assert found.segments == (RollupMember("orders.paid", ("orders",)),)
    assert found.time_dimensions == (RollupTime("orders.at", ("orders",), "half"),)
    assert (found.type, found.partition_granularity) == ("rollup", "month")


def test_old_names_mean_the_same(compile_text) -> None:
    old = rollup(
        compile_text,
        "{name: r, type: rollup, measureReferences: [count], dimensionReferences: [status],"
        " segmentReferences: [paid], timeDimensionReference: at, granularity: day, partitionGranularity: day,"
        " refreshRangeStart: {sql: SELECT 1}, refreshRangeEnd: {sql: SELECT 2}}",
    )
    assert (old.measures, old.time_dimensions) == ((COUNT,), (DAY,))
    start, end = old.build_range
    assert (start.parts, end.parts) == (("SELECT 1",), ("SELECT 2",))
    times = rollup(compile_text, "{name: r, time_dimension_references: [{dimension: at, granularity: day}]}")
    assert times.time_dimensions == (DAY,)
    combined = rollup(compile_text, "{name: r, type: rollupLambda, rollup_references: [main]}")
    assert combined.rollups == ("orders.main",)


def test_defaults_and_flags(compile_text) -> None:
    found = rollup(compile_text, "{name: r, measures: [count]}")
    assert (found.external, found.scheduled_refresh, found.allow_non_strict_date_range_match) == (
        None,
        None,
        True,
    )
    found = rollup(
        compile_text,
        "{name: r, measures: [count], external: false, scheduled_refresh: false, read_only: true, sql_alias: x,"
        " allow_non_strict_date_range_match: false, use_original_sql_pre_aggregations: true,"
        " unique_key_columns: [id], stream_offset: latest, output_column_types: [{member: count, type: bigint}],"
        " indexes: [{name: i, columns: [status, CUBE.id, raw], type: aggregate}]}",
    )
    assert (found.external, found.scheduled_refresh, found.read_only, found.sql_alias) == (
        False,
        False,
        True,
        "x",
    )
    assert (found.use_original_sql, found.unique_key_columns, found.stream_offset) == (
        True,
        ("id",),
        "latest",
    )
    assert found.output_column_types == (("orders.count", "bigint"),)
    assert found.indexes == (RollupIndex("i", ("orders.status", "orders.id", "raw"), "aggregate"),)


def test_joins_and_lambdas_combine_others(compile_text) -> None:
    join = rollup(
        compile_text, "{name: r, type: rollup_join, measures: [count], rollups: [main, users.cities]}"
    )
    assert join.rollups == ("orders.main", "users.cities")
    union = rollup(
        compile_text, "{name: r, type: rollup_lambda, rollups: CUBE.main, union_with_source_data: true}"
    )
    assert (union.rollups, union.union_with_source_data) == (("orders.main",), True)
    original = rollup(
        compile_text, "{name: r, type: originalSql, time_dimension: at, partition_granularity: day}"
    )
    assert original.time_dimensions == (RollupTime("orders.at", ("orders",), None),)


def test_a_childs_rollups_come_before_those_of_its_parent(compile_text) -> None:
    catalog = compile_text(
        """
        cubes:
          - {name: a, sql_table: a, measures: [{name: m, type: count}], pre_aggregations: [{name: x, measures: [m]}]}
          - {name: b, extends: a, pre_aggregations: [{name: y, measures: [m]}]}
        """
    )
    assert list(catalog.cubes["b"].rollups) == ["y", "x"]


@pytest.mark.parametrize(
    ("written", "message", "hint"),
    [
        ("¦{measures: [count]}", "this pre-aggregation has no 'name'", None),
        ("{name: ¦count, measures: [count]}", "has something else named 'count'", "share the names"),
        ("{name: ¦main, measures: [count]}", "has something else named 'main'", None),
        ("¦{name: r}", "'r' stores nothing", "measures"),
        ("{name: r, type: ¦rolup, measures: [count]}", "'rolup' is no type", "'rollup'"),
        ("{name: r, type: ¦auto_rollup}", "'auto_rollup' is not supported", None),
        ("{name: r, measures: [¦status]}", "'orders.status' is a dimension, not a measure", "'dimensions'"),
        ("{name: r, measures: [¦cont]}", "'cont' is neither", "'count'"),
        ("{name: r, measures: [count], dimensions: [¦v.status]}", "of cubes, not of views", None),
        ("{name: r, measures: [count], measure_references: ¦[count]}", "the old name of 'measures'", None),
        (
            "{name: r, time_dimension: ¦status, granularity: day}",
            "'orders.status' is not a time dimension",
            None,
        ),
        ("{name: r, time_dimension: at, granularity: ¦dya}", "no granularity of 'orders.at'", "'day'"),
        ("¦{name: r, time_dimension: at}", "has no 'granularity'", None),
        ("{name: r, measures: [count], granularity: ¦day}", "belongs to 'time_dimension'", None),
        (
            "{name: r, time_dimension: at, granularity: day, time_dimensions: ¦[]}",
            "either 'time_dimension'",
            None,
        ),
        ("{name: r, time_dimensions: [¦{granularity: day}]}", "has no 'dimension'", None),
        (
            "{name: r, measures: [count], partition_granularity: ¦month}",
            "are parts of a time dimension",
            None,
        ),
        (
            "{name: r, time_dimension: at, granularity: day, partition_granularity: ¦minute}",
            "'minute' is no size of a partition",
            "hour",
        ),
        ("¦{name: r, type: rollup_join, measures: [count]}", "has no 'rollups'", None),
        ("¦{name: r, type: rollup_join, rollups: [main]}", "joins two pre-aggregations or more", None),
        (
            "{name: r, type: rollup_join, rollups: [main, users.cities], scheduled_refresh: ¦true}",
            "never built",
            None,
        ),
        (
            "¦{name: r, type: rollup_lambda, rollups: [main, users.cities]}",
            "'at', 'city', 'count', 'id'",
            None,
        ),
        ("{name: r, type: rollup_lambda, rollups: [¦mian]}", "has no pre-aggregation 'mian'", "'main'"),
        ("{name: r, type: rollup_lambda, rollups: [¦order.main]}", "there is no cube 'order'", "'orders'"),
        (
            "{name: r, measures: [count], rollups: ¦[main]}",
            "of type 'rollup' has no 'rollups'",
            "rollup_join",
        ),
        (
            "{name: r, type: original_sql, measures: ¦[count]}",
            "of type 'original_sql' has no 'measures'",
            None,
        ),
        ("{name: r, measures: [count], indexes: [¦{name: i}]}", "this table index has no 'columns'", None),
        ("{name: r, measures: [count], indexes: [{name: i, ¦sql: x}]}", "'sql' is not supported", None),
        ("{name: r, measures: [count], indexes: [{name: i, columns: [¦a b]}]}", "'a b' is not a name", None),
        ("{name: r, measures: [count], external: ¦1}", "must be true or false", None),
        ("{name: r, measures: [count], stream_offset: ¦first}", "'first' is no stream_offset", "earliest"),
    ],
)
def test_a_wrong_pre_aggregation_is_told(assert_error, written: str, message: str, hint: str | None) -> None:
    assert_error(MODEL % written, message, hint)


def test_a_build_range_without_partitions_is_warned_about(compile_text) -> None:
    catalog = compile_text(MODEL % "{name: r, measures: [count], build_range_start: {sql: SELECT 1}}")
    assert [warning.message for warning in catalog.warnings] == [
        "'build_range_start' has no effect without partitions"
    ]


# ---------------------------------------------------------------- what a rollup_join is joined by

JOINED = """
cubes:
  - name: orders
    sql_table: orders
    joins: [{name: users, relationship: many_to_one, sql: "%s"}]
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: user_id, sql: user_id, type: number}
    measures: [{name: count, type: count}]
    pre_aggregations:
      - {name: main, measures: [count], dimensions: [%s]}
      - {name: joined, type: rollup_join, measures: [count], dimensions: [users.city], rollups: [main, users.cities]}
  - name: users
    sql_table: users
    dimensions: [{name: id, sql: id, type: number, primary_key: true}, {name: city, sql: city, type: string}]
    pre_aggregations: [{name: cities, dimensions: [%s]}]
"""


@pytest.mark.parametrize(
    ("sql", "main", "cities", "message"),
    [
        ("{user_id} = {users.id}", "user_id", "id, city", None),
        ("{CUBE}.user_id = {users.id}", "user_id", "id, city", "compares columns"),
        ("1 = 1", "user_id", "id, city", "compares columns"),
        ("{user_id} = {users.id}", "id", "id, city", "'orders.main' lacks 'orders.user_id', a key of"),
        ("{user_id} = {users.id}", "user_id", "city", "'users.cities' lacks 'users.id', a key of"),
    ],
)
def test_a_rollup_join_needs_the_keys_of_the_joins_on_both_sides(
    compile_text, sql: str, main: str, cities: str, message: str | None
) -> None:
    """Nothing is off for it: it is a pre-aggregation that cannot be used."""
    found = compile_text(JOINED % (sql, main, cities))
    assert found.errors == ()
    assert [message in warning.message for warning in found.warnings] == ([] if message is None else [True])


def test_a_rollup_join_of_cubes_without_a_join_cannot_be_used(compile_text) -> None:
    text = JOINED.replace("dimensions: [users.city], ", "") % ("{user_id} = {users.id}", "user_id", "id")
    (warning,) = compile_text(text.replace("{name: users, ", "{name: other, ") + OTHER).warnings
    assert warning.message == "no join leads between the cubes of 'orders.main' and 'users.cities'"


OTHER = (
    "  - {name: other, sql_table: o, dimensions: [{name: id, sql: id, type: number, primary_key: true}]}\n"
)
