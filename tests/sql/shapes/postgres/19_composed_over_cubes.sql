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
  CASE
    WHEN CAST(PG_TYPEOF("orders__total" / NULLIF("users__count", 0)) AS TEXT) = 'numeric'
    THEN CAST("orders__total" AS DOUBLE PRECISION) / NULLIF("users__count", 0)
    ELSE "orders__total" / NULLIF("users__count", 0)
  END AS "orders__total_per_user"
FROM (
  SELECT
    "users__city",
    MAX("users__count") AS "users__count",
    MAX("orders__total") AS "orders__total"
  FROM (
    SELECT
      "users__city",
      "users__count",
      (
        SELECT
          "orders__total"
        FROM "orders__measures"
        WHERE
          FALSE
      ) AS "orders__total"
    FROM "users__measures"
    UNION ALL
    SELECT
      "users__city",
      (
        SELECT
          "users__count"
        FROM "users__measures"
        WHERE
          FALSE
      ) AS "users__count",
      "orders__total"
    FROM "orders__measures"
  ) AS "parts"
  GROUP BY
    1
) AS "combined"
ORDER BY
  "orders__total_per_user" DESC NULLS LAST,
  "users__city" ASC
LIMIT 10000
