-- A share within a group: the answer beside its totals, joined null-safe.
-- {"measures": ["orders.total"], "dimensions": ["users.city", "orders.status"], "percentOfTotal": [{"measure": "orders.total", "within": ["users.city"]}]}
SELECT
  "answer"."users__city" AS "users__city",
  "answer"."orders__status" AS "orders__status",
  "answer"."orders__total" AS "orders__total",
  CASE
    WHEN "total"."total__2" <> 0
    THEN CAST("answer"."orders__total" AS DOUBLE PRECISION) / CAST("total"."total__2" AS DOUBLE PRECISION)
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
LEFT JOIN (
  SELECT
    "users__city" AS "total__1",
    "orders__total" AS "total__2"
  FROM (
    SELECT
      "users".city AS "users__city",
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
      1
  ) AS "total__answer"
) AS "total"
  ON "answer"."users__city" IS NOT DISTINCT FROM "total"."total__1"
ORDER BY
  "orders__total" DESC NULLS LAST,
  "users__city" ASC,
  "orders__status" ASC
LIMIT 10000
