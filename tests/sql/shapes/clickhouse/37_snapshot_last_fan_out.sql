-- The last snapshot over repeated rows: one row per group and key first.
-- {"measures": ["orders.pending"], "dimensions": ["lines.sku"]}
SELECT
  "orders__marked"."lines__sku" AS "lines__sku",
  SUM(
    CASE
      WHEN "orders__marked"."time__pending" = "orders__marked"."edge__pending"
      THEN "orders__marked"."input__pending"
    END
  ) AS "orders__pending"
FROM (
  SELECT
    "orders__rows"."lines__sku",
    "orders__rows"."input__pending",
    "orders__rows"."time__pending",
    MAX("orders__rows"."time__pending") OVER (PARTITION BY "orders__rows"."lines__sku", "orders__rows"."by__status") AS "edge__pending"
  FROM (
    SELECT DISTINCT
      "lines".sku AS "lines__sku",
      "orders".id AS "key__id",
      "orders".status AS "by__status",
      "orders".amount AS "input__pending",
      "orders".created_at AS "time__pending"
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
) AS "orders__marked"
GROUP BY
  1
ORDER BY
  2 DESC,
  1 ASC
LIMIT 10000
