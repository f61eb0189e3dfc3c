-- Exact distinct count over a fan-out, from the many side
-- {"measures": ["lines.skus"], "dimensions": ["users.city"]}
SELECT
  "users".city AS "users__city",
  uniqExact("lines".sku) AS "lines__skus"
FROM public.users AS "users"
LEFT JOIN (
  SELECT
    *
  FROM public.orders
  WHERE
    NOT deleted
) AS "orders"
  ON "users".id = "orders".user_id
LEFT JOIN lines AS "lines"
  ON "orders".id = "lines".order_id
GROUP BY
  1
ORDER BY
  2 DESC,
  1 ASC
LIMIT 10000
