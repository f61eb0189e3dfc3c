"""Queries over views are answered like queries over the cubes behind them, along the paths that the view names."""

from __future__ import annotations

import random

import pytest

from cuboid.errors import InvalidQuery, UnsupportedFeature

# Two orders by Ann, one by Ben, one by nobody; Ann lives in Rome and Ben in Oslo. Order 1 has two lines. The order's
# own city, where it was shipped to, is another role of the cities.
MODEL = """
cubes:
  - name: orders
    sql: >
      SELECT * FROM (VALUES (1, 1, 3, 'paid', 10, TIMESTAMP '2024-01-31 23:30:00'),
                            (2, 1, 2, 'open', 20, TIMESTAMP '2024-02-01 00:30:00'),
                            (3, 2, 3, 'paid', 40, TIMESTAMP '2024-02-02 12:00:00'),
                            (4, NULL, 1, 'open', 80, TIMESTAMP '2024-03-01 12:00:00'))
      AS t (id, user_id, city_id, status, amount, at)
    joins:
      - {name: cities, relationship: many_to_one, sql: "{CUBE}.city_id = {cities.id}"}
      - {name: users, relationship: many_to_one, sql: "{CUBE}.user_id = {users.id}"}
      - {name: lines, relationship: one_to_many, sql: "{CUBE}.id = {lines.order_id}"}
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: status, sql: status, type: string}
      - {name: at, sql: at, type: time}
    measures:
      - {name: count, type: count}
      - {name: total, type: sum, sql: amount}
      - {name: paid, type: sum, sql: amount, filters: [{sql: "{CUBE}.status = 'paid'"}]}
      - {name: last_at, type: time, sql: "max({CUBE}.at)"}
    segments: [{name: large, sql: "{CUBE}.amount > 15"}]
  - name: users
    sql: SELECT * FROM (VALUES (1, 'Ann', 1), (2, 'Ben', 2)) AS t (id, name, city_id)
    joins: [{name: cities, relationship: many_to_one, sql: "{CUBE}.city_id = {cities.id}"}]
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: name, sql: name, type: string}
    measures: [{name: count, type: count}]
  - name: cities
    sql: SELECT * FROM (VALUES (1, 'Rome'), (2, 'Oslo'), (3, 'Bonn')) AS t (id, name)
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: name, sql: name, type: string}
  - name: lines
    sql: SELECT * FROM (VALUES (1, 1, 5), (1, 2, 5), (2, 1, 7)) AS t (order_id, line, units)
    dimensions:
      - {name: order_id, sql: order_id, type: number, primary_key: true}
      - {name: line, sql: line, type: number, primary_key: true, public: true}
    measures: [{name: units, type: sum, sql: units}]
views:
  - name: sales
    cubes:
      - {join_path: orders, includes: "*"}
      - {join_path: orders.users, prefix: true, includes: "*"}
      - {join_path: orders.lines, includes: [units, line]}
    measures:
      - {name: mean, type: number, sql: "{total} / {count}"}
      - {name: per_user, type: number, sql: "{total} / {users.count}"}
    dimensions:
      - {name: label, type: string, sql: "{status} || ':' || {users.name}"}
    segments:
      - {name: of_ann, sql: "{users.name} = 'Ann'"}
  - name: homes
    cubes:
      - {join_path: orders.users.cities, includes: [name]}
      - {join_path: orders, includes: [total]}
  - name: shipped
    cubes:
      - {join_path: orders.cities, includes: [name]}
      - {join_path: orders, includes: [total]}
  - name: paid_sales
    cubes: [{join_path: orders, includes: "*"}]
    default_filters:
      - {member: status, operator: equals, values: [paid], unless: [at]}
"""


def test_measures_and_dimensions_of_a_view(ask) -> None:
    rows = ask(MODEL, measures=["sales.count", "sales.total", "sales.mean"], dimensions=["sales.users_name"])
    assert sorted(rows, key=str) == [
        ["Ann", "2", "30", "15"],
        ["Ben", "1", "40", "40"],
        [None, "1", "80", "80"],
    ]


def test_the_path_of_a_view_is_binding(ask) -> None:
    def totals(view: str) -> dict[str, str]:
        rows = ask(MODEL, measures=[f"{view}.total"], dimensions=[f"{view}.name"])
        return {name: str(total) for name, total in rows}

    assert totals("homes") == {"Rome": "30", "Oslo": "40", None: "80"}
    assert totals("shipped") == {"Bonn": "50", "Oslo": "20", "Rome": "80"}


def test_a_measure_is_counted_along_the_views_path(ask) -> None:
    # Carl has ordered nothing: he is a user, but none that an order of the view leads to, alone as by name.
    model = MODEL.replace("(2, 'Ben', 2))", "(2, 'Ben', 2), (3, 'Carl', 3))")
    assert ask(model, measures=["users.count"]) == [["3"]]
    assert ask(model, measures=["sales.users_count"]) == [["2"]]
    by_name = ask(model, measures=["sales.users_count"], dimensions=["sales.users_name"])
    assert sorted(by_name, key=str) == [["Ann", "1"], ["Ben", "1"], [None, "0"]]
    with pytest.raises(UnsupportedFeature, match=r"along different join paths: no path and orders\.users"):
        ask(model, measures=["users.count", "sales.users_count"])


def test_a_dimension_alone_is_read_along_the_views_path(ask) -> None:
    # From orders on: Rome and Oslo by their users, and NULL by the order of nobody; Bonn has no user.
    assert ask(MODEL, dimensions=["homes.name"], order={"homes.name": "asc"}) == [["Oslo"], ["Rome"], [None]]


def test_a_join_that_repeats_rows_changes_no_measure_of_a_view(ask) -> None:
    rows = ask(MODEL, measures=["sales.total", "sales.units"], dimensions=["sales.status"])
    assert sorted([status, str(total), str(units)] for status, total, units in rows) == [
        ["open", "100", "7"],
        ["paid", "50", "10"],
    ]


def test_own_members_of_a_view(ask) -> None:
    rows = ask(MODEL, measures=["sales.per_user"], dimensions=["sales.label"], segments=["sales.of_ann"])
    assert sorted([label, float(value)] for label, value in rows) == [["open:Ann", 20.0], ["paid:Ann", 10.0]]


def test_filters_segments_and_measure_filters(ask) -> None:
    rows = ask(
        MODEL,
        measures=["sales.total", "sales.paid"],
        dimensions=["sales.status"],
        segments=["sales.large"],
        filters=[
            {"member": "sales.users_name", "operator": "set"},
            {"member": "sales.total", "operator": "gt", "values": ["30"]},
        ],
    )
    assert [[status, str(total), str(paid)] for status, total, paid in rows] == [["paid", "40", "40"]]


def test_time_dimensions_of_a_view_are_civil_time_of_the_zone(ask) -> None:
    rows = ask(
        MODEL,
        measures=["sales.count"],
        timeDimensions=[
            {"dimension": "sales.at", "granularity": "month", "dateRange": ["2024-01-01", "2024-02-29"]}
        ],
        timezone="Europe/Berlin",
    )
    # 23:30 UTC on 31 January is 00:30 on 1 February in Berlin.
    assert rows == [["3"]]


def test_ungrouped_rows_of_a_view(ask) -> None:
    rows = ask(
        MODEL,
        dimensions=["sales.id", "sales.users_name"],
        measures=["sales.total"],
        ungrouped=True,
        order={"sales.id": "asc"},
    )
    assert [[str(id), name, str(total)] for id, name, total in rows] == [
        ["1", "Ann", "10"],
        ["2", "Ann", "20"],
        ["3", "Ben", "40"],
        ["4", None, "80"],
    ]


def test_views_and_cubes_mix_in_one_query(ask) -> None:
    rows = ask(MODEL, measures=["sales.total"], dimensions=["users.name"], order={"users.name": "asc"})
    assert [[name, str(total)] for name, total in rows] == [["Ann", "30"], ["Ben", "40"], [None, "80"]]


@pytest.mark.parametrize(
    ("query", "total"),
    [
        ({}, 50),
        ({"filters": [{"member": "paid_sales.status", "operator": "equals", "values": ["open"]}]}, 100),
        ({"filters": [{"member": "orders.status", "operator": "equals", "values": ["open"]}]}, 100),
        ({"timeDimensions": [{"dimension": "paid_sales.at", "dateRange": ["2024-02-01", "2024-02-28"]}]}, 60),
        ({"timeDimensions": [{"dimension": "paid_sales.at", "granularity": "year"}]}, 50),
        ({"filters": [{"member": "paid_sales.id", "operator": "gt", "values": ["2"]}]}, 40),
    ],
)
def test_default_filters_hold_unless_the_query_asks_about_the_same(ask, query, total: int) -> None:
    assert [[int(value) for value in row] for row in ask(MODEL, measures=["paid_sales.total"], **query)] == [
        [total]
    ]


def test_measure_filters_of_the_origin_are_not_forgotten(ask) -> None:
    paid = {"member": "sales.paid", "operator": "measureFilter"}
    assert ask(MODEL, measures=["sales.total"], filters=[paid]) == [["50"]]


def test_an_unknown_member_of_a_view_is_told_by_the_views_names(ask) -> None:
    with pytest.raises(InvalidQuery, match="'user_name' not found for path"):
        ask(MODEL, dimensions=["sales.user_name"])


CUBES = {
    "sales.count": "orders.count",
    "sales.total": "orders.total",
    "sales.paid": "orders.paid",
    "sales.last_at": "orders.last_at",
    "sales.units": "lines.units",
    "sales.status": "orders.status",
    "sales.id": "orders.id",
    "sales.users_name": "users.name",
    "sales.line": "lines.line",
}
FILTERS = [
    {"member": "sales.status", "operator": "equals", "values": ["paid"]},
    {"member": "sales.users_name", "operator": "set"},
    {"member": "sales.users_name", "operator": "notEquals", "values": ["Ben"]},
    {"member": "sales.line", "operator": "equals", "values": ["1"]},
    {"member": "sales.total", "operator": "gt", "values": ["15"]},
    {"or": [
        {"member": "sales.status", "operator": "equals", "values": ["open"]},
        {"member": "sales.line", "operator": "gt", "values": ["1"]},
    ]},
]  # fmt: skip


def of_cubes(value):
    """The same question about the cubes."""
    if isinstance(value, dict):
        return {of_cubes(key): of_cubes(each) for key, each in value.items()}
    if isinstance(value, list):
        return [of_cubes(each) for each in value]
    return CUBES.get(value, value)


def test_a_view_along_the_joins_that_cubes_would_take_gives_the_same_numbers(ask) -> None:
    draw = random.Random(7)
    compared = 0
    for _ in range(40):
        names = list(CUBES)
        query = {
            # Orders are among the needed cubes, so that the cubes' own root is the view's, too.
            "measures": ["sales.count", *draw.sample(names[1:5], draw.randint(0, 3))],
            "dimensions": draw.sample(names[5:], draw.randint(0, 3)),
            "filters": draw.sample(FILTERS, draw.randint(0, 3)),
        }
        query["order"] = dict.fromkeys(query["dimensions"], "asc")
        rows = ask(MODEL, **query)
        assert rows == ask(MODEL, **of_cubes(query)), query
        compared += len(rows)
    assert compared > 60


FACTS = """
cubes:
  - name: sold
    sql: >
      SELECT * FROM (VALUES (1, 1, 'web', 10), (2, 1, 'shop', 20), (3, 2, 'web', 40)) AS t (id, client, channel, amount)
    joins: [{name: clients, relationship: many_to_one, sql: "{CUBE}.client = {clients.id}"}]
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: channel, sql: channel, type: string}
    measures: [{name: total, type: sum, sql: amount}]
  - name: returned
    sql: SELECT * FROM (VALUES (1, 1, 1), (2, 1, 2), (3, 3, 4)) AS t (id, client, amount)
    joins: [{name: clients, relationship: many_to_one, sql: "{CUBE}.client = {clients.id}"}]
    dimensions: [{name: id, sql: id, type: number, primary_key: true}]
    measures: [{name: total, type: sum, sql: amount}]
  - name: clients
    sql: SELECT * FROM (VALUES (1, 'Rome'), (2, 'Oslo'), (3, 'Oslo')) AS t (id, city)
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: city, sql: city, type: string}
views:
  - name: metrics
    cubes:
      - {join_path: sold, prefix: true, includes: [total, channel]}
      - {join_path: returned, prefix: true, includes: [total]}
      - {join_path: clients, includes: [city]}
    measures: [{name: rate, type: number, sql: "1.0 * {returned_total} / {CUBE.sold_total}"}]
"""


def test_two_facts_of_a_view_meet_at_what_they_share(ask) -> None:
    rows = ask(
        FACTS,
        measures=["metrics.sold_total", "metrics.returned_total", "metrics.rate"],
        dimensions=["metrics.city"],
    )
    assert sorted([city, int(sold), int(returned), float(rate)] for city, sold, returned, rate in rows) == [
        ["Oslo", 40, 4, 0.1],
        ["Rome", 30, 3, 0.1],
    ]


def test_a_filter_on_one_fact_of_a_view_restricts_that_fact(ask) -> None:
    def totals(*filters: dict[str, object]) -> list[list[int]]:
        rows = ask(FACTS, measures=["metrics.sold_total", "metrics.returned_total"], filters=list(filters))
        return [[int(value) for value in row] for row in rows]

    web = {"member": "metrics.sold_channel", "operator": "equals", "values": ["web"]}
    oslo = {"member": "metrics.city", "operator": "equals", "values": ["Oslo"]}
    assert totals() == [[70, 7]]
    assert totals(web) == [[50, 7]]
    assert totals(oslo) == [[40, 4]]
    assert totals(web, oslo) == [[40, 4]]
