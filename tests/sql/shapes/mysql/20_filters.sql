-- Filters: membership with NULL, exclusion keeps NULL, patterns, comparison, groups.
-- {"dimensions": ["users.city"], "filters": [{"member": "users.city", "operator": "equals", "values": ["a", null, "b"]}, {"member": "users.city", "operator": "notEquals", "values": ["c"]}, {"or": [{"member": "users.city", "operator": "contains", "values": ["50%"]}, {"and": [{"member": "users.id", "operator": "gte", "values": ["3"]}, {"member": "users.city", "operator": "notStartsWith", "values": ["x", "y"]}]}]}]}
SELECT
  `users`.city AS `users__city`
FROM public.users AS `users`
WHERE
  (
    `users`.city IN (%s, %s)
    OR `users`.city IS NULL
  )
  AND (
    `users`.city <> %s OR `users`.city IS NULL
  )
  AND (
    LOWER(CAST(`users`.city AS CHAR)) COLLATE utf8mb4_bin LIKE LOWER(%s)
    OR (
      `users`.id >= %s
      AND (
        (
          NOT (
            LOWER(CAST(`users`.city AS CHAR)) COLLATE utf8mb4_bin LIKE LOWER(%s)
          )
          AND NOT (
            LOWER(CAST(`users`.city AS CHAR)) COLLATE utf8mb4_bin LIKE LOWER(%s)
          )
        )
        OR `users`.city IS NULL
      )
    )
  )
GROUP BY
  1
ORDER BY
  CASE WHEN `users`.city IS NULL THEN 1 ELSE 0 END, `users`.city ASC
LIMIT 10000
-- ["a", "b", "c", "%50\\%%", "3", "x%", "y%"]
