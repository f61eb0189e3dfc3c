"""A small project with a rollup in parts."""

from __future__ import annotations

from pathlib import Path

import duckdb
import yaml

MODEL = {
    "cubes": [
        {
            "name": "orders",
            "sql_table": "orders",
            "measures": [
                {"name": "count", "type": "count"},
                {"name": "total", "sql": "amount", "type": "sum"},
                {"name": "largest", "sql": "amount", "type": "max"},
            ],
            "dimensions": [
                {"name": "id", "sql": "id", "type": "number", "primary_key": True},
                {"name": "city", "sql": "city", "type": "string"},
                {"name": "placed", "sql": "placed", "type": "time"},
            ],
            "pre_aggregations": [
                {
                    "name": "monthly",
                    "measures": ["count", "total", "largest"],
                    "dimensions": ["city"],
                    "time_dimension": "placed",
                    "granularity": "day",
                    "partition_granularity": "month",
                    "refresh_key": {"every": "1 day", "incremental": True},
                },
            ],
        }
    ]
}
TABLE = """
CREATE TABLE orders AS
SELECT i AS id, CASE WHEN i % 7 > 0 THEN 'city ' || i % 5 END AS city,
       CASE WHEN i % 11 > 0 THEN TIMESTAMP '2023-01-01' + to_hours(i::INT) END AS placed,
       (i % 1000 / 7)::DECIMAL(10, 2) AS amount
FROM range({rows}) t(i)
"""


def make_project(folder: Path) -> Path:
    """The project with 5,000 orders: one an hour from New Year 2023, into July."""
    (folder / "model").mkdir()
    (folder / "model" / "orders.yml").write_text(yaml.safe_dump(MODEL))
    (folder / "cuboid.yml").write_text("data_sources:\n  default: {driver: duckdb, database: shop.duckdb}\n")
    fill(folder, 5000)
    return folder


def fill(project: Path, rows: int) -> None:
    """Orders anew."""
    with duckdb.connect(str(project / "shop.duckdb")) as connection:
        connection.execute("DROP TABLE IF EXISTS orders")
        connection.execute(TABLE.format(rows=rows))
