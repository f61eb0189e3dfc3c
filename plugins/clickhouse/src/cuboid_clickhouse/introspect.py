"""Tables and columns from ClickHouse's own tables."""

from __future__ import annotations

import re

from cuboid.run import introspection
from cuboid.run.introspection import Introspection
from cuboid.types import SemanticType

# There are no foreign keys, and no primary ones either: what ClickHouse calls so is an order of storage, in which
# values repeat.
COLUMNS = """
SELECT columns.database, columns.table, columns.name, columns.type, false
FROM system.columns
WHERE columns.database = currentDatabase() AND NOT startsWith(columns.table, '.inner')
ORDER BY columns.database, columns.table, columns.position
"""

_WRAPPER = re.compile(r"(?:Nullable|LowCardinality|SimpleAggregateFunction)\((?:\w+, )?(.*)\)")


def semantic_type(native: str) -> SemanticType:
    """What a column of that type means on the wire, whatever it is wrapped in."""
    while wrapped := _WRAPPER.fullmatch(native):
        native = wrapped[1]
    return introspection.semantic_type(native)


INTROSPECTION = Introspection(COLUMNS, semantic_type=semantic_type)
