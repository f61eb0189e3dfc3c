"""What tests do to a server's data: create databases, run scripts, load rows. With the same words on every engine.

Column types have general names, as in ``{"id": "integer", "price": "decimal(12,2)", "at": "instant"}``; TYPES has all.
All columns may be null.
"""

from __future__ import annotations

import tempfile
import urllib.error
import urllib.parse
import urllib.request
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from tests.engines.server import Server

Cell = str | int | float | bool | Decimal | date | datetime | None


class Admin(ABC):
    """An open connection to ``server.database``."""

    TYPES: ClassVar[Mapping[str, str]]
    """The engine's words for integer, decimal, float, text, boolean, date, timestamp (wall time in UTC) and instant."""

    def __init__(self, server: Server) -> None:
        self.server = server

    @abstractmethod
    def run(self, sql: str) -> list[tuple[Any, ...]]:
        """One statement; its rows, if it has any."""

    @abstractmethod
    def load(self, table: str, rows: Iterable[Sequence[Cell]]) -> None:
        """All columns of each row, in the table's order, the fast way. Times without zone are UTC."""

    @abstractmethod
    def close(self) -> None: ...

    def script(self, sql: str) -> None:
        """Statements that each end with a semicolon at the end of a line."""
        for statement in sql.split(";\n"):
            if statement.strip().rstrip(";"):
                self.run(statement.strip().rstrip(";"))

    def create_table(self, table: str, columns: Mapping[str, str]) -> None:
        self.run(f"CREATE TABLE {table} ({self.columns(columns)}){self.suffix}")

    def fill(self, table: str, columns: Mapping[str, str], rows: Iterable[Sequence[Cell]]) -> None:
        """A new table with these rows."""
        self.create_table(table, columns)
        self.load(table, rows)

    def columns(self, columns: Mapping[str, str]) -> str:
        return ", ".join(f"{name} {self.native(type)}" for name, type in columns.items())

    def native(self, type: str) -> str:
        general, parenthesis, rest = type.partition("(")
        return self.TYPES[general] + parenthesis + rest

    suffix: ClassVar[str] = ""


class PostgresAdmin(Admin):
    TYPES: ClassVar[Mapping[str, str]] = {
        "integer": "bigint",
        "decimal": "numeric",
        "float": "double precision",
        "text": "text",
        "boolean": "boolean",
        "date": "date",
        "timestamp": "timestamp",
        "instant": "timestamptz",
    }

    def __init__(self, server: Server) -> None:
        super().__init__(server)
        import psycopg

        self.connection = psycopg.connect(
            host=server.host,
            port=server.port,
            user=server.user,
            password=server.password,
            dbname=server.database,
            autocommit=True,
        )

    def run(self, sql: str) -> list[tuple[Any, ...]]:
        cursor = self.connection.execute(sql.encode())
        return cursor.fetchall() if cursor.description else []

    def load(self, table: str, rows: Iterable[Sequence[Cell]]) -> None:
        with self.connection.cursor().copy(f"COPY {table} FROM STDIN".encode()) as copy:
            for chunk in tab_separated(rows):
                copy.write(chunk)

    def close(self) -> None:
        self.connection.close()


class MySQLAdmin(Admin):
    """MySQL and MariaDB."""

    TYPES: ClassVar[Mapping[str, str]] = {
        "integer": "bigint",
        "decimal": "decimal",
        "float": "double",
        "text": "varchar(500)",  # a TEXT would be grouped and sorted on disk
        "boolean": "boolean",
        "date": "date",
        "timestamp": "datetime(6)",
        "instant": "timestamp(6) null",
    }

    def __init__(self, server: Server) -> None:
        super().__init__(server)
        import mysql.connector

        self.connection: Any = mysql.connector.connect(
            host=server.host,
            port=server.port,
            user=server.user,
            password=server.password,
            database=server.database,
            charset="utf8mb4",
            autocommit=True,
            allow_local_infile=True,
        )

    def run(self, sql: str) -> list[tuple[Any, ...]]:
        cursor = self.connection.cursor()
        try:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []
        finally:
            cursor.close()

    def load(self, table: str, rows: Iterable[Sequence[Cell]]) -> None:
        with tempfile.NamedTemporaryFile(suffix=".tsv") as file:
            file.writelines(tab_separated(rows))
            file.flush()
            self.run(f"LOAD DATA LOCAL INFILE '{file.name}' INTO TABLE {table} CHARACTER SET utf8mb4")
            trouble = self.run("SHOW WARNINGS")
        assert not trouble, trouble[:5]

    def close(self) -> None:
        self.connection.close()


class ClickHouseAdmin(Admin):
    """Over HTTP, with nothing but the standard library."""

    TYPES: ClassVar[Mapping[str, str]] = {
        "integer": "Int64",
        "decimal": "Decimal",
        "float": "Float64",
        "text": "String",
        "boolean": "Bool",
        "date": "Date32",
        "timestamp": "DateTime64(6)",
        "instant": "DateTime64(6, 'UTC')",
    }
    suffix: ClassVar[str] = " ENGINE = MergeTree ORDER BY tuple()"

    def native(self, type: str) -> str:
        return f"Nullable({super().native(type)})"

    def run(self, sql: str) -> list[tuple[Any, ...]]:
        """Cells are text."""
        lines = self._post(sql.encode(), {"default_format": "TabSeparated"}).splitlines()
        return [tuple(line.split("\t")) for line in lines]

    def load(self, table: str, rows: Iterable[Sequence[Cell]]) -> None:
        self._post(b"".join(tab_separated(rows)), {"query": f"INSERT INTO {table} FORMAT TabSeparated"})

    def _post(self, body: bytes, words: Mapping[str, str]) -> str:
        server = self.server
        query = urllib.parse.urlencode({"database": server.database, "session_timezone": "UTC", **words})
        headers = {"X-ClickHouse-User": server.user, "X-ClickHouse-Key": server.password}
        request = urllib.request.Request(f"http://{server.host}:{server.port}/?{query}", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=100) as answer:
                text: str = answer.read().decode()
                return text
        except urllib.error.HTTPError as error:
            with error:
                raise RuntimeError(error.read().decode()) from None

    def close(self) -> None:
        pass


ADMINS: Mapping[str, type[Admin]] = {
    "postgres": PostgresAdmin,
    "mysql": MySQLAdmin,
    "mariadb": MySQLAdmin,
    "clickhouse": ClickHouseAdmin,
}


@contextmanager
def admin(server: Server) -> Iterator[Admin]:
    """A connection to ``server.database``, as the account that may do everything."""
    opened = ADMINS[server.engine](server)
    try:
        yield opened
    finally:
        opened.close()


@contextmanager
def new_database(server: Server) -> Iterator[Server]:
    """The same server with an empty database of its own, which is dropped at the end, connections or not."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with admin(server) as connection:
        connection.run(f"CREATE DATABASE {name}")
        try:
            yield replace(server, database=name)
        finally:
            forced = " WITH (FORCE)" if server.engine == "postgres" else ""
            connection.run(f"DROP DATABASE {name}{forced}")


def tab_separated(rows: Iterable[Sequence[Cell]]) -> Iterator[bytes]:
    """The text format that COPY, LOAD DATA and ClickHouse's TabSeparated have in common, in chunks."""
    lines: list[str] = []
    for row in rows:
        lines.append("\t".join(map(_text, row)))
        if len(lines) == 10_000:
            yield ("\n".join(lines) + "\n").encode()
            lines = []
    if lines:
        yield ("\n".join(lines) + "\n").encode()


ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def _text(cell: Cell) -> str:
    if cell is None:
        return "\\N"
    if isinstance(cell, str):
        return cell.translate(ESCAPES)
    if isinstance(cell, bool):
        return "1" if cell else "0"
    if isinstance(cell, datetime):
        assert cell.tzinfo is None, "times without zone, in UTC"
        return cell.isoformat(" ")
    if isinstance(cell, Decimal):
        return format(cell, "f")
    return str(cell)
