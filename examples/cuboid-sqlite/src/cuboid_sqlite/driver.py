"""SQLite through the standard library's sqlite3: a connection for each running statement."""

import sqlite3
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from pydantic import Field

from cuboid import DBAPIDriver, DriverConfig, Introspection, ProjectPath, QueryFailed
from cuboid_sqlite.functions import read, register, written
from cuboid_sqlite.queue import SQLiteQueue

MEMORY = ":memory:"

COLUMNS = """
SELECT 'main', t.name, c.name, c.type, c.pk > 0
FROM sqlite_schema t JOIN pragma_table_info(t.name) c
WHERE t.type IN ('table', 'view') AND t.name NOT LIKE 'sqlite%' ORDER BY t.name, c.cid
"""
KEYS = """
SELECT 'main', t.name, k.id, k."from", k."table", k."to"
FROM sqlite_schema t JOIN pragma_foreign_key_list(t.name) k WHERE k."to" IS NOT NULL ORDER BY t.name, k.id, k.seq
"""


class SQLiteConfig(DriverConfig):
    database: ProjectPath = Field(
        default=MEMORY, description="The database file; a relative path starts at the project."
    )


class SQLiteDriver(DBAPIDriver):
    name = "sqlite"
    dialect = "sqlite"
    Config = SQLiteConfig
    queue = SQLiteQueue
    capabilities = frozenset({"stream", "interrupt", "introspect", "zones_before_1970"})
    introspection = Introspection(COLUMNS, KEYS)

    def connect(self):
        path = self.config.database
        uri = path if path == MEMORY else Path(path).absolute().as_uri() + "?mode=ro"
        # Another thread only ever interrupts it.
        connection = sqlite3.connect(uri, uri=path != MEMORY, check_same_thread=False, isolation_level=None)
        register(connection)
        return connection

    def check(self, connection):
        connection.execute("SELECT count(*) FROM sqlite_schema")  # a file that is no database says so here

    def cancel(self, connection):
        connection.interrupt()

    def translate(self, error):
        return QueryFailed(str(error) or type(error).__name__)

    def bind(self, value):
        if isinstance(value, datetime):
            return written(value)
        if isinstance(value, date):
            return written(datetime(value.year, value.month, value.day))
        if isinstance(value, Decimal):
            near = int(value) if value == value.to_integral_value() and abs(value) < 2**63 else float(value)
            if Decimal(repr(near)) != value:
                raise QueryFailed(f"SQLite has no exact decimals: it would compare {value} as {near}.")
            return near
        return float(value) if isinstance(value, int) and not -(2**63) <= value < 2**63 else value

    def converter(self, described, meant):
        return {"time": _time, "boolean": _truth}.get(meant)


def _time(cell):
    return read(cell) if isinstance(cell, str) else cell


def _truth(cell):
    return bool(cell) if isinstance(cell, int) else cell
