-- A constant default inside an aggregate must not count absent rows of the joined cube.
-- {"measures": ["orders.fee"], "dimensions": ["users.city"]}
SELECT
  "users".city AS "users__city",
  SUM(CASE WHEN NOT (
    "orders".id IS NULL
  ) THEN COALESCE("orders".fee, 1) END) AS "orders__fee"
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
