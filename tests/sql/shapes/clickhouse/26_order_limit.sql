-- Order by several keys, NULLs last both ways, limit and offset.
-- {"measures": ["orders.count"], "dimensions": ["orders.status", "users.city"], "order": [["users.city", "desc"], ["orders.count", "asc"]], "limit": 5, "offset": 10}
SELECT
  "orders".status AS "orders__status",
  "users".city AS "users__city",
  COUNT("orders".id) AS "orders__count"
FROM public.users AS "users"
LEFT JOIN (
  SELECT
    *
  FROM public.orders
  WHERE
    NOT deleted
) AS "orders"
  ON "users".id = "orders".user_id
GROUP BY
  1,
  2
ORDER BY
  2 DESC,
  3 ASC,
  1 ASC
LIMIT 5
OFFSET 10
