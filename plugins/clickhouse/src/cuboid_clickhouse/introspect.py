"""Tables and columns from ClickHouse's own tables."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter
from typing import Any

from cuboid.types import ColumnInfo, SemanticType, TableInfo

COLUMNS = """
SELECT columns.database, columns.table, columns.name, columns.type
FROM system.columns
WHERE columns.database = currentDatabase() AND NOT startsWith(columns.table, '.inner')
ORDER BY columns.database, columns.table, columns.position
"""

_WRAPPER = re.compile(r"(?:Nullable|LowCardinality|SimpleAggregateFunction)\((?:\w+, )?(.*)\)")
_NUMBER = re.compile(r"U?Int\d+|B?Float\d+|Decimal\(.*\)")
_TIME = re.compile(r"Date(?:Time)?(?:32|64)?(?:\(.*\))?")


def tables(columns: Iterable[tuple[Any, ...]]) -> tuple[TableInfo, ...]:
    """The rows of ``COLUMNS`` as tables. There are no foreign keys, and no primary ones either: what ClickHouse
    calls so is an order of storage, in which values repeat."""
    return tuple(
        TableInfo(
            schema, table, tuple(ColumnInfo(name, semantic_type(type), type) for _, _, name, type in rows)
        )
        for (schema, table), rows in groupby(columns, itemgetter(0, 1))
    )


def semantic_type(native: str) -> SemanticType:
    """What a column of that ClickHouse type means on the wire; arrays, maps and what is unknown are strings."""
    while wrapped := _WRAPPER.fullmatch(native):
        native = wrapped[1]
    if _NUMBER.fullmatch(native):
        return "number"
    if native == "Bool":
        return "boolean"
    return "time" if _TIME.fullmatch(native) else "string"
