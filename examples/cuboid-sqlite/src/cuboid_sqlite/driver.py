"""SQLite through the standard library's sqlite3: a connection for each running statement."""

import sqlite3
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from pydantic import Field, field_validator

from cuboid import DBAPIDriver, DriverConfig, QueryFailed
from cuboid_sqlite.functions import read, register, written
from cuboid_sqlite.queue import SQLiteQueue

MEMORY = ":memory:"


class SQLiteConfig(DriverConfig):
    database: str = Field(
        default=MEMORY, description="The database file; a relative path starts at the project."
    )

    @field_validator("database")
    @classmethod
    def _in_project(cls, path, info):
        project = (info.context or {}).get("project")
        return path if path == MEMORY or project is None else str(Path(project) / path)


class Cursor(sqlite3.Cursor):
    columns = ()  # what the statement says its columns mean


class SQLiteDriver(DBAPIDriver):
    name = "sqlite"
    dialect = "sqlite"
    Config = SQLiteConfig
    queue = SQLiteQueue
    capabilities = frozenset({"stream", "interrupt", "zones_before_1970"})

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

    def start(self, connection, statement, *, streaming):
        cursor = connection.cursor(Cursor)
        cursor.columns = statement.columns
        return cursor.execute(statement.sql, [_bound(value) for value in statement.parameters])

    def convert(self, rows, cursor):
        readers = [_READERS.get(column.type, _same) for column in cursor.columns]
        if not readers:
            return rows
        return [tuple(read(cell) for read, cell in zip(readers, row, strict=True)) for row in rows]


def _bound(value):
    if isinstance(value, datetime):
        return written(value)
    if isinstance(value, date):
        return written(datetime(value.year, value.month, value.day))
    if isinstance(value, Decimal):
        near = int(value) if value == value.to_integral_value() and abs(value) < 2**63 else float(value)
        if Decimal(repr(near)) != value:
            raise QueryFailed(f"SQLite has no exact decimals: it would compare {value} as {near}.")
        return near
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return float(value)
    return value


def _same(cell):
    return cell


def _time(cell):
    return read(cell) if isinstance(cell, str) else cell


def _truth(cell):
    return bool(cell) if isinstance(cell, int) else cell


_READERS = {"time": _time, "boolean": _truth}
