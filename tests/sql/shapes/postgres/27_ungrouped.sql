-- Ungrouped: the joined rows, measures as row expressions.
-- {"measures": ["orders.count", "orders.paidCount", "orders.total"], "dimensions": ["orders.id", "users.city"], "ungrouped": true}
SELECT
  "orders".id AS "orders__id",
  "users".city AS "users__city",
  CASE WHEN NOT "orders".id IS NULL THEN 1 END AS "orders__count",
  CASE
    WHEN NOT CASE WHEN "orders".status = 'paid' THEN "orders".id END IS NULL
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
  "orders__count" DESC NULLS LAST,
  "orders__id" ASC,
  "users__city" ASC
LIMIT 10000
