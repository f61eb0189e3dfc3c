"""``refresh_key`` in all its forms (model-contract 5.1)."""

from __future__ import annotations

import pytest

from cuboid.catalog.pieces import FilterReference

CUBE = "cubes:\n  - name: a\n    sql_table: t\n    dimensions: [{name: d, sql: d, type: time}]\n    refresh_key: "
ROLLUP = (
    "cubes:\n  - name: a\n    sql_table: t\n    dimensions: [{name: d, sql: d, type: time}]\n"
    "    pre_aggregations: [{name: r, time_dimension: d, granularity: day, %srefresh_key: %s}]\n"
)
PARTS = "partition_granularity: month, "


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("{every: 10 minutes}", {"every": "10 minutes"}),
        ("{every: 1  hour}", {"every": "1 hour"}),
        ('{every: "30 5 * * *", timezone: America/Los_Angeles}', {"every": "30 5 * * *"}),
        ('{every: "0 0 * * * *"}', {"every": "0 0 * * * *"}),
        ("{immutable: true}", {"immutable": True}),
        ("{sql: SELECT MAX(x) FROM t}", {}),
        ("{sql: SELECT 1, every: 2 days}", {"every": "2 days"}),
    ],
)
def test_a_cube_has_one_of_these(compile_text, written: str, expected: dict[str, object]) -> None:
    catalog = compile_text(f"{CUBE}{written}\n")
    assert catalog.errors == ()
    key = catalog.cubes["a"].refresh_key
    assert {"every": key.every, "immutable": key.immutable} == {"every": None, "immutable": False, **expected}
    assert (key.sql is not None) == ("sql" in written)
    assert (key.timezone is not None) == ("timezone" in written)


def test_the_sql_may_ask_for_what_the_query_asks_and_for_the_cubes_rows(compile_text) -> None:
    sql = "SELECT MAX(d) FROM {CUBE.sql()} WHERE {FILTER_PARAMS.a.d.filter('d')}"
    catalog = compile_text(f'{CUBE}{{sql: "{sql}"}}\n')
    assert catalog.errors == ()
    text, table, where, slot = catalog.cubes["a"].refresh_key.sql.parts
    assert (text, table, where) == ("SELECT MAX(d) FROM ", "t", " WHERE ")
    assert isinstance(slot, FilterReference)


def test_partitions_may_be_refreshed_one_by_one(compile_text) -> None:
    catalog = compile_text(ROLLUP % (PARTS, "{every: 1 hour, incremental: true, update_window: 7 days}"))
    assert catalog.errors == ()
    key = catalog.cubes["a"].rollups["r"].refresh_key
    assert (key.every, key.incremental, key.update_window) == ("1 hour", True, "7 days")


@pytest.mark.parametrize(
    ("written", "message", "hint"),
    [
        ("¦{}", "this refresh key has no 'every'", "10 minutes"),
        ("¦1 hour", "a refresh key must be a mapping", None),
        ("{every: ¦hourly}", "'hourly' says no interval", "1 hour"),
        ("{every: ¦0 hours}", "'0 hours' says no interval", None),
        ("{every: ¦3 months}", "'3 months' says no interval", None),
        ('{every: ¦"*/7 * * * *"}', "not equally far", "numbers or *"),
        ('{every: ¦"0 0 1 * *"}', "not equally far", None),
        ('{every: ¦"0 * * * 5"}', "not equally far", None),
        ('{every: ¦"61 * * * *"}', "a number that no clock shows", None),
        ("{every: 1 hour, timezone: ¦UTC}", "'timezone' belongs to a cron expression", None),
        ('{every: "0 6 * * *", timezone: ¦Berlin}', "there is no time zone 'Berlin'", "Europe/Berlin"),
        ("{immutable: true, every: ¦1 hour}", "either 'immutable' or 'every'", None),
        ("{every: 1 hour, incremental: ¦true}", "belongs to refresh keys of pre-aggregations", None),
        ('{sql: "SELECT ¦{d}"}', "there is no row yet", None),
        ("{every: 1 hour, ¦evry: x}", "no key 'evry'", "'every'"),
    ],
)
def test_a_wrong_refresh_key_is_told(assert_error, written: str, message: str, hint: str | None) -> None:
    assert_error(f"{CUBE}{written}\n", message, hint)


@pytest.mark.parametrize(
    ("parts", "written", "message"),
    [
        ("", "{every: 1 hour, incremental: ¦true}", "'incremental' needs partitions"),
        (PARTS, "{every: 1 hour, update_window: ¦7 days}", "needs 'incremental: true'"),
        (PARTS, "{every: 1 hour, incremental: true, update_window: ¦week}", "no length of time"),
    ],
)
def test_partitions_have_rules_of_their_own(assert_error, parts: str, written: str, message: str) -> None:
    assert_error(ROLLUP % (parts, written), message)
