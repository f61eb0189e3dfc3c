-- A composed measure is computed from its leaves, the division as the model writes it.
-- {"measures": ["orders.paidShare"], "dimensions": ["orders.status"]}
SELECT
  "orders".status AS "orders__status",
  CAST(1.0 * COUNT(CASE WHEN "orders".status = 'paid' THEN "orders".id END) AS Nullable(Float64)) / nullIf(COUNT("orders".id), 0) AS "orders__paid_share"
FROM (
  SELECT
    *
  FROM public.orders
  WHERE
    NOT deleted
) AS "orders"
GROUP BY
  1
ORDER BY
  2 DESC,
  1 ASC
LIMIT 10000
