-- The first values of a dimension alone: an INNER JOIN.
-- {"measures": ["orders.total"], "dimensions": ["users.city"], "top": {"dimension": "users.city", "by": "orders.total", "limit": 3}}
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
INNER JOIN (
  SELECT
    "users__city" AS "top__1"
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
    ORDER BY
      "orders__total" DESC NULLS LAST,
      "users__city" ASC
    LIMIT 3
  ) AS "top__answer"
) AS "top"
  ON "users".city IS NOT DISTINCT FROM "top"."top__1"
GROUP BY
  1
ORDER BY
  "orders__total" DESC NULLS LAST,
  "users__city" ASC
LIMIT 10000
