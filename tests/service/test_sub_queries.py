"""Sub-query dimensions: a measure by primary key, read like a column (semantics, section 10)."""

from __future__ import annotations

import pytest

from cuboid.errors import Forbidden, UnsupportedFeature

# Ann has two orders, Ben one, Cem none; order 4 is nobody's. Ann's first order has two lines.
MODEL = """
cubes:
  - name: users
    sql: SELECT * FROM (VALUES (1, 'Ann', 'Rome'), (2, 'Ben', 'Oslo'), (3, 'Cem', 'Rome')) AS t (id, name, city)
    joins: [{name: orders, relationship: one_to_many, sql: "{CUBE}.id = {orders}.user_id"}]
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: name, sql: name, type: string}
      - {name: city, sql: city, type: string}
      - {name: spent, sql: "{orders.total}", type: number, sub_query: true}
      - {name: asked, sql: "{orders.total}", type: number, sub_query: true, propagate_filters_to_sub_query: true}
      - {name: mean, sql: "{orders.mean}", type: number, sub_query: true}
      - {name: units, sql: "{orders.lines.units}", type: number, sub_query: true}
      - {name: last_at, sql: "{orders.last_at}", type: time, sub_query: true}
      - name: kind
        type: string
        sub_query: true
        case:
          when: [{sql: "{orders.count} > 1", label: often}, {sql: "{orders.count} = 0", label: never}]
          else: {label: once}
      - {name: is_big, sql: "{spent} > 45", type: boolean}
      - {name: known, sql: "COALESCE({spent}, 0)", type: number}
    segments: [{name: buyers, sql: "{spent} > 0"}]
    measures:
      - {name: count, type: count}
      - {name: spent_in_all, type: sum, sql: "{spent}"}
      - {name: big, type: count, filters: [{sql: "{spent} > 45"}]}
  - name: orders
    sql: >
      SELECT * FROM (VALUES (1, 1, 'paid', 10, TIMESTAMP '2024-01-31 23:30:00'),
                            (2, 1, 'open', 20, TIMESTAMP '2024-02-01 00:30:00'),
                            (3, 2, 'paid', 50, TIMESTAMP '2024-02-02 12:00:00'),
                            (4, NULL, 'open', 80, TIMESTAMP '2024-03-01 12:00:00'))
      AS t (id, user_id, status, amount, at)
    joins:
      - {name: users, relationship: many_to_one, sql: "{CUBE}.user_id = {users.id}"}
      - {name: lines, relationship: one_to_many, sql: "{CUBE}.id = {lines.order_id}"}
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: status, sql: status, type: string}
      - {name: at, sql: at, type: time}
      - {name: units, sql: "{lines.units}", type: number, sub_query: true}
    measures:
      - {name: count, type: count}
      - {name: total, type: sum, sql: amount}
      - {name: mean, type: number, sql: "1.0 * {total} / {count}"}
      - {name: last_at, type: time, sql: "max({CUBE}.at)"}
      - {name: of_many_units, type: sum, sql: amount, filters: [{sql: "{units} > 4"}]}
  - name: lines
    sql: SELECT * FROM (VALUES (1, 1, 3), (1, 2, 2), (2, 1, 4), (NULL, 1, 9)) AS t (order_id, line, units)
    dimensions:
      - {name: order_id, sql: order_id, type: number, primary_key: true}
      - {name: line, sql: line, type: number, primary_key: true}
      - {name: total, sql: "{parts.count}", type: number, sub_query: true}
    joins:
      - name: parts
        relationship: one_to_many
        sql: "{CUBE}.line = {parts}.line AND {CUBE}.order_id IS NOT DISTINCT FROM {parts}.order_id"
    measures: [{name: units, type: sum, sql: units}]
  - name: parts
    sql: SELECT * FROM (VALUES (1, 1, 1), (2, NULL, 1), (3, NULL, 1), (4, NULL, NULL)) AS t (id, order_id, line)
    dimensions: [{name: id, sql: id, type: number, primary_key: true}]
    measures: [{name: count, type: count}]
views:
  - name: people
    cubes: [{join_path: users, includes: [name, spent, kind]}, {join_path: users.orders, includes: [status, count]}]
"""


def test_the_value_is_the_measure_of_the_key_over_whatever_else_is_selected(ask) -> None:
    rows = ask(MODEL, dimensions=["users.name", "users.spent"], order=[["users.name", "asc"]])
    assert rows == [["Ann", "30"], ["Ben", "50"], ["Cem", None]]
    rows = ask(
        MODEL,
        dimensions=["users.spent"],
        measures=["orders.count"],
        filters=[{"member": "orders.status", "operator": "equals", "values": ["paid"]}],
        order=[["users.spent", "asc"]],
    )
    assert rows == [["30", "1"], ["50", "1"]]


def test_it_can_be_composed_and_lie_over_several_joins(ask) -> None:
    rows = ask(MODEL, dimensions=["users.name", "users.mean", "users.units"], order=[["users.name", "asc"]])
    assert rows == [["Ann", "15", "9"], ["Ben", "50", None], ["Cem", None, None]]


def test_it_can_be_a_case_or_a_time(ask) -> None:
    rows = ask(
        MODEL,
        dimensions=["users.name", "users.kind", "users.last_at"],
        order=[["users.name", "asc"]],
        timezone="Asia/Tokyo",
    )
    assert rows == [
        ["Ann", "often", "2024-02-01T09:30:00.000"],
        ["Ben", "once", "2024-02-02T21:00:00.000"],
        ["Cem", "never", None],
    ]


def test_other_members_and_conditions_read_it(ask) -> None:
    rows = ask(MODEL, dimensions=["users.name", "users.is_big", "users.known"], order=[["users.name", "asc"]])
    assert rows == [["Ann", False, "30"], ["Ben", True, "50"], ["Cem", None, "0"]]
    assert ask(MODEL, measures=["users.spent_in_all", "users.big"]) == [["80", "1"]]
    assert ask(MODEL, dimensions=["users.city"], measures=["users.count"], segments=["users.buyers"]) == [
        ["Oslo", "1"],
        ["Rome", "1"],
    ]
    condition = {"member": "users.spent", "operator": "lt", "values": ["40"]}
    assert ask(MODEL, dimensions=["users.name"], filters=[condition]) == [["Ann"]]


def test_rows_that_a_join_repeats_are_still_counted_once(ask) -> None:
    rows = ask(
        MODEL,
        dimensions=["orders.status"],
        measures=["users.spent_in_all"],
        order=[["orders.status", "asc"]],
    )
    assert rows == [
        ["open", "30"],
        ["paid", "80"],
        [None, None],
    ]  # Ann's 30 once in each; Cem has spent nothing


def test_it_is_nothing_where_the_row_is_absent(ask) -> None:
    rows = ask(
        MODEL,
        dimensions=["orders.id", "users.kind", "users.known"],
        order=[["orders.id", "asc"]],
        ungrouped=True,
        filters=[{"member": "orders.id", "operator": "gt", "values": ["2"]}],
    )
    assert rows == [["3", "once", "50"]]
    joined = MODEL.replace("{orders}.user_id", "{orders}.user_id AND {orders}.id < 0").split("views:")[0]
    rows = ask(
        joined,
        dimensions=["users.name", "orders.units"],
        ungrouped=True,
        order=[["users.name", "asc"]],
    )
    assert rows == [["Ann", None], ["Ben", None], ["Cem", None]]


def test_only_a_sub_query_that_asks_for_them_has_the_query_s_filters(ask) -> None:
    either = {
        "or": [
            {"member": "orders.status", "operator": "equals", "values": ["open"]},
            {"member": "orders.id", "operator": "equals", "values": ["3"]},
        ]
    }
    rows = ask(
        MODEL,
        dimensions=["users.name", "users.spent", "users.asked"],
        filters=[either, {"member": "users.spent", "operator": "lt", "values": ["40"]}],
    )
    assert rows == [["Ann", "30", "20"]]
    ranged = {"dimension": "orders.at", "dateRange": ["2024-01-01", "2024-01-31"]}
    rows = ask(MODEL, dimensions=["users.name", "users.asked"], timeDimensions=[ranged])
    assert rows == [["Ann", "10"]]


def test_they_can_be_nested(ask) -> None:
    assert ask(MODEL, measures=["orders.of_many_units"]) == [["10"]]  # order 1 has five units, order 2 four


def test_keys_of_several_columns_are_compared_one_by_one_and_null_meets_null(ask) -> None:
    rows = ask(
        MODEL,
        dimensions=["lines.order_id", "lines.line", "lines.total"],
        order=[["lines.order_id", "asc"], ["lines.line", "asc"]],
    )
    assert rows == [["1", "1", "1"], ["1", "2", "0"], ["2", "1", "0"], [None, "1", "2"]]


def test_a_view_has_them(ask) -> None:
    condition = {"member": "people.spent", "operator": "set"}
    rows = ask(
        MODEL,
        dimensions=["people.name", "people.spent", "people.kind"],
        measures=["people.count"],
        filters=[condition],
        order=[["people.name", "asc"]],
    )
    assert rows == [["Ann", "30", "often", "2"], ["Ben", "50", "once", "1"]]


def test_rows_that_policies_hide_are_hidden_inside(ask) -> None:
    policy = """
    access_policy:
      - group: "*"
        row_level: {filters: [{member: status, operator: equals, values: [paid]}]}
    measures:
      - {name: count, type: count}
      - {name: total"""
    model = MODEL.replace(
        "\n    measures:\n      - {name: count, type: count}\n      - {name: total", policy, 1
    )
    assert model != MODEL
    rows = ask(model, dimensions=["users.name", "users.spent"], order=[["users.name", "asc"]])
    assert rows == [["Ann", "10"], ["Ben", "50"], ["Cem", None]]


def test_a_policy_that_tests_one_is_refused(ask) -> None:
    policy = """
    access_policy:
      - group: "*"
        row_level: {filters: [{member: spent, operator: gt, values: [1]}]}
    segments: [{name: buyers"""
    with pytest.raises(Forbidden, match=r"test 'users\.spent', a sub-query"):
        ask(MODEL.replace("\n    segments: [{name: buyers", policy, 1), dimensions=["users.name"])


def test_one_that_reads_columns_of_other_cubes_is_refused(ask) -> None:
    model = MODEL.replace('"{spent} > 45"', '"{orders.total} > {orders.id}", sub_query: true', 1)
    with pytest.raises(
        UnsupportedFeature, match=r"'users\.is_big' is made of measures, and reads columns of 'orders'"
    ):
        ask(model, dimensions=["users.is_big"])
