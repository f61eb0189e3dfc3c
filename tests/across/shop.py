"""The demo shop with fewer orders, as a project on each engine: the same rows, and the same model but for the words
that an engine does not have."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

# Here, while this process has used no other C++ library: after DuckDB has opened a database, this one cannot be loaded
# ("cannot allocate memory in static TLS block"). A project is safe, which imports all its drivers before it uses one.
import mysql.connector.connection_cext  # noqa: F401
import yaml
from tests.engines.admin import Admin
from tests.engines.server import Server

SHOP = Path(__file__).parents[2] / "examples" / "shop"
ORDERS = 2000
SETTINGS = ("host", "port", "user", "password", "database")

DRIVERS: Mapping[str, str] = {
    "duckdb": "duckdb",
    "postgres": "postgres",
    "mysql": "mysql",
    "mariadb": "mysql",
    "clickhouse": "clickhouse",
}

# A model's SQL is its engine's own. What the shop's says in words that an engine lacks, and how that one says it.
WORDS: Mapping[str, Mapping[str, str]] = {
    "mysql": {
        # || is OR
        "{CUBE}.first_name || ' ' || {CUBE}.last_name": "CONCAT({CUBE}.first_name, ' ', {CUBE}.last_name)",
        "BOOL_OR({CUBE}.is_gift)": "MAX({CUBE}.is_gift)",
    },
    "clickhouse": {"BOOL_OR({CUBE}.is_gift)": "MAX({CUBE}.is_gift)"},
}

PLACES = """
cubes:
  - name: places
    sql_table: orders
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true, public: true}
      - {name: place, type: geo, latitude: {sql: id}, longitude: {sql: user_id}}
      - name: map
        type: string
        sql: "'x'"
        links:
          - {name: whole, label: A, dashboard: map, params: [{key: place, value: "{place}"}, {key: "u v", value: id}]}
          - {name: begun, label: B, url: "'https://x.org/?a=1'", params: [{key: q, value: "{text}"}]}
      - {name: text, type: string, sql: "'a+b? c/ü&%=#;@x'"}
      - {name: noted, type: time, field_type: string, sql: "'2024-03-05 10:20:30'"}
"""
"""What the shop's model has no use for: a location, which for the orders of guests is none; links; a time in a text."""

STAGES = """
cubes:
  - name: sold
    sql_table: orders
    joins: [{name: lines_sold, relationship: one_to_many, sql: "{CUBE.id} = {lines_sold}.order_id"}]
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: channel, sql: channel, type: string}
      - {name: buyer, sql: user_id, type: number}
      - name: at
        sql: created_at
        type: time
        granularities: [{name: ten_days, interval: 10 days, origin: "2024-01-06"}, {name: half, interval: 6 months}]
    measures:
      - {name: count, type: count}
      - {name: shipping, type: sum, sql: shipping}
      - {name: week, type: count, rolling_window: {trailing: 7 days}}
      - {name: running, type: sum, sql: shipping, rolling_window: {trailing: unbounded}}
      - {name: buyers, type: count_distinct, sql: user_id, rolling_window: {trailing: 1 month, leading: 3 days}}
      - {name: month_to_date, type: count, rolling_window: {type: to_date, granularity: month}}
      - {name: last_month, type: sum, sql: "{count}", multi_stage: true, time_shift: [{interval: 1 month, type: prior}]}
      - {name: last_week, type: sum, sql: "{week}", multi_stage: true, time_shift: [{interval: 1 week, type: prior}]}
      - {name: all_channels, type: sum, sql: "{count}", multi_stage: true, reduce_by: [channel]}
      - {name: share, type: number, sql: "1.0 * {count} / {all_channels}"}
      - {name: of_buyers, type: avg, sql: "{count}", multi_stage: true, add_group_by: [buyer]}
      - {name: place, type: rank, multi_stage: true, reduce_by: [channel], order_by: [{sql: "{count}", dir: desc}]}
      - {name: best_day, type: max, sql: "{count}", multi_stage: true, rolling_window: {trailing: 3 days}}
      - {name: label, type: string, sql: "CASE WHEN {count} > 50 THEN 'many' ELSE 'few' END", multi_stage: true}
  - name: lines_sold
    sql_table: line_items
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: product, sql: product_id, type: number}
    measures: [{name: count, type: count}]
"""
"""Windows and stages, which the shop's model has few of."""

GENERAL = {
    "INTEGER": "integer",
    "BIGINT": "integer",
    "VARCHAR": "text",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "TIMESTAMP": "timestamp",
    "TIMESTAMP WITH TIME ZONE": "instant",
}
"""The names of types in the original, and their general ones."""

BY_CODE_POINT = {"mysql": "utf8mb4_0900_bin", "mariadb": "utf8mb4_nopad_bin"}
"""Collations in which texts are sorted and told apart as they are elsewhere."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the original: its columns with their general types, and its rows, all times in UTC without zone."""

    name: str
    columns: Mapping[str, str]
    rows: Sequence[tuple[Any, ...]]


def write_original(file: Path) -> None:
    """The shop's own database."""
    specification = importlib.util.spec_from_file_location("shop_generate", SHOP / "generate.py")
    assert specification is not None
    assert specification.loader is not None
    generator = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(generator)
    list(generator.write(file, ORDERS))


def read_tables(file: Path) -> tuple[Table, ...]:
    """All tables of the original, which nobody has open."""
    with duckdb.connect(str(file), read_only=True) as original:
        names = [name for (name,) in original.execute("SHOW TABLES").fetchall()]
        return tuple(_read(original, name) for name in names)


def _read(original: duckdb.DuckDBPyConnection, table: str) -> Table:
    described = original.execute(f"DESCRIBE {table}").fetchall()
    columns = {name: GENERAL.get(type, type.lower()) for name, type, *_ in described}
    zoned = [f"{name} AT TIME ZONE 'UTC' AS {name}" for name, type in columns.items() if type == "instant"]
    shown = f"* REPLACE ({', '.join(zoned)})" if zoned else "*"
    return Table(table, columns, original.execute(f"SELECT {shown} FROM {table}").fetchall())


def copy_tables(tables: Iterable[Table], admin: Admin) -> None:
    """Creates and fills the tables in ``admin``'s database, which is empty."""
    engine = admin.server.engine
    if engine in BY_CODE_POINT:
        admin.run(f"ALTER DATABASE {admin.server.database} COLLATE {BY_CODE_POINT[engine]}")
    for table in tables:
        admin.fill(table.name, table.columns, table.rows)


def write_project(folder: Path, engine: str, settings: Mapping[str, Any], driver: str = "") -> None:
    """A project with the shop's model on one data source.

    :param driver: not the engine's usual one.
    """
    shutil.copytree(SHOP / "model", folder / "model")
    shutil.copy(SHOP / "cuboid_plugin.py", folder)  # its templates' words
    (folder / "model" / "places.yml").write_text(PLACES, encoding="utf-8")
    (folder / "model" / "stages.yml").write_text(STAGES, encoding="utf-8")
    for file in (folder / "model").glob("*.yml"):
        text = file.read_text(encoding="utf-8")
        for original, own in WORDS.get(DRIVERS[engine], {}).items():
            text = text.replace(original, own)
        file.write_text(text, encoding="utf-8")
    sources = {
        "data_sources": {"default": {"driver": driver or DRIVERS[engine], **settings}},
        "api_secret": "none",
    }
    (folder / "cuboid.yml").write_text(yaml.safe_dump(sources), encoding="utf-8")


def connection(server: Server) -> dict[str, Any]:
    """A data source's settings."""
    return {name: getattr(server, name) for name in SETTINGS}
