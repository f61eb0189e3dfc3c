"""What a LEFT JOIN does not find does not count, however the model writes its measures and keys.

Users 1 (Rome, credit 10.5) and 2 (no city, no credit); orders 1 "open" of user 1, 2 "paid" of user 1, 3 without
status of nobody; returns a (of user 1).
"""

from __future__ import annotations

import pytest

from cuboid.errors import UnsupportedFeature

USERS = "SELECT * FROM (VALUES (1, 'Rome', 10.5), (2, NULL, NULL)) AS t (id, city, credit)"
ORDERS = "SELECT * FROM (VALUES (1, 1, 'open'), (2, 1, 'paid'), (3, 9, NULL)) AS t (id, user_id, status)"


def from_orders(measure: str) -> str:
    """Orders lead to users: order 3 has none."""
    return f"""
cubes:
  - name: orders
    sql: {ORDERS}
    joins: [{{name: users, relationship: many_to_one, sql: "{{CUBE}}.user_id = {{users.id}}"}}]
    dimensions:
      - {{name: id, sql: id, type: number, primary_key: true}}
      - {{name: status, sql: status, type: string}}
  - name: users
    sql: {USERS}
    dimensions: [{{name: id, sql: id, type: number, primary_key: true}}]
    measures: [{{name: m, {measure}}}]
"""


@pytest.mark.parametrize(
    ("measure", "expected"),
    [
        ('type: sum, sql: "COALESCE({CUBE}.credit, 100)"', ["10.5", "10.5", None]),
        ("type: sum, sql: '1'", ["1", "1", None]),
        ('type: number, sql: "sum(coalesce({CUBE}.credit, 100))"', ["10.5", "10.5", None]),
        ('type: number, sql: "count(*)"', ["1", "1", "0"]),
        ('type: number, sql: "count(1) + 0"', ["1", "1", "0"]),
        ("type: number, sql: \"count(distinct coalesce({CUBE}.city, '?'))\"", ["1", "1", "0"]),
        ('type: number, sql: "count(*) FILTER (WHERE {CUBE}.city IS NULL)"', ["0", "0", "0"]),
        ('type: number, sql: "median({CUBE}.credit)"', ["10.5", "10.5", None]),
        ('type: number, sql: "quantile_cont({CUBE}.credit, 0.5)"', ["10.5", "10.5", None]),
        (
            'type: number, sql: "percentile_cont(0.5) WITHIN GROUP (ORDER BY {CUBE}.credit)"',
            ["10.5", "10.5", None],
        ),
        ("type: string, sql: \"max(coalesce({CUBE}.city, 'none'))\"", ["Rome", "Rome", None]),
        ("type: count", ["1", "1", "0"]),
        ('type: count, filters: [{sql: "{CUBE}.credit IS NULL OR {CUBE}.credit > 1"}]', ["1", "1", "0"]),
    ],
)
def test_users_by_status_of_their_orders(ask, measure: str, expected: list[str | None]) -> None:
    rows = ask(
        from_orders(measure),
        dimensions=["orders.status"],
        measures=["users.m"],
        order={"orders.status": "asc"},
    )
    assert rows == [["open", expected[0]], ["paid", expected[1]], [None, expected[2]]]


def test_an_aggregate_that_cannot_be_guarded_is_refused(ask) -> None:
    with pytest.raises(UnsupportedFeature, match=r"'users\.m' aggregates an expression"):
        ask(
            from_orders('type: number, sql: "quantile_cont(coalesce({CUBE}.credit, 1), 0.5)"'),
            dimensions=["orders.status"],
            measures=["users.m"],
        )


def from_users(key: str, measure: str) -> str:
    """Users lead to returns: user 2 has none. The key of returns is more than a column, or missing."""
    return f"""
cubes:
  - name: users
    sql: {USERS}
    joins: [{{name: returns, relationship: one_to_many, sql: "{{CUBE.id}} = {{returns}}.user_id"}}]
    dimensions:
      - {{name: id, sql: id, type: number, primary_key: true}}
      - {{name: city, sql: city, type: string}}
  - name: returns
    sql: SELECT 'a' AS id, 1 AS user_id, NULL AS part, 4 AS amount
    dimensions: [{key}]
    measures: [{{name: m, {measure}}}]
"""


CONCATENATED = "{name: key, sql: \"concat('r-', {CUBE}.id)\", type: string, primary_key: true}"
COALESCED = (
    "{name: id, sql: \"coalesce({CUBE}.id, '')\", type: string, primary_key: true}, "
    '{name: part, sql: "coalesce({CUBE}.part, 0)", type: number, primary_key: true}'
)
NONE = "{name: amount, sql: amount, type: number}"


@pytest.mark.parametrize(
    ("key", "measure", "rome", "nowhere"),
    [
        (CONCATENATED, "type: count", "1", "0"),
        (CONCATENATED, 'type: sum, sql: "coalesce({CUBE}.amount, 1000)"', "4", None),
        (COALESCED, "type: count", "1", "0"),
        (NONE, 'type: min, sql: "coalesce({CUBE}.amount, -1000)"', "4", None),
        (NONE, "type: count_distinct, sql: \"coalesce({CUBE}.part, '?')\"", "1", "0"),
    ],
)
def test_returns_by_city_of_their_users(ask, key: str, measure: str, rome: str, nowhere: str | None) -> None:
    rows = ask(
        from_users(key, measure),
        dimensions=["users.city"],
        measures=["returns.m"],
        order={"users.city": "asc"},
    )
    assert rows == [["Rome", rome], [None, nowhere]]


@pytest.mark.parametrize(
    "sql", ["1", "{CUBE}.amount", "coalesce({CUBE}.amount, 0) + 1", "CASE WHEN {CUBE}.amount > 1 THEN 1 END"]
)
def test_a_calculated_measure_without_an_aggregate_is_refused(ask, sql: str) -> None:
    with pytest.raises(UnsupportedFeature, match="has no aggregate"):
        ask(from_users(CONCATENATED, f'type: number, sql: "{sql}"'), measures=["returns.m"])
