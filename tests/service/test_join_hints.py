"""``joinHints`` choose between paths to a cube (semantics, 1.9)."""

from __future__ import annotations

import pytest

from cuboid.errors import InvalidQuery, NoJoinPath

# An order is sold by a shop in Rome and bought by a person in Oslo.
MODEL = """
cubes:
  - name: orders
    sql: SELECT 1 AS id, 1 AS shop_id, 2 AS person_id
    joins:
      - {name: shops, relationship: many_to_one, sql: "{CUBE}.shop_id = {shops.id}"}
      - {name: people, relationship: many_to_one, sql: "{CUBE}.person_id = {people.id}"}
    dimensions: [{name: id, sql: id, type: number, primary_key: true}]
    measures: [{name: count, type: count}]
  - name: shops
    sql: SELECT 1 AS id, 1 AS city_id
    joins: [{name: cities, relationship: many_to_one, sql: "{CUBE}.city_id = {cities.id}"}]
    dimensions: [{name: id, sql: id, type: number, primary_key: true}]
    measures: [{name: count, type: count}]
  - name: people
    sql: SELECT 2 AS id, 2 AS city_id
    joins: [{name: cities, relationship: many_to_one, sql: "{CUBE}.city_id = {cities.id}"}]
    dimensions: [{name: id, sql: id, type: number, primary_key: true}]
  - name: cities
    sql: SELECT 1 AS id, 'Rome' AS name UNION ALL SELECT 2, 'Oslo'
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: name, sql: name, type: string}
views:
  - name: sold
    cubes:
      - {join_path: orders, includes: [count]}
      - {join_path: orders.shops.cities, includes: [name]}
"""

BY_CITY = {"dimensions": ["cities.name"], "measures": ["orders.count"]}


def test_a_hint_chooses_between_equal_paths(ask) -> None:
    assert ask(MODEL, **BY_CITY) == [["Rome", "1"]]
    assert ask(MODEL, **BY_CITY, joinHints=[["orders", "people", "cities"]]) == [["Oslo", "1"]]
    assert ask(MODEL, **BY_CITY, joinHints=[["people", "cities"]]) == [["Oslo", "1"]]
    assert ask(MODEL, **BY_CITY, joinHints=[["orders", "shops", "cities"]]) == [["Rome", "1"]]


def test_a_hint_joins_nothing_that_is_not_needed(ask) -> None:
    names = {"dimensions": ["cities.name"], "order": [["cities.name", "asc"]]}
    assert ask(MODEL, **names, joinHints=[["orders", "people", "cities"]]) == [["Oslo"], ["Rome"]]
    assert ask(MODEL, measures=["orders.count"], joinHints=[["people"], []]) == [["1"]]


def test_a_view_s_path_is_binding(ask) -> None:
    query = {"dimensions": ["sold.name"], "measures": ["sold.count"]}
    assert ask(MODEL, **query) == [["Rome", "1"]]
    with pytest.raises(NoJoinPath) as refused:
        ask(MODEL, **query, joinHints=[["people", "cities"]])
    assert "reaches 'cities' by two paths" in str(refused.value.hint)


def test_a_hint_that_leaves_no_path_is_named_in_the_error(ask) -> None:
    with pytest.raises(NoJoinPath) as refused:
        ask(MODEL, dimensions=["cities.name"], measures=["shops.count"], joinHints=[["people", "cities"]])
    assert "joinHints join 'cities' from 'people'" in str(refused.value.hint)


def test_a_hint_is_a_path_of_the_model(ask) -> None:
    with pytest.raises(InvalidQuery, match="There is no cube 'peple'") as refused:
        ask(MODEL, **BY_CITY, joinHints=[["orders", "peple"]])
    assert refused.value.hint == "Did you mean 'people'?"
    with pytest.raises(InvalidQuery, match="'cities' declares no join to 'shops'"):
        ask(MODEL, **BY_CITY, joinHints=[["cities", "shops"]])
    with pytest.raises(InvalidQuery, match="There is no cube 'sold'"):
        ask(MODEL, **BY_CITY, joinHints=[["sold"]])
