"""Tables, columns and keys of a database, from two statements that a driver gives."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

from cuboid.types import ColumnInfo, ForeignKeyInfo, SemanticType, TableInfo

NUMBERS = frozenset(
    {prefix + word for word in ("int", "integer") for prefix in ("", "u")}
    | {prefix + size + "int" for size in ("tiny", "small", "medium", "big", "huge") for prefix in ("", "u")}
    | {"bignum", "number", "decimal", "numeric", "float", "bfloat", "double", "real"}
)
TIMES = frozenset({"date", "datetime", "timestamp", "timestamptz"})
BOOLEANS = frozenset({"bool", "boolean"})

_WORD = re.compile(r"([a-z]+)\d*(?:_\w+)?(?!\w)")


def semantic_type(native: str) -> SemanticType:
    """What a column of a type that most databases call so means on the wire: ``int(11) unsigned``, ``Decimal(9, 2)``,
    ``timestamp with time zone``. Arrays, times of day, intervals and what is unknown are strings."""
    found = _WORD.match(native.lower())
    word = found[1] if found and not native.endswith("]") else ""
    if word in NUMBERS:
        return "number"
    if word in BOOLEANS:
        return "boolean"
    return "time" if word in TIMES else "string"


@dataclass(frozen=True, slots=True)
class Introspection:
    """How a database is asked for its tables.

    :param columns: SQL with a row for each column of each table and view: schema, table, column, native type, whether
        it is part of the primary key; and perhaps the type that ``semantic_type`` shall look at instead, where the
        native one is a name of the database's own. Ordered by schema, table and place.
    :param keys: SQL with a row for each column of each foreign key: schema, table, the key's name, column, the table
        that it refers to, the column there. Ordered by schema, table, name and place. Empty if there are none.
    :param semantic_type: what a native type means.
    """

    columns: str
    keys: str = ""
    semantic_type: Callable[[str], SemanticType] = semantic_type

    def tables(
        self, columns: Iterable[tuple[Any, ...]], keys: Iterable[tuple[Any, ...]]
    ) -> tuple[TableInfo, ...]:
        """The rows of both statements as tables."""
        foreign: dict[tuple[str, str], list[ForeignKeyInfo]] = {}
        for (schema, table, _), group in groupby(keys, itemgetter(0, 1, 2)):
            _, _, _, names, targets, target_names = zip(*group, strict=True)
            key = ForeignKeyInfo(names, targets[0], target_names)
            foreign.setdefault((schema, table), []).append(key)
        return tuple(
            TableInfo(
                schema,
                table,
                tuple(
                    ColumnInfo(name, self.semantic_type(below[0] if below else native), native, bool(primary))
                    for _, _, name, native, primary, *below in rows
                ),
                tuple(foreign.get((schema, table), ())),
            )
            for (schema, table), rows in groupby(columns, itemgetter(0, 1))
        )
