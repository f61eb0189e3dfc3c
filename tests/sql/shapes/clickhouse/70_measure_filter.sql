-- measureFilter is the measure's own condition on rows
-- {"measures": ["orders.total"], "dimensions": ["users.city"], "filters": [{"member": "orders.paidCount", "operator": "measureFilter"}]}
SELECT
  "users".city AS "users__city",
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
WHERE
  (
    "orders".status = 'paid'
  )
GROUP BY
  1
ORDER BY
  2 DESC,
  1 ASC
LIMIT 10000
