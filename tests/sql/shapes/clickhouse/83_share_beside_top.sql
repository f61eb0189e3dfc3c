-- Shares beside the first values: both are made of the groups by all values, which are read once
-- {"measures": ["orders.total"], "dimensions": ["orders.status"], "percentOfTotal": [{"measure": "orders.total"}], "top": {"dimension": "orders.status", "by": "orders.total", "limit": 3, "others": "Others"}}
SELECT
  "answer"."orders__status" AS "orders__status",
  "answer"."orders__total" AS "orders__total",
  CASE
    WHEN SUM("answer"."orders__total") OVER () <> 0
    THEN CAST("answer"."orders__total" AS Nullable(Float64)) / CAST(SUM("answer"."orders__total") OVER () AS Nullable(Float64))
  END AS "orders__total_percent_of_total"
FROM (
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
  ), "top" AS (
    /* the first values of orders.status by orders.total */
    SELECT
      "groups"."orders__status" AS "top__value",
      "groups"."orders__total" AS "top__by",
      1 AS "top__kept"
    FROM "orders__measures" AS "groups"
    ORDER BY
      "top__by" DESC,
      "top__value" ASC
    LIMIT 3
  ), "orders__measures_2" AS (
    /* orders.total by orders.status: the first of orders.status and the others */
    SELECT
      "cut"."top__shown" AS "orders__status",
      SUM("cut"."orders__total") AS "orders__total"
    FROM (
      SELECT
        CASE
          WHEN NOT (
            "top"."top__kept" IS NULL
          )
          THEN "groups"."orders__status"
          ELSE {p1:String}
        END AS "top__shown",
        "groups"."orders__total"
      FROM "orders__measures" AS "groups"
      LEFT JOIN "top"
        ON "groups"."orders__status" IS NOT DISTINCT FROM "top"."top__value"
    ) AS "cut"
    GROUP BY
      1
  )
  SELECT
    "orders__status",
    "orders__total"
  FROM "orders__measures_2"
) AS "answer"
ORDER BY
  2 DESC,
  1 ASC
LIMIT 10000
-- ["Others"]
