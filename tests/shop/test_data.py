"""The generator's promises: enough rows, always the same ones, with everything that real data has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import duckdb
import pytest

TABLES = ("suppliers", "products", "users", "orders", "line_items", "returns", "reviews")


@pytest.fixture(scope="module")
def full(
    generator: ModuleType, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The data as ``make demo`` writes it."""
    file = tmp_path_factory.mktemp("full") / "shop.duckdb"
    list(generator.write(file, generator.DEFAULT_ORDERS))
    with duckdb.connect(str(file), read_only=True) as connection:
        yield connection


def number(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = connection.execute(sql).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        ("users", 20_000),
        ("products", 1_000),
        ("orders", 200_000),
        ("line_items", 600_000),
        ("returns", 20_000),
    ],
)
def test_the_demo_has_enough_rows(full: duckdb.DuckDBPyConnection, table: str, rows: int) -> None:
    assert number(full, f"SELECT count(*) FROM {table}") >= rows


def test_orders_span_three_years_with_days_without_any(full: duckdb.DuckDBPyConnection) -> None:
    days = number(full, "SELECT count(DISTINCT created_at::DATE) FROM orders")
    assert number(full, "SELECT max(created_at::DATE) - min(created_at::DATE) FROM orders") > 1090
    assert 1000 < days < 1080
    assert number(full, "SELECT count(*) FROM orders WHERE created_at::DATE = DATE '2024-12-25'") == 0


@pytest.mark.parametrize(
    "broken",
    [
        "SELECT count(*) FROM orders WHERE user_id NOT IN (SELECT id FROM users)",
        "SELECT count(*) FROM line_items WHERE product_id NOT IN (SELECT id FROM products)",
        "SELECT count(*) FROM products WHERE supplier_id NOT IN (SELECT id FROM suppliers)",
        "SELECT count(*) FROM returns WHERE order_id NOT IN (SELECT id FROM orders)",
    ],
)
def test_some_foreign_keys_lead_nowhere(full: duckdb.DuckDBPyConnection, broken: str) -> None:
    assert number(full, broken) > 0


COLUMNS = {
    "users": ["city", "age", "country", "newsletter", "referred_by"],
    "orders": ["user_id", "channel", "is_gift", "shipped_at"],
    "line_items": ["product_id", "discount"],
    "products": ["category", "discontinued"],
    "returns": ["reason", "refund"],
    "reviews": ["product_id", "user_id", "rating", "verified"],
}


@pytest.mark.parametrize(("table", "column"), [(table, each) for table in COLUMNS for each in COLUMNS[table]])
def test_columns_have_nulls_and_values(full: duckdb.DuckDBPyConnection, table: str, column: str) -> None:
    assert (
        0
        < number(full, f"SELECT count({column}) FROM {table}")
        < number(full, f"SELECT count(*) FROM {table}")
    )


def test_some_orders_have_no_lines(full: duckdb.DuckDBPyConnection) -> None:
    assert number(full, "SELECT count(*) FROM orders WHERE id NOT IN (SELECT order_id FROM line_items)") > 0


def test_the_rows_are_the_same_every_time(generator: ModuleType, tmp_path: Path) -> None:
    contents = []
    for name in ("first", "second"):
        list(generator.write(tmp_path / f"{name}.duckdb", 1000))
        with duckdb.connect(str(tmp_path / f"{name}.duckdb"), read_only=True) as connection:
            contents.append([connection.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES])
    assert contents[0] == contents[1]


def test_the_random_numbers_are_those_of_the_hash_and_not_of_the_machine(
    full: duckdb.DuckDBPyConnection, generator: ModuleType
) -> None:
    def mix(x: int) -> int:
        return ((x ^ (x >> 16)) * 73244475) & 0xFFFFFFFF

    def random_at(n: int, salt: int) -> int:
        return mix(mix(mix((n * 668265263 + salt * 374761393) & 0xFFFFFFFF)))

    statuses = ["completed"] * 4 + ["shipped", "processing", "cancelled"]
    expected = [(n, statuses[random_at(n, 62) % 7]) for n in range(1, 1001)]
    assert full.execute("SELECT id, status FROM orders WHERE id <= 1000 ORDER BY id").fetchall() == expected


def test_current_data_is_left_alone(generator: ModuleType, tmp_path: Path) -> None:
    arguments = ["--output", str(tmp_path / "shop.duckdb"), "--orders", "200"]
    assert generator.main(arguments) == 0
    before = (tmp_path / "shop.duckdb").stat().st_mtime_ns
    assert generator.main(arguments) == 0
    assert (tmp_path / "shop.duckdb").stat().st_mtime_ns == before
    assert generator.main([*arguments[:2], "--orders", "300"]) == 0
    assert (tmp_path / "shop.duckdb").stat().st_mtime_ns != before


def test_an_interrupted_run_leaves_nothing_half_done(generator: ModuleType, tmp_path: Path) -> None:
    unfinished = generator.write(tmp_path / "shop.duckdb", 200)
    for step in unfinished:
        if step == "orders":
            break
    unfinished.close()
    assert list(tmp_path.iterdir()) == []
