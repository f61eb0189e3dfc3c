-- Rows that a join repeats are grouped, though their key is among the groups
-- {"dimensions": ["orders.id", "lines.sku"]}
SELECT
  "orders".id AS "orders__id",
  "lines".sku AS "lines__sku"
FROM (
  SELECT
    *
  FROM public.orders
  WHERE
    NOT deleted
) AS "orders"
LEFT JOIN lines AS "lines"
  ON "orders".id = "lines".order_id
GROUP BY
  1,
  2
ORDER BY
  1 ASC,
  2 ASC
LIMIT 10000
