"""Generated SQL beside the best that we can write by hand: ten questions over a million orders, on each engine.

    python benchmarks/by_hand.py [--orders 1000000] [--rounds 3] [duckdb postgres mysql clickhouse]

The servers are those of the tests. Both statements go through the engine's driver and must tell the same rows.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from measure import Row, report

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

MODEL = """
cubes:
  - name: orders
    sql_table: orders
    joins:
      - {name: users, relationship: many_to_one, sql: "{CUBE}.user_id = {users.id}"}
      - {name: line_items, relationship: one_to_many, sql: "{CUBE}.id = {line_items.order_id}"}
    measures:
      - {name: count, type: count}
      - {name: amount, type: sum, sql: amount}
      - {name: buyers, type: count_distinct, sql: user_id}
      - {name: last_30_days, type: sum, sql: amount, rolling_window: {trailing: 30 day}}
      - {name: so_far, type: sum, sql: amount, rolling_window: {trailing: unbounded}}
      - {name: year_before, type: number, sql: "{amount}", multi_stage: true,
         time_shift: [{interval: 1 year, type: prior}]}
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: status, sql: status, type: string}
      - {name: at, sql: placed, type: time}
  - name: line_items
    sql_table: line_items
    joins:
      - {name: orders, relationship: many_to_one, sql: "{CUBE}.order_id = {orders.id}"}
      - {name: products, relationship: many_to_one, sql: "{CUBE}.product_id = {products.id}"}
    measures: [{name: revenue, type: sum, sql: price}]
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: order_id, sql: order_id, type: number}
  - name: users
    sql_table: users
    measures: [{name: count, type: count}]
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: country, sql: country, type: string}
  - name: products
    sql_table: products
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: category, sql: category, type: string}
      - {name: name, sql: name, type: string}
"""
TABLES: Mapping[str, Mapping[str, str]] = {
    "users": {"id": "integer", "country": "text"},
    "products": {"id": "integer", "category": "text", "name": "text"},
    "orders": {
        "id": "integer",
        "user_id": "integer",
        "status": "text",
        "amount": "decimal(12,2)",
        "placed": "timestamp",
    },
    "line_items": {"id": "integer", "order_id": "integer", "product_id": "integer", "price": "decimal(12,2)"},
}
INDEXES = (
    *(f"ALTER TABLE {table} ADD PRIMARY KEY (id)" for table in TABLES),
    "CREATE INDEX orders_user ON orders (user_id)",
    "CREATE INDEX orders_placed ON orders (placed)",
    "CREATE INDEX line_items_order ON line_items (order_id)",
    "CREATE INDEX line_items_product ON line_items (product_id)",
)
"""For the engines that live by them."""

TRUNC: Mapping[str, Mapping[str, str]] = {
    "duckdb": {"month": "date_trunc('month', {})", "day": "date_trunc('day', {})"},
    "postgres": {"month": "date_trunc('month', {})", "day": "date_trunc('day', {})"},
    "mysql": {
        "month": "CAST(DATE_FORMAT({}, '%%Y-%%m-01') AS DATETIME)",
        "day": "CAST(DATE({}) AS DATETIME)",
    },
    "clickhouse": {"month": "toStartOfMonth({})", "day": "toStartOfDay({})"},
}
YEAR = ["2024-01-01", "2024-12-31"]
IN_YEAR = "placed >= '2024-01-01' AND placed < '2025-01-01'"


@dataclass(frozen=True, slots=True)
class Question:
    """A query, and the statement by hand: ``{month}`` and ``{day}`` stand for the month and day of an order."""

    title: str
    query: Mapping[str, Any]
    by_hand: str


def by_time(granularity: str, range: Sequence[str] = YEAR) -> list[dict[str, Any]]:
    return [{"dimension": "orders.at", "granularity": granularity, "dateRange": list(range)}]


QUESTIONS = (
    Question(
        "fan-out: orders' amounts by the categories in them",
        {"measures": ["orders.amount"], "dimensions": ["products.category"]},
        "SELECT category, sum(amount) FROM (SELECT DISTINCT p.category, o.id, o.amount FROM line_items l "
        "JOIN orders o ON o.id = l.order_id JOIN products p ON p.id = l.product_id) d GROUP BY 1",
    ),
    Question(
        "chasm: orders and revenue by country",
        {"measures": ["orders.count", "line_items.revenue"], "dimensions": ["users.country"]},
        "SELECT a.country, n, revenue FROM (SELECT u.country, count(*) AS n FROM orders o "
        "JOIN users u ON u.id = o.user_id GROUP BY 1) a JOIN (SELECT u.country, sum(l.price) AS revenue "
        "FROM line_items l JOIN orders o ON o.id = l.order_id JOIN users u ON u.id = o.user_id GROUP BY 1) b "
        "ON a.country = b.country",
    ),
    Question(
        "rolling window: the last 30 days, each day of a quarter",
        {"measures": ["orders.last_30_days"], "timeDimensions": by_time("day", ["2024-04-01", "2024-06-30"])},
        "SELECT day, total FROM (SELECT day, sum(amount) OVER (ORDER BY day ROWS BETWEEN 29 PRECEDING AND CURRENT ROW) "
        "AS total FROM (SELECT {day} AS day, sum(amount) AS amount FROM orders WHERE placed >= '2024-03-03' "
        "AND placed < '2024-07-01' GROUP BY 1) d) w WHERE day >= '2024-04-01'",
    ),
    Question(
        "distinct: buyers by month",
        {"measures": ["orders.buyers"], "timeDimensions": by_time("month")},
        f"SELECT {{month}}, count(DISTINCT user_id) FROM orders WHERE {IN_YEAR} GROUP BY 1",
    ),
    Question(
        "top 10 products by revenue",
        {
            "measures": ["line_items.revenue"],
            "dimensions": ["products.name"],
            "order": {"line_items.revenue": "desc"},
            "limit": 10,
        },
        "SELECT p.name, sum(l.price) FROM line_items l JOIN products p ON p.id = l.product_id GROUP BY 1 "
        "ORDER BY 2 DESC LIMIT 10",
    ),
    Question(
        "series: amount by month and status",
        {"measures": ["orders.amount"], "dimensions": ["orders.status"], "timeDimensions": by_time("month")},
        f"SELECT status, {{month}}, sum(amount) FROM orders WHERE {IN_YEAR} GROUP BY 1, 2",
    ),
    Question(
        "filter on a joined table",
        {
            "measures": ["orders.amount"],
            "dimensions": ["orders.status"],
            "filters": [{"member": "users.country", "operator": "equals", "values": ["country 7"]}],
        },
        "SELECT o.status, sum(o.amount) FROM orders o JOIN users u ON u.id = o.user_id WHERE u.country = 'country 7' "
        "GROUP BY 1",
    ),
    Question(
        "groups above a threshold",
        {
            "measures": ["orders.count"],
            "dimensions": ["users.country"],
            "filters": [{"member": "orders.count", "operator": "gt", "values": ["20000"]}],
        },
        "SELECT u.country, count(*) FROM orders o JOIN users u ON u.id = o.user_id GROUP BY 1 "
        "HAVING count(*) > 20000",
    ),
    Question(
        "running total by month",
        {"measures": ["orders.so_far"], "timeDimensions": by_time("month")},
        "SELECT month, total FROM (SELECT month, sum(amount) OVER (ORDER BY month) AS total FROM "
        "(SELECT {month} AS month, sum(amount) AS amount FROM orders WHERE placed < '2025-01-01' GROUP BY 1) d) w "
        "WHERE month >= '2024-01-01'",
    ),
    Question(
        "a year before, by month",
        {"measures": ["orders.amount", "orders.year_before"], "timeDimensions": by_time("month")},
        "SELECT month, amount, earlier FROM (SELECT month, amount, lag(amount, 12) OVER (ORDER BY month) AS earlier "
        "FROM (SELECT {month} AS month, sum(amount) AS amount FROM orders WHERE placed >= '2023-01-01' "
        "AND placed < '2025-01-01' GROUP BY 1) d) w WHERE month >= '2024-01-01'",
    ),
)


def tables(orders: int) -> Iterator[tuple[str, Iterator[Sequence[Any]]]]:
    """The rows of each table, the same every time: three years of orders with three items each."""
    pick = random.Random(7)
    users, products = max(orders // 10, 50), 1000
    began, seconds = datetime(2022, 1, 1), 3 * 365 * 86400
    yield "users", ((number, f"country {number % 50}") for number in range(users))
    yield "products", ((number, f"category {number % 20}", f"product {number}") for number in range(products))
    yield (
        "orders",
        (
            (
                number,
                pick.randrange(users),
                pick.choice(("new", "paid", "sent", "returned")),
                f"{pick.randrange(100, 100_000) / 100:.2f}",
                began + timedelta(seconds=pick.randrange(seconds)),
            )
            for number in range(orders)
        ),
    )
    yield (
        "line_items",
        (
            (number, number // 3, pick.randrange(products), f"{pick.randrange(100, 30_000) / 100:.2f}")
            for number in range(3 * orders)
        ),
    )


def fill_duckdb(path: Path, orders: int) -> None:
    import duckdb
    from tests.engines.admin import tab_separated

    types = {"integer": "BIGINT", "text": "VARCHAR", "timestamp": "TIMESTAMP"}
    with duckdb.connect(str(path)) as connection, tempfile.NamedTemporaryFile() as file:
        for table, rows in tables(orders):
            columns = ", ".join(f"{name} {types.get(type, type)}" for name, type in TABLES[table].items())
            connection.execute(f"CREATE TABLE {table} ({columns}, PRIMARY KEY (id))")
            file.truncate(0)
            file.seek(0)
            file.writelines(tab_separated(rows))
            file.flush()
            connection.execute(f"COPY {table} FROM '{file.name}' (DELIMITER '\t', HEADER false)")


def fill_server(server: Any, orders: int) -> None:
    from tests.engines.admin import admin

    with admin(server) as database:
        for table, rows in tables(orders):
            database.fill(table, TABLES[table], rows)
        if server.engine != "clickhouse":
            for statement in INDEXES:
                database.run(statement)
        if server.engine == "postgres":
            database.run("VACUUM ANALYZE")
        if server.engine == "mysql":
            database.run(f"ANALYZE TABLE {', '.join(TABLES)}")


async def compare(engine: str, settings: Mapping[str, Any], rounds: int) -> list[Row]:
    """Seconds of each question's two statements, medians of so many rounds in turn, the first not counted."""
    from cuboid.catalog.compile import compile_catalog
    from cuboid.catalog.files import ModelFile
    from cuboid.planner import Planner
    from cuboid.plugins import Registry
    from cuboid.query.normalize import normalize
    from cuboid.query.parse import parse
    from cuboid.types import Job, Statement

    registry = Registry.load()
    driver_class = registry.driver(engine)
    driver = driver_class(driver_class.Config.model_validate(settings))
    catalog = compile_catalog([ModelFile("model.yml", MODEL)])
    planner = Planner(catalog, lambda _: registry.dialect(driver_class.dialect))
    await driver.open()
    found: list[Row] = []
    for number, question in enumerate(QUESTIONS):
        (asked,) = normalize(parse(question.query), catalog, now=datetime.now(UTC))
        words = {name: text.format("placed") for name, text in TRUNC[engine].items()}
        statements = (
            planner.prepare(asked.shape).bind(asked.values),
            Statement(question.by_hand.format(**words)),
        )
        seconds: tuple[list[float], list[float]] = ([], [])
        heights: set[int] = set()
        for turn in range(rounds + 1):
            for which, statement in enumerate(statements):
                start = time.perf_counter()
                result = await driver.execute(
                    Job(f"{number}-{turn}-{which}", statement.sql, statement, timeout=300)
                )
                if turn:
                    seconds[which].append(time.perf_counter() - start)
                heights.add(len(result.rows))
        if len(heights) > 1:
            raise RuntimeError(f"{engine}, {question.title}: the statements tell {heights} rows")
        ours, hand = map(statistics.median, seconds)
        against = f"{engine}, by hand: {question.title}"
        found += [Row(against, hand), Row(f"{engine}, generated: {question.title}", ours, against, most=1.3)]
    await driver.close()
    return found


def rows(engines: Sequence[str], orders: int, rounds: int) -> list[Row]:
    """The report's rows."""
    from tests.engines.server import ask, keeper, start

    found: list[Row] = []
    control = ""
    with tempfile.TemporaryDirectory() as folder:
        for engine in engines:
            if engine == "duckdb":
                path = Path(folder) / "orders.duckdb"
                fill_duckdb(path, orders)
                settings: dict[str, Any] = {"database": str(path)}
            else:
                control = control or keeper(Path(tempfile.mkdtemp(prefix="cuboid-engines-")), os.getpid())
                server = start(control, engine, engine)
                fill_server(server, orders)
                names = ("host", "port", "user", "password", "database")
                settings = {name: getattr(server, name) for name in names}
            found += asyncio.run(compare(engine, settings, rounds))
        if control:
            ask(control, "end")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare generated SQL with SQL by hand.")
    parser.add_argument("--orders", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("engines", nargs="*", default=list(TRUNC))
    given = parser.parse_args()
    report(f"{given.orders:,} orders", rows(given.engines, given.orders, given.rounds))


if __name__ == "__main__":
    main()
