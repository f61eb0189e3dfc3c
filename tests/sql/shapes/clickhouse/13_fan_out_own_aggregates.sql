-- A measure with aggregates of its own over repeated rows: its columns are carried along.
-- {"measures": ["orders.spread"], "dimensions": ["lines.sku"]}
SELECT
  "orders__rows"."lines__sku" AS "lines__sku",
  max("orders__rows"."amount") - min("orders__rows"."amount") AS "orders__spread"
FROM (
  SELECT DISTINCT
    "lines".sku AS "lines__sku",
    "orders".id AS "key__id",
    "orders".amount AS "amount"
  FROM (
    SELECT
      *
    FROM public.orders
    WHERE
      NOT deleted
  ) AS "orders"
  LEFT JOIN lines AS "lines"
    ON "orders".id = "lines".order_id
) AS "orders__rows"
GROUP BY
  1
ORDER BY
  2 DESC,
  1 ASC
LIMIT 10000
