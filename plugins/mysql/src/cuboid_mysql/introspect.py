"""Tables, columns and keys from information_schema."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter
from typing import Any

from cuboid.types import ColumnInfo, ForeignKeyInfo, SemanticType, TableInfo

_OURS = (
    "TABLE_SCHEMA = DATABASE() OR (DATABASE() IS NULL AND "
    "TABLE_SCHEMA NOT IN ('information_schema', 'mysql', 'performance_schema', 'sys'))"
)

COLUMNS = f"""
SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, COLUMN_KEY = 'PRI'
FROM information_schema.COLUMNS
WHERE {_OURS}
ORDER BY TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION
"""  # noqa: S608 - constants

KEYS = f"""
SELECT TABLE_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, COLUMN_NAME, REFERENCED_TABLE_NAME, REFERENCED_COLUMN_NAME
FROM information_schema.KEY_COLUMN_USAGE
WHERE REFERENCED_TABLE_NAME IS NOT NULL AND ({_OURS})
ORDER BY TABLE_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION
"""  # noqa: S608 - constants

NUMBERS = frozenset(
    {"tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "float", "double", "year", "bit"}
)
BOOLEANS = frozenset({"tinyint(1)", "bit(1)"})
TIMES = frozenset({"date", "datetime", "timestamp"})


def tables(columns: Iterable[tuple[Any, ...]], keys: Iterable[tuple[Any, ...]]) -> tuple[TableInfo, ...]:
    """The rows of ``COLUMNS`` and ``KEYS`` as tables."""
    foreign: dict[tuple[str, str], list[ForeignKeyInfo]] = {}
    for (schema, table, _), parts in groupby(keys, itemgetter(0, 1, 2)):
        rows = list(parts)
        key = ForeignKeyInfo(tuple(row[3] for row in rows), rows[0][4], tuple(row[5] for row in rows))
        foreign.setdefault((schema, table), []).append(key)
    return tuple(
        TableInfo(
            schema,
            table,
            tuple(
                ColumnInfo(name, semantic_type(native), native, bool(primary))
                for _, _, name, native, primary in rows
            ),
            tuple(foreign.get((schema, table), ())),
        )
        for (schema, table), rows in groupby(columns, itemgetter(0, 1))
    )


def semantic_type(native: str) -> SemanticType:
    """What a column of that type (``int(11) unsigned``, ``varchar(20)``) means on the wire; what is unknown is text."""
    if native in BOOLEANS:
        return "boolean"
    name = native.partition("(")[0].partition(" ")[0]
    if name in NUMBERS:
        return "number"
    return "time" if name in TIMES else "string"
