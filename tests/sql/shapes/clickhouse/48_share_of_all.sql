-- A share of everything: one row of totals beside each group; limits come last.
-- {"measures": ["orders.total", "orders.count"], "dimensions": ["users.city"], "percentOfTotal": [{"measure": "orders.total"}], "order": [["orders.total.percent_of_total", "desc"]], "limit": 5}
SELECT
  "answer"."users__city" AS "users__city",
  "answer"."orders__total" AS "orders__total",
  "answer"."orders__count" AS "orders__count",
  CASE
    WHEN "total"."total__1" <> 0
    THEN CAST("answer"."orders__total" AS Nullable(Float64)) / CAST("total"."total__1" AS Nullable(Float64))
  END AS "orders__total_percent_of_total"
FROM (
  SELECT
    "users".city AS "users__city",
    SUM("orders".amount) AS "orders__total",
    COUNT("orders".id) AS "orders__count"
  FROM public.users AS "users"
  LEFT JOIN (
    SELECT
      *
    FROM public.orders
    WHERE
      NOT deleted
  ) AS "orders"
    ON "users".id = "orders".user_id
  GROUP BY
    1
) AS "answer"
CROSS JOIN (
  SELECT
    "orders__total" AS "total__1"
  FROM (
    SELECT
      SUM("orders".amount) AS "orders__total"
    FROM (
      SELECT
        *
      FROM public.orders
      WHERE
        NOT deleted
    ) AS "orders"
  ) AS "total__answer"
) AS "total"
ORDER BY
  4 DESC,
  1 ASC
LIMIT 5
