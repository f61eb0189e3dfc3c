"""Tables, columns and keys from ``pg_catalog``, as far as the session may read them."""

from __future__ import annotations

from cuboid.run.introspection import Introspection

# Partitions are read through their table. What a domain means is its base type's to say.
COLUMNS = """
SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
  COALESCE(a.attnum = ANY (k.conkey), false), format_type(COALESCE(NULLIF(t.typbasetype, 0), t.oid), NULL)
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
SELECT n.nspname, c.relname, k.conname, here.attname, f.relname, there.attname
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_class f ON f.oid = k.confrelid
CROSS JOIN unnest(k.conkey, k.confkey) WITH ORDINALITY i (here, there, place)
JOIN pg_catalog.pg_attribute here ON here.attrelid = k.conrelid AND here.attnum = i.here
JOIN pg_catalog.pg_attribute there ON there.attrelid = k.confrelid AND there.attnum = i.there
WHERE k.contype = 'f' AND k.conparentid = 0
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C", k.conname COLLATE "C", i.place
"""

INTROSPECTION = Introspection(COLUMNS, KEYS)
