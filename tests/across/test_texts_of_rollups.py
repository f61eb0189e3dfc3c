"""Texts that a database takes for one and the store does not: rollups in the store answer as the tables do, or not."""

from __future__ import annotations

import shutil
from typing import Any

import pytest
from tests.across.beside import CUBE, ENGINES, Place, place

__all__ = ["place"]

STORED: dict[str, Any] = {"name": "by_city", "measures": ["count"], "dimensions": ["city", "paid"]}
BY_CITY: dict[str, Any] = {
    "measures": ["orders.count"],
    "dimensions": ["orders.city"],
    "order": {"orders.count": "desc", "orders.city": "asc"},
}
NAMED: dict[str, Any] = {
    "measures": ["orders.count"],
    "filters": [{"member": "orders.city", "operator": "equals", "values": ["ROME"]}],
}
FREE_OF_TEXTS: dict[str, Any] = {"measures": ["orders.count"], "dimensions": ["orders.paid"]}
FOLDING = {
    "mysql": "ALTER TABLE orders MODIFY city VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci",
    "mariadb": "ALTER TABLE orders MODIFY city VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci",
    "postgres": "ALTER TABLE orders ALTER city TYPE citext",
}
EXACT = {
    "mysql": "ALTER TABLE orders MODIFY city VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin",
    "mariadb": "ALTER TABLE orders MODIFY city VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin",
    "postgres": 'ALTER TABLE orders ALTER city TYPE VARCHAR(20) COLLATE "C"',
}
SERVERS = [pytest.param(name, marks=pytest.mark.engine(name)) for name in ENGINES[1:]]


def fold(place: Place, words: dict[str, str]) -> None:
    place.write_cubes({**CUBE, "pre_aggregations": [STORED]})
    if place.engine == "postgres":
        place.rows("CREATE EXTENSION IF NOT EXISTS citext")
    place.rows(words[place.engine])


@pytest.mark.parametrize("place", SERVERS, indirect=True)
def test_texts_that_are_one_in_the_database_are_compared_there(place: Place) -> None:
    fold(place, FOLDING)
    with place.open(rollup_store="none") as opened:
        assert opened.load(NAMED) == [{"orders.count": "2"}]  # Rome and rome
        expected = [opened.load(each) for each in (BY_CITY, FREE_OF_TEXTS)]
    with place.open() as opened:
        (named,) = opened.results(NAMED)
        (by_city,) = opened.results(BY_CITY)
        (free,) = opened.results(FREE_OF_TEXTS)
    assert named["data"] == [{"orders.count": "2"}]
    assert [row["orders.count"] for row in by_city["data"]] == [row["orders.count"] for row in expected[0]]
    assert "usedPreAggregations" not in named
    assert "usedPreAggregations" not in by_city
    assert free["data"] == expected[1]
    assert "usedPreAggregations" in free


@pytest.mark.parametrize("place", SERVERS, indirect=True)
def test_texts_that_are_compared_alike_are_compared_in_the_store(place: Place) -> None:
    fold(place, EXACT)
    with place.open(rollup_store="none") as opened:
        expected = [opened.load(each) for each in (NAMED, BY_CITY)]
    assert expected[0] == [{"orders.count": "0"}]
    with place.open() as opened:
        found = [opened.results(each)[0] for each in (NAMED, BY_CITY)]
    assert [each["data"] for each in found] == expected
    assert all("usedPreAggregations" in each for each in found)


@pytest.mark.parametrize("place", SERVERS, indirect=True)
def test_texts_of_newer_rows_are_compared_where_they_come_from(place: Place) -> None:
    stored = {**STORED, "time_dimension": "placed", "granularity": "day", "partition_granularity": "month"}
    live = {"name": "live", "type": "rollup_lambda", "rollups": ["by_city", "fresh_ones.by_city"]}
    fresh = {**CUBE, "name": "fresh_ones", "sql_table": "fresh", "pre_aggregations": [stored]}
    fold(place, EXACT)
    place.write_cubes({**CUBE, "pre_aggregations": [live, stored]}, fresh)
    place.rows("CREATE TABLE fresh AS SELECT * FROM orders")
    with place.open() as opened:
        (exact,) = opened.results(BY_CITY)
    assert [each["type"] for each in exact["usedPreAggregations"].values()] == ["rollup_lambda"]
    place.rows(FOLDING[place.engine].replace("orders", "fresh"))
    shutil.rmtree(place.project / ".cuboid")
    with place.open() as opened:
        (folded,) = opened.results(BY_CITY)
        (free,) = opened.results(FREE_OF_TEXTS)
    assert "usedPreAggregations" not in folded
    assert [each["type"] for each in free["usedPreAggregations"].values()] == ["rollup_lambda"]


@pytest.mark.engine("postgres")
@pytest.mark.parametrize("place", ["postgres"], indirect=True)
@pytest.mark.parametrize(
    ("made", "type", "folds"),
    [
        ("CREATE EXTENSION citext SCHEMA apart", "apart.citext", True),
        ("CREATE EXTENSION citext; CREATE DOMAIN apart.name AS citext", "apart.name", True),
        ("CREATE DOMAIN apart.name AS CHARACTER(20)", "apart.name", True),
        ("CREATE DOMAIN apart.name AS TEXT", "apart.name", False),
    ],
)
def test_a_type_folds_wherever_it_lies_and_whatever_it_is_made_of(
    place: Place, made: str, type: str, folds: bool
) -> None:
    place.write_cubes({**CUBE, "pre_aggregations": [STORED]})
    place.rows(
        "CREATE SCHEMA apart",
        *made.split("; "),
        f"ALTER TABLE orders ALTER city TYPE {type}",
    )
    with place.open() as opened:
        (named,) = opened.results(NAMED)
    assert ("usedPreAggregations" not in named) is folds


@pytest.mark.parametrize("place", SERVERS, indirect=True)
def test_a_table_without_rows_says_nothing_of_its_texts(place: Place) -> None:
    fold(place, FOLDING)
    told = {**STORED, "refresh_key": {"sql": "SELECT COUNT(*) FROM orders", "every": "1 second"}}
    place.write_cubes({**CUBE, "pre_aggregations": [told]})
    place.rows("CREATE TABLE spare AS SELECT * FROM orders", "DELETE FROM orders")
    with place.open() as opened:
        assert opened.load(FREE_OF_TEXTS) == []
        place.rows("INSERT INTO orders SELECT * FROM spare")
        while not opened.load({**FREE_OF_TEXTS, "cache": "must-revalidate"}):
            pass
        assert opened.load(NAMED) == [{"orders.count": "2"}]


@pytest.mark.parametrize("place", ["duckdb"], indirect=True)
@pytest.mark.parametrize(
    ("collation", "value", "count"),
    [
        ("NOCASE", "ROME", "2"),
        ("NOACCENT", "Zurich", "1"),
        ("NFC", "Zu\u0308rich", "1"),
        ("POSIX", "ROME", "0"),
    ],
)
def test_a_column_of_a_file_may_have_a_collation(
    place: Place, collation: str, value: str, count: str
) -> None:
    place.write_cubes({**CUBE, "pre_aggregations": [STORED]})
    place.rows(
        f"CREATE TABLE spare (id INT, city VARCHAR COLLATE {collation}, placed TIMESTAMP, amount INT, paid BOOLEAN)",
        "INSERT INTO spare SELECT * FROM orders",
        "DROP TABLE orders",
        "ALTER TABLE spare RENAME TO orders",
    )
    query = {**NAMED, "filters": [{**NAMED["filters"][0], "values": [value]}]}
    with place.open(rollup_store="none") as opened:
        assert opened.load(query) == [{"orders.count": count}]
    with place.open() as opened:
        (found,) = opened.results(query)
    assert found["data"] == [{"orders.count": count}]
    assert ("usedPreAggregations" in found) is (collation == "POSIX")
