"""The driver in a project: what it was written for."""

import asyncio
import sqlite3

from cuboid_sqlite.driver import SQLiteDriver

import cuboid

MODEL = """
cubes:
  - name: orders
    sql_table: orders
    measures:
      - {name: count, type: count}
      - {name: amount, sql: amount, type: sum}
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: created_at, sql: created_at, type: time}
"""


def test_a_project_is_answered_from_a_file(tmp_path):
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        connection.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, amount REAL, created_at TEXT)")
        rows = [(1, 2.5, "2024-03-30 23:30:00"), (2, 4, "2024-03-31 22:30:00"), (3, None, None)]
        connection.executemany("INSERT INTO orders VALUES (?, ?, ?)", rows)
    connection.close()
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "orders.yml").write_text(MODEL)
    (tmp_path / "cuboid.yml").write_text("data_sources: {default: {driver: sqlite, database: shop.db}}\n")
    day = {"dimension": "orders.created_at", "granularity": "day"}
    query = {
        "measures": ["orders.count", "orders.amount"],
        "timeDimensions": [day],
        "timezone": "Europe/Berlin",
    }
    with cuboid.open(tmp_path) as project:
        answer = project.load(query)
    names = ("orders.created_at.day", "orders.count", "orders.amount")
    assert [tuple(row[name] for name in names) for row in answer] == [
        ("2024-03-31T00:00:00.000", "1", "2.5"),
        ("2024-04-01T00:00:00.000", "1", "4"),
        (None, "1", None),
    ]


def test_its_tables_are_listed_with_their_keys(tmp_path):
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE users (id INTEGER PRIMARY KEY, name VARCHAR(20), joined DATETIME)")
        connection.execute(
            "CREATE TABLE orders (id INTEGER, buyer INTEGER REFERENCES users (id), gift BOOLEAN)"
        )
    connection.close()

    async def listed():
        driver = SQLiteDriver(SQLiteDriver.Config(database=str(path)))
        await driver.open()
        try:
            return await driver.introspect()
        finally:
            await driver.close()

    orders, users = asyncio.run(listed())
    assert [(column.name, column.type, column.primary_key) for column in users.columns] == [
        ("id", "number", True),
        ("name", "string", False),
        ("joined", "time", False),
    ]
    assert [(column.name, column.type) for column in orders.columns][1:] == [
        ("buyer", "number"),
        ("gift", "boolean"),
    ]
    assert orders.foreign_keys == (cuboid.ForeignKeyInfo(("buyer",), "users", ("id",)),)
