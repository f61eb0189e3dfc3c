-- The last snapshot of each status in a group: the edge is found by a window over the group's rows.
-- {"measures": ["orders.pending", "orders.count"], "dimensions": ["users.city"]}
SELECT
  "orders__marked"."users__city" AS "users__city",
  SUM(
    CASE
      WHEN "orders__marked"."time__pending" = "orders__marked"."edge__pending"
      THEN "orders__marked"."input__pending"
    END
  ) AS "orders__pending",
  COUNT("orders__marked"."input__count") AS "orders__count"
FROM (
  SELECT
    "orders__rows"."users__city",
    "orders__rows"."input__pending",
    "orders__rows"."time__pending",
    "orders__rows"."input__count",
    MAX("orders__rows"."time__pending") OVER (PARTITION BY "orders__rows"."users__city", "orders__rows"."by__status") AS "edge__pending"
  FROM (
    SELECT
      "users".city AS "users__city",
      "orders".status AS "by__status",
      "orders".amount AS "input__pending",
      "orders".created_at AS "time__pending",
      "orders".id AS "input__count"
    FROM public.users AS "users"
    LEFT JOIN (
      SELECT
        *
      FROM public.orders
      WHERE
        NOT deleted
    ) AS "orders"
      ON "users".id = "orders".user_id
  ) AS "orders__rows"
) AS "orders__marked"
GROUP BY
  1
ORDER BY
  2 DESC,
  1 ASC
LIMIT 10000
