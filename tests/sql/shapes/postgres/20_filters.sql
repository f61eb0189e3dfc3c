-- Filters: membership with NULL, exclusion keeps NULL, patterns, comparison, groups.
-- {"dimensions": ["users.city"], "filters": [{"member": "users.city", "operator": "equals", "values": ["a", null, "b"]}, {"member": "users.city", "operator": "notEquals", "values": ["c"]}, {"or": [{"member": "users.city", "operator": "contains", "values": ["50%"]}, {"and": [{"member": "users.id", "operator": "gte", "values": ["3"]}, {"member": "users.city", "operator": "notStartsWith", "values": ["x", "y"]}]}]}]}
SELECT
  "users".city AS "users__city"
FROM public.users AS "users"
WHERE
  (
    "users".city IN ($1, $2)
    OR "users".city IS NULL
  )
  AND (
    "users".city <> $3 OR "users".city IS NULL
  )
  AND (
    CAST("users".city AS TEXT) COLLATE "default" ILIKE $4 ESCAPE '\'
    OR (
      "users".id >= $5
      AND (
        (
          NOT (
            CAST("users".city AS TEXT) COLLATE "default" ILIKE $6 ESCAPE '\'
          )
          AND NOT (
            CAST("users".city AS TEXT) COLLATE "default" ILIKE $7 ESCAPE '\'
          )
        )
        OR "users".city IS NULL
      )
    )
  )
GROUP BY
  1
ORDER BY
  "users__city" ASC
LIMIT 10000
-- ["a", "b", "c", "%50\\%%", "3", "x%", "y%"]
