"""Tables, columns and keys from information_schema."""

from __future__ import annotations

from cuboid.run import introspection
from cuboid.run.introspection import Introspection
from cuboid.types import SemanticType

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


def semantic_type(native: str) -> SemanticType:
    """What a column of that type (``int(11) unsigned``, ``varchar(20)``) means on the wire."""
    if native in ("tinyint(1)", "bit(1)"):
        return "boolean"
    return "number" if native.startswith(("bit(", "year")) else introspection.semantic_type(native)


INTROSPECTION = Introspection(COLUMNS, KEYS, semantic_type)
