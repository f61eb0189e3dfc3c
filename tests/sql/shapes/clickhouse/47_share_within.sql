-- A share within a group: the answer beside its totals, joined null-safe.
-- {"measures": ["orders.total"], "dimensions": ["users.city", "orders.status"], "percentOfTotal": [{"measure": "orders.total", "within": ["users.city"]}]}
SELECT
  "answer"."users__city" AS "users__city",
  "answer"."orders__status" AS "orders__status",
  "answer"."orders__total" AS "orders__total",
  CASE
    WHEN SUM("answer"."orders__total") OVER (PARTITION BY "answer"."users__city") <> 0
    THEN CAST("answer"."orders__total" AS Nullable(Float64)) / CAST(SUM("answer"."orders__total") OVER (PARTITION BY "answer"."users__city") AS Nullable(Float64))
  END AS "orders__total_percent_of_total"
FROM (
  SELECT
    "users".city AS "users__city",
    "orders".status AS "orders__status",
    SUM("orders".amount) AS "orders__total"
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
    1,
    2
) AS "answer"
ORDER BY
  3 DESC,
  1 ASC,
  2 ASC
LIMIT 10000
