"""Tables, columns and keys from DuckDB's own catalogue functions."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter
from typing import Any

from cuboid.types import ColumnInfo, ForeignKeyInfo, SemanticType, TableInfo

COLUMNS = """
SELECT schema_name, table_name, column_name, data_type
FROM duckdb_columns()
WHERE NOT internal AND database_name = current_database()
ORDER BY schema_name, table_name, column_index
"""

KEYS = """
SELECT schema_name, table_name, constraint_type, constraint_column_names, referenced_table, referenced_column_names
FROM duckdb_constraints()
WHERE constraint_type IN ('PRIMARY KEY', 'FOREIGN KEY') AND database_name = current_database()
ORDER BY schema_name, table_name, constraint_index
"""

INTEGERS = frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "BIGNUM"})
UNSIGNED = frozenset({"UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"})
NUMBERS = INTEGERS | UNSIGNED | {"FLOAT", "DOUBLE"}


def tables(columns: Iterable[tuple[Any, ...]], keys: Iterable[tuple[Any, ...]]) -> tuple[TableInfo, ...]:
    """The rows of ``COLUMNS`` and ``KEYS`` as tables."""
    primary: set[tuple[str, str, str]] = set()
    foreign: dict[tuple[str, str], list[ForeignKeyInfo]] = {}
    for schema, table, kind, names, target, target_names in keys:
        if kind == "PRIMARY KEY":
            primary.update((schema, table, name) for name in names)
        else:
            key = ForeignKeyInfo(tuple(names), target, tuple(target_names))
            foreign.setdefault((schema, table), []).append(key)
    return tuple(
        TableInfo(
            schema,
            table,
            tuple(
                ColumnInfo(name, semantic_type(native), native, (schema, table, name) in primary)
                for _, _, name, native in rows
            ),
            tuple(foreign.get((schema, table), ())),
        )
        for (schema, table), rows in groupby(columns, itemgetter(0, 1))
    )


def semantic_type(native: str) -> SemanticType:
    """What a column of that DuckDB type means on the wire; lists, structs and what is unknown are strings."""
    if native.endswith("]"):
        return "string"
    if native in NUMBERS or native.startswith("DECIMAL("):
        return "number"
    if native == "BOOLEAN":
        return "boolean"
    return "time" if native == "DATE" or native.startswith("TIMESTAMP") else "string"
