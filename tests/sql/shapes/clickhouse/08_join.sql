-- Orders by a user's city: root users, and the orders that are absent are not counted.
-- {"measures": ["orders.count", "orders.total"], "dimensions": ["users.city"]}
SELECT
  "users".city AS "users__city",
  COUNT("orders".id) AS "orders__count",
  SUM("orders".amount) AS "orders__total"
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
