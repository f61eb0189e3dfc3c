"""The engines that worlds are shown on: how each writes a table, and what it cannot hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

# Here, while this process has used no other C++ library: after DuckDB has opened a database, this one cannot be loaded
# ("cannot allocate memory in static TLS block"). A project is safe, which imports all its drivers before it uses one.
import mysql.connector.connection_cext  # noqa: F401
from tests.oracle.expressions import STANDARD, Spelling, Value
from tests.oracle.world import ColumnType

Word = str | Callable[[Sequence[Value]], str]
"""A column's type, or one that depends on the column's cells."""


@dataclass(frozen=True, slots=True)
class Engine:
    """``driver`` as in a project; ``storage`` follows a table's columns. Texts compare by code point everywhere."""

    name: str
    driver: str
    words: Mapping[ColumnType, Word]
    spelling: Spelling = STANDARD
    storage: str = ""
    embedded: bool = False

    def column(self, type: ColumnType, cells: Sequence[Value]) -> str:
        """The type of a column that holds ``cells``."""
        word = self.words[type]
        return word if isinstance(word, str) else word(cells)


def _mysql_instant(cells: Sequence[Value]) -> str:
    """TIMESTAMP begins with 1970; a DATETIME read in a session in UTC is an instant too."""
    early = any(isinstance(cell, datetime) and cell < datetime(1970, 1, 2) for cell in cells)
    return "DATETIME(6)" if early else "TIMESTAMP(6) NULL"


def _mysql(name: str, collation: str) -> Engine:
    return Engine(
        name,
        "mysql",
        {
            "integer": "INT",
            "decimal": "DECIMAL(10, 2)",
            "text": f"VARCHAR(100) CHARACTER SET utf8mb4 COLLATE {collation}",  # the default takes A for a and é for e
            "boolean": "BOOLEAN",
            "timestamp": "DATETIME(6)",
            "timestamptz": _mysql_instant,
            "date": "DATE",
        },
        Spelling("function", backslash=True),
    )


ENGINES: Mapping[str, Engine] = {
    engine.name: engine
    for engine in (
        Engine(
            "duckdb",
            "duckdb",
            {
                "integer": "INTEGER",
                "decimal": "DECIMAL(10, 2)",
                "text": "VARCHAR",
                "boolean": "BOOLEAN",
                "timestamp": "TIMESTAMP",
                "timestamptz": "TIMESTAMPTZ",
                "date": "DATE",
            },
            embedded=True,
        ),
        Engine(
            "postgres",
            "postgres",
            {
                "integer": "INTEGER",
                "decimal": "NUMERIC(10, 2)",
                "text": 'TEXT COLLATE "C"',
                "boolean": "BOOLEAN",
                "timestamp": "TIMESTAMP",
                "timestamptz": "TIMESTAMPTZ",
                "date": "DATE",
            },
        ),
        _mysql("mysql", "utf8mb4_0900_bin"),
        _mysql("mariadb", "utf8mb4_nopad_bin"),
        Engine(
            "clickhouse",
            "clickhouse",
            {
                "integer": "Nullable(Int32)",
                "decimal": "Nullable(Decimal(10, 2))",
                "text": "Nullable(String)",
                "boolean": "Nullable(Bool)",
                "timestamp": "Nullable(DateTime64(6))",
                "timestamptz": "Nullable(DateTime64(6, 'UTC'))",
                "date": "Nullable(Date32)",  # Date begins with 1970
            },
            Spelling(backslash=True),
            storage=" ENGINE = Memory",
        ),
    )
}
