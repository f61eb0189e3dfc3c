-- A ratio over two cubes: computed after combining.
-- {"measures": ["orders.totalPerUser"], "dimensions": ["users.city"]}
WITH "users__measures" AS (
  /* users.count by users.city */
  SELECT
    "users".city AS "users__city",
    COUNT("users".id) AS "users__count"
  FROM public.users AS "users"
  GROUP BY
    1
), "orders__measures" AS (
  /* orders.total by users.city */
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
)
SELECT
  "users__city",
  CAST("orders__total" AS Nullable(Float64)) / nullIf("users__count", 0) AS "orders__total_per_user"
FROM (
  SELECT
    "users__city",
    any("users__count") AS "users__count",
    any("orders__total") AS "orders__total"
  FROM (
    SELECT
      "users__city",
      "users__count",
      NULL AS "orders__total"
    FROM "users__measures"
    UNION ALL
    SELECT
      "users__city",
      NULL AS "users__count",
      "orders__total"
    FROM "orders__measures"
  ) AS "parts"
  GROUP BY
    1
) AS "combined"
ORDER BY
  2 DESC,
  1 ASC
LIMIT 10000
