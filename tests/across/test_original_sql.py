"""The rows of a cube's SQL that are kept as they are (``original_sql``), on each engine that can."""

from __future__ import annotations

from typing import Any

import pytest
from tests.across.beside import CUBE, ENGINES, Place, build, folded, place
from tests.across.test_rollups_in_sources import MEASURES, QUERIES

__all__ = ["place"]

ORIGINAL: dict[str, Any] = {"name": "rows", "type": "original_sql", "refresh_key": {"every": "1 day"}}
PARTS = {"time_dimension": "placed", "granularity": "day", "partition_granularity": "month"}
SQL = "SELECT o.*, amount * 2 AS twice FROM orders o WHERE amount > 2"
DAILY: dict[str, Any] = {**CUBE["pre_aggregations"][0], "use_original_sql_pre_aggregations": True}
ROWS_THEMSELVES: dict[str, Any] = {
    "dimensions": ["orders.city", "orders.paid", "orders.placed", "orders.twice"],
    "ungrouped": True,
    "order": {"orders.twice": "asc"},
    "timezone": "America/New_York",
}


def cube(*rollups: dict[str, Any]) -> dict[str, Any]:
    """Orders as a SELECT with a column of its own."""
    found = {key: value for key, value in CUBE.items() if key != "sql_table"}
    dimensions = [*CUBE["dimensions"], {"name": "twice", "sql": "{CUBE}.twice", "type": "number"}]
    return found | {"sql": SQL, "dimensions": dimensions, "pre_aggregations": list(rollups)}


def used(result: dict[str, Any]) -> list[str]:
    return [each["preAggregationId"] for each in result.get("usedPreAggregations", {}).values()]


@pytest.mark.parametrize("parts", [{}, PARTS], ids=["whole", "in-parts"])
def test_the_rows_of_a_cubes_sql_take_its_place(place: Place, parts: dict[str, Any]) -> None:
    asked = [*QUERIES, ROWS_THEMSELVES]
    place.write_cubes(cube({**ORIGINAL, **parts}))
    with place.open(rollup_store="none") as opened:
        expected = [opened.load(each) for each in asked]
    assert expected[0][0]["orders.count"] == "5"  # one order is too small for the cube's SQL
    with place.open() as opened:
        for query, rows in zip(asked, expected, strict=True):
            (result,) = opened.results(query)
            assert used(result) == ["orders.rows"]
            assert result["external"] is False
            assert folded(result["data"]) == folded(rows), query
    assert len(place.tables()) == (4 if parts else 1)
    place.rows("DROP TABLE orders")
    with place.open() as opened:
        assert folded([opened.load(each) for each in asked]) == folded(expected)


@pytest.mark.parametrize("external", [True, False], ids=["to-the-store", "to-the-database"])
def test_a_rollup_is_made_of_the_rows_that_are_kept(place: Place, external: bool) -> None:
    place.write_cubes(cube(ORIGINAL, {**DAILY, "external": external, "measures": ["count", "total"]}))
    asked = [{**each, "measures": MEASURES[:3]} for each in QUERIES]
    if external:  # the store tells Rome from rome
        asked = [each for each in asked if "city" not in str(each)]
    with place.open(rollup_store="none") as opened:
        expected = [opened.load(each) for each in asked]
    place.write_cubes(cube(ORIGINAL))
    with place.open() as opened:
        opened.load(asked[0])
    # What is not yet among the rows that are kept is in no rollup that is made of them.
    place.rows("INSERT INTO orders VALUES (9, 'Oslo', '2024-02-02 00:00:00', 900, NULL)")
    place.write_cubes(cube(ORIGINAL, {**DAILY, "external": external, "measures": ["count", "total"]}))
    with place.open() as opened:
        for query, rows in zip(asked, expected, strict=True):
            (result,) = opened.results(query)
            assert used(result) == ["orders.daily"]
            assert folded(result["data"]) == folded(rows), query


@pytest.mark.parametrize(
    "place", [pytest.param(name, marks=pytest.mark.engine(name)) for name in ENGINES[1:]], indirect=True
)
def test_what_is_joined_with_them_is_as_fresh_as_ever(place: Place) -> None:
    users = {
        "name": "cities",
        "sql_table": "cities",
        "refresh_key": {"sql": "SELECT COUNT(*) FROM cities", "every": "1 second"},
        "dimensions": [
            {"name": "name", "sql": "name", "type": "string", "primary_key": True, "public": True},
            {"name": "land", "sql": "land", "type": "string"},
        ],
    }
    joins = [{"name": "cities", "relationship": "many_to_one", "sql": "{CUBE}.city = {cities}.name"}]
    place.write_cubes({**cube(ORIGINAL), "joins": joins}, users)
    place.rows("CREATE TABLE cities (name VARCHAR(20), land VARCHAR(20))")
    query = {
        "measures": ["orders.count"],
        "dimensions": ["cities.land"],
        "filters": [{"member": "cities.land", "operator": "set"}],
        "cache": "must-revalidate",
    }
    with place.open() as opened:
        assert opened.load(query) == []
        for statement in (
            "INSERT INTO orders VALUES (9, 'Oslo', '2024-02-02 00:00:00', 900, NULL)",
            "INSERT INTO cities VALUES ('Oslo', 'Norway'), ('Zürich', 'Switzerland')",
        ):
            place.rows(statement)
        while not (found := opened.load(query)):
            pass
    assert found == [{"cities.land": "Switzerland", "orders.count": "1"}]


def test_it_is_built_once_for_all_zones_and_told_why_it_is_not_used(place: Place) -> None:
    place.write_cubes(cube(ORIGINAL, {**ORIGINAL, "name": "again"}, {**DAILY, "external": False}))
    said = build(place, "--zone", "UTC", "--zone", "Asia/Tokyo")
    assert said.count("orders.rows (UTC): ") >= 1
    assert "orders.rows (Asia" not in said
    assert len(place.tables()) == 1 + 2 * 4
    with place.open() as opened:
        (told,) = opened.explain({"measures": ["orders.count"]})["explanations"]
        reasons = {each["rollup"]: each["reason"] for each in told["rollups"]}
    assert reasons == {
        "orders.rows": "rollups answer",
        "orders.again": "the rows of 'orders' are stored by 'orders.rows' already",
        "orders.daily": None,
    }


def test_sql_that_differs_from_query_to_query_is_not_kept(place: Place) -> None:
    filtered = cube(ORIGINAL) | {
        "sql": "SELECT o.*, amount AS twice FROM orders o WHERE {FILTER_PARAMS.orders.id.filter('id')}"
    }
    place.write_cubes(filtered)
    with place.open() as opened:
        (result,) = opened.results(QUERIES[0])
        (told,) = opened.explain(QUERIES[0])["explanations"]
    assert used(result) == []
    assert "differs from query to query" in told["rollups"][0]["reason"]
