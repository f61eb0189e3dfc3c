"""Written join paths, columns of one name in two cubes, time in all its kinds: small worlds, hand-computed."""

from __future__ import annotations

import pytest

from cuboid.errors import UnsupportedFeature

# Order 1 is billed in city 1 and shipped to city 2.
ROLES = """
cubes:
  - name: orders
    sql: SELECT 1 AS id, 1 AS bill_id, 2 AS ship_id
    joins:
      - {name: bills, relationship: many_to_one, sql: "{CUBE}.bill_id = {bills.id}"}
      - {name: ships, relationship: many_to_one, sql: "{CUBE}.ship_id = {ships.id}"}
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: shipped_to, sql: "{ships.cities.name}", type: string}
      - {name: billed_to, sql: "{bills.cities.name}", type: string}
    measures: [{name: count, type: count}]
  - name: bills
    sql: SELECT 1 AS id, 1 AS city_id
    joins: [{name: cities, relationship: many_to_one, sql: "{CUBE}.city_id = {cities.id}"}]
    dimensions: [{name: id, sql: id, type: number, primary_key: true}]
  - name: ships
    sql: SELECT 2 AS id, 2 AS city_id
    joins: [{name: cities, relationship: many_to_one, sql: "{CUBE}.city_id = {cities.id}"}]
    dimensions: [{name: id, sql: id, type: number, primary_key: true}]
  - name: cities
    sql: SELECT * FROM (VALUES (1, 'Bonn'), (2, 'Oslo')) AS t (id, name)
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: name, sql: name, type: string}
"""


def test_a_written_path_decides_the_role(ask) -> None:
    assert ask(ROLES, dimensions=["orders.shipped_to"]) == [["Oslo"]]
    assert ask(ROLES, dimensions=["orders.billed_to"]) == [["Bonn"]]


# Parents and children have a column of one name; parent 1 (weight 10) has two children (weights 1 and 2).
NAMESAKES = """
cubes:
  - name: parents
    sql: SELECT 1 AS id, 10 AS weight
    joins: [{name: children, relationship: one_to_many, sql: "{CUBE.id} = {children}.parent_id"}]
    dimensions: [{name: id, sql: id, type: number, primary_key: true}, {name: weight, sql: weight, type: number}]
    measures:
      - {name: heft, type: number, sql: "sum({CUBE}.weight) + max({CUBE}.weight)"}
      - {name: count, type: count}
      - {name: mixed, type: number, sql: "sum({CUBE}.weight) / {children.total}"}
  - name: children
    sql: SELECT * FROM (VALUES (1, 1, 1), (2, 1, 2)) AS t (id, parent_id, weight)
    dimensions: [{name: id, sql: id, type: number, primary_key: true}, {name: weight, sql: weight, type: number}]
    measures: [{name: total, type: sum, sql: weight}]
"""


def test_columns_of_one_name_are_told_apart_where_rows_repeat(ask) -> None:
    rows = ask(
        NAMESAKES,
        dimensions=["children.weight"],
        measures=["parents.heft", "parents.count"],
        order={"children.weight": "asc"},
    )
    assert rows == [["1", "20", "1"], ["2", "20", "1"]]


def test_an_own_aggregate_beside_a_measure_of_another_cube_is_refused(ask) -> None:
    with pytest.raises(UnsupportedFeature, match="mixes its own aggregate"):
        ask(NAMESAKES, measures=["parents.mixed"])


# 2024-12-31T23:30Z is 2025-01-01 00:30 in Berlin; the date is 2025-01-01 anywhere.
TIMES = """
cubes:
  - name: events
    sql: SELECT 1 AS id, TIMESTAMP '2024-12-31 23:30:00' AS at, DATE '2025-01-01' AS day
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: at, sql: at, type: time}
      - {name: day, sql: day, type: time, time_kind: date}
      - {name: at_year, sql: "CAST({at.year} AS VARCHAR)", type: string}
    measures:
      - {name: count, type: count}
      - {name: last, type: time, sql: "max({at})"}
      - {name: last_day, type: time, sql: "max({day})"}
      - {name: same_day, type: time, sql: "{last_day}"}
"""


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("Europe/Berlin", ["2025-01-01T00:30:00.000", "2025-01-01T00:00:00.000"]),
        ("America/New_York", ["2024-12-31T18:30:00.000", "2025-01-01T00:00:00.000"]),
    ],
)
def test_time_measures_are_moved_by_the_zone_only_if_they_are_no_dates(
    ask, zone: str, expected: list[str]
) -> None:
    assert ask(TIMES, measures=["events.last", "events.last_day"], timezone=zone) == [expected]
    assert ask(TIMES, measures=["events.same_day"], timezone=zone) == [expected[1:]]


@pytest.mark.parametrize(("zone", "year"), [("Europe/Berlin", "2025"), ("UTC", "2024")])
def test_a_granularity_inside_a_dimension_is_the_zones(ask, zone: str, year: str) -> None:
    assert ask(TIMES, dimensions=["events.at_year"], timezone=zone) == [[f"{year}-01-01 00:00:00"]]


@pytest.mark.parametrize(("day", "rows"), [("2025-01-01", 1), ("2024-12-31", 0)])
def test_a_time_dimension_beside_a_measure_in_one_or_is_compared_on_the_wall_clock(
    ask, day: str, rows: int
) -> None:
    either = [
        {"member": "events.count", "operator": "gt", "values": ["5"]},
        {"member": "events.at", "operator": "inDateRange", "values": [day, day]},
    ]
    found = ask(
        TIMES,
        dimensions=["events.at"],
        measures=["events.count"],
        filters=[{"or": either}],
        timezone="Europe/Berlin",
    )
    assert len(found) == rows
