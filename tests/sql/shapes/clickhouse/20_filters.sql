-- Filters: membership with NULL, exclusion keeps NULL, patterns, comparison, groups.
-- {"dimensions": ["users.city"], "filters": [{"member": "users.city", "operator": "equals", "values": ["a", null, "b"]}, {"member": "users.city", "operator": "notEquals", "values": ["c"]}, {"or": [{"member": "users.city", "operator": "contains", "values": ["50%"]}, {"and": [{"member": "users.id", "operator": "gte", "values": ["3"]}, {"member": "users.city", "operator": "notStartsWith", "values": ["x", "y"]}]}]}]}
SELECT
  "users".city AS "users__city"
FROM public.users AS "users"
WHERE
  (
    "users".city IN ({p1:String}, {p2:String})
    OR "users".city IS NULL
  )
  AND (
    "users".city <> {p3:String} OR "users".city IS NULL
  )
  AND (
    "users".city ILIKE {p4:String}
    OR (
      "users".id >= {p5:Int64}
      AND (
        (
          NOT (
            "users".city ILIKE {p6:String}
          )
          AND NOT (
            "users".city ILIKE {p7:String}
          )
        )
        OR "users".city IS NULL
      )
    )
  )
GROUP BY
  1
ORDER BY
  1 ASC
LIMIT 10000
-- ["a", "b", "c", "%50\\%%", "3", "x%", "y%"]
