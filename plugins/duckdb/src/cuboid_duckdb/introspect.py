"""Tables, columns and keys from DuckDB's own catalogue functions."""

from __future__ import annotations

from cuboid.run.introspection import Introspection

COLUMNS = """
SELECT c.schema_name, c.table_name, c.column_name, c.data_type, k.table_name IS NOT NULL
FROM duckdb_columns() c
LEFT JOIN duckdb_constraints() k ON k.database_name = c.database_name AND k.schema_name = c.schema_name
  AND k.table_name = c.table_name AND k.constraint_type = 'PRIMARY KEY'
  AND list_contains(k.constraint_column_names, c.column_name)
WHERE NOT c.internal AND c.database_name = current_database()
ORDER BY c.schema_name, c.table_name, c.column_index
"""

KEYS = """
SELECT schema_name, table_name, constraint_index, constraint_column_names[place], referenced_table,
  referenced_column_names[place]
FROM (
  SELECT *, unnest(range(1, len(constraint_column_names) + 1)) AS place
  FROM duckdb_constraints() WHERE constraint_type = 'FOREIGN KEY' AND database_name = current_database()
) AS k
ORDER BY schema_name, table_name, constraint_index, place
"""

INTROSPECTION = Introspection(COLUMNS, KEYS)
