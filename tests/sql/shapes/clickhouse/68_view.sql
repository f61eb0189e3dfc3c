-- A view's members are its cubes'; its path is the join
-- {"measures": ["shop.total", "shop.lines_units"], "dimensions": ["shop.lines_sku"], "filters": [{"member": "shop.status", "operator": "equals", "values": ["paid"]}]}
WITH "orders__measures" AS (
  /* orders.total by shop.lines_sku: each row of orders once per group */
  SELECT
    "orders__rows"."shop__lines_sku" AS "shop__lines_sku",
    SUM("orders__rows"."input__total") AS "orders__total"
  FROM (
    SELECT DISTINCT
      "lines".sku AS "shop__lines_sku",
      "orders".id AS "key__id",
      "orders".amount AS "input__total"
    FROM (
      SELECT
        *
      FROM public.orders
      WHERE
        NOT deleted
    ) AS "orders"
    LEFT JOIN lines AS "lines"
      ON "orders".id = "lines".order_id
    WHERE
      "orders".status = {p1:String}
  ) AS "orders__rows"
  GROUP BY
    1
), "lines__measures" AS (
  /* lines.units by shop.lines_sku */
  SELECT
    "lines".sku AS "shop__lines_sku",
    SUM("lines".quantity) AS "lines__units"
  FROM (
    SELECT
      *
    FROM public.orders
    WHERE
      NOT deleted
  ) AS "orders"
  LEFT JOIN lines AS "lines"
    ON "orders".id = "lines".order_id
  WHERE
    "orders".status = {p2:String}
  GROUP BY
    1
)
SELECT
  "shop__lines_sku",
  "orders__total" AS "shop__total",
  "lines__units" AS "shop__lines_units"
FROM (
  SELECT
    "shop__lines_sku",
    any("orders__total") AS "orders__total",
    any("lines__units") AS "lines__units"
  FROM (
    SELECT
      "shop__lines_sku",
      "orders__total",
      NULL AS "lines__units"
    FROM "orders__measures"
    UNION ALL
    SELECT
      "shop__lines_sku",
      NULL AS "orders__total",
      "lines__units"
    FROM "lines__measures"
  ) AS "parts"
  GROUP BY
    1
) AS "combined"
ORDER BY
  2 DESC,
  1 ASC
LIMIT 10000
-- ["paid", "paid"]
