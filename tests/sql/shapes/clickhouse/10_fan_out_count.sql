-- A count of repeated rows with a one-column key: distinct keys.
-- {"measures": ["users.count"], "dimensions": ["orders.status"]}
SELECT
  "orders".status AS "orders__status",
  uniqExact("users".id) AS "users__count"
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
  1
ORDER BY
  2 DESC,
  1 ASC
LIMIT 10000
