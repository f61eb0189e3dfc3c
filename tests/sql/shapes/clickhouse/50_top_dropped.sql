-- The first values of a dimension alone: an INNER JOIN.
-- {"measures": ["orders.total"], "dimensions": ["users.city"], "top": {"dimension": "users.city", "by": "orders.total", "limit": 3}}
WITH "orders__measures" AS (
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
), "top" AS (
  /* the first values of users.city by orders.total */
  SELECT
    "groups"."users__city" AS "top__value",
    "groups"."orders__total" AS "top__by"
  FROM "orders__measures" AS "groups"
  ORDER BY
    "top__by" DESC,
    "top__value" ASC
  LIMIT 3
), "orders__measures_2" AS (
  /* orders.total by users.city: the first of users.city */
  SELECT
    "groups"."users__city" AS "users__city",
    "groups"."orders__total" AS "orders__total"
  FROM "orders__measures" AS "groups"
  INNER JOIN "top"
    ON "groups"."users__city" IS NOT DISTINCT FROM "top"."top__value"
)
SELECT
  "users__city",
  "orders__total"
FROM "orders__measures_2"
ORDER BY
  2 DESC,
  1 ASC
LIMIT 10000
