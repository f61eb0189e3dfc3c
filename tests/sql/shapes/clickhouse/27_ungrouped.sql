-- Ungrouped: the joined rows, measures as row expressions.
-- {"measures": ["orders.count", "orders.paidCount", "orders.total"], "dimensions": ["orders.id", "users.city"], "ungrouped": true}
SELECT
  "orders".id AS "orders__id",
  "users".city AS "users__city",
  CASE WHEN NOT (
    "orders".id IS NULL
  ) THEN 1 END AS "orders__count",
  CASE
    WHEN NOT (
      CASE WHEN "orders".status = 'paid' THEN "orders".id END IS NULL
    )
    THEN 1
  END AS "orders__paid_count",
  "orders".amount AS "orders__total"
FROM public.users AS "users"
LEFT JOIN (
  SELECT
    *
  FROM public.orders
  WHERE
    NOT deleted
) AS "orders"
  ON "users".id = "orders".user_id
ORDER BY
  3 DESC,
  1 ASC,
  2 ASC
LIMIT 10000
