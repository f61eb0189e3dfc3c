-- A switch that a filter pins: only what its value needs is computed.
-- {"dimensions": ["orders.status"], "measures": ["orders.amountOrCount"], "filters": [{"member": "orders.unit", "operator": "equals", "values": ["money"]}]}
WITH "orders__measures" AS (
  /* orders.total by orders.status */
  SELECT
    "orders".status AS "orders__status",
    SUM("orders".amount) AS "orders__total"
  FROM (
    SELECT
      *
    FROM public.orders
    WHERE
      NOT deleted
  ) AS "orders"
  GROUP BY
    1
), "orders__amount_or_count" AS (
  /* orders.amountOrCount by orders.status: from the groups of what it is made of */
  SELECT
    "orders__status",
    "orders__total" AS "orders__amount_or_count"
  FROM "orders__measures"
)
SELECT
  "orders__status",
  "orders__amount_or_count"
FROM "orders__amount_or_count"
ORDER BY
  2 DESC,
  1 ASC
LIMIT 10000
