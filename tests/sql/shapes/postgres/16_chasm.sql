-- Two facts without dimensions: one row each, combined without GROUP BY.
-- {"measures": ["orders.total", "returns.count"]}
WITH "orders__measures" AS (
  /* orders.total in all */
  SELECT
    SUM("orders".amount) AS "orders__total"
  FROM (
    SELECT
      *
    FROM public.orders
    WHERE
      NOT deleted
  ) AS "orders"
), "returns__measures" AS (
  /* returns.count in all */
  SELECT
    COUNT("returns".id) AS "returns__count"
  FROM returns AS "returns"
)
SELECT
  "orders__total",
  "returns__count"
FROM (
  SELECT
    MAX("orders__total") AS "orders__total",
    MAX("returns__count") AS "returns__count"
  FROM (
    SELECT
      "orders__total",
      (
        SELECT
          "returns__count"
        FROM "returns__measures"
        WHERE
          FALSE
      ) AS "returns__count"
    FROM "orders__measures"
    UNION ALL
    SELECT
      (
        SELECT
          "orders__total"
        FROM "orders__measures"
        WHERE
          FALSE
      ) AS "orders__total",
      "returns__count"
    FROM "returns__measures"
  ) AS "parts"
) AS "combined"
LIMIT 10000
