-- A sum over repeated rows: first one row per group and key, then the sum.
-- {"measures": ["users.credit", "users.count"], "dimensions": ["orders.status"]}
SELECT
  "users__rows"."orders__status" AS "orders__status",
  SUM("users__rows"."input__credit") AS "users__credit",
  COUNT("users__rows"."key__id") AS "users__count"
FROM (
  SELECT DISTINCT
    "orders".status AS "orders__status",
    "users".id AS "key__id",
    "users".credit AS "input__credit"
  FROM public.users AS "users"
  LEFT JOIN (
    SELECT
      *
    FROM public.orders
    WHERE
      NOT deleted
  ) AS "orders"
    ON "users".id = "orders".user_id
) AS "users__rows"
GROUP BY
  1
ORDER BY
  2 DESC,
  1 ASC
LIMIT 10000
