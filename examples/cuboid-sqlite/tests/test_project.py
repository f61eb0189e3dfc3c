"""The driver in a project: what it was written for."""

import sqlite3

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
