"""Tables, columns and keys from ``pg_catalog``, as far as the session may read them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter
from typing import Any

from cuboid.types import ColumnInfo, ForeignKeyInfo, SemanticType, TableInfo

# Partitions are read through their table. The category is of a domain's base type.
COLUMNS = """
SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod), t.typcategory::text,
  COALESCE(a.attnum = ANY (k.conkey), false)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_constraint k ON k.conrelid = c.oid AND k.contype = 'p'
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
  AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
  AND has_schema_privilege(n.oid, 'USAGE') AND has_column_privilege(c.oid, a.attnum, 'SELECT')
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C", a.attnum
"""

KEYS = """
SELECT n.nspname, c.relname, f.relname,
  (SELECT json_agg(a.attname ORDER BY i.place) FROM unnest(k.conkey) WITH ORDINALITY i (number, place)
   JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = i.number),
  (SELECT json_agg(a.attname ORDER BY i.place) FROM unnest(k.confkey) WITH ORDINALITY i (number, place)
   JOIN pg_catalog.pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = i.number)
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_class f ON f.oid = k.confrelid
WHERE k.contype = 'f' AND k.conparentid = 0
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C", k.conname COLLATE "C"
"""


def tables(columns: Iterable[tuple[Any, ...]], keys: Iterable[tuple[Any, ...]]) -> tuple[TableInfo, ...]:
    """The rows of ``COLUMNS`` and ``KEYS``, in which lists are JSON text, as tables."""
    foreign: dict[tuple[str, str], list[ForeignKeyInfo]] = {}
    for schema, table, target, names, target_names in keys:
        key = ForeignKeyInfo(tuple(names), target, tuple(target_names))
        foreign.setdefault((schema, table), []).append(key)
    return tuple(
        TableInfo(
            schema,
            table,
            tuple(
                ColumnInfo(name, semantic_type(native, category), native, primary)
                for _, _, name, native, category, primary in rows
            ),
            tuple(foreign.get((schema, table), ())),
        )
        for (schema, table), rows in groupby(columns, itemgetter(0, 1))
    )


def semantic_type(native: str, category: str) -> SemanticType:
    """What a column means on the wire; ``category`` is ``pg_type.typcategory``. Arrays, times of day and what is
    unknown are strings, and so are money and the names of database objects, which are numbers to Postgres."""
    if category == "B":
        return "boolean"
    if category == "D":
        return "string" if native.startswith("time ") else "time"
    if category == "N" and native != "money" and not native.startswith("reg"):
        return "number"
    return "string"
