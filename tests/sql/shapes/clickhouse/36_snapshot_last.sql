-- The last snapshot of each status in a group: the edge is found by a window over the group's rows.
-- {"measures": ["orders.pending", "orders.count"], "dimensions": ["users.city"]}
WITH "orders__measures" AS (
  /* orders.count by users.city */
  SELECT
    "users".city AS "users__city",
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
), "orders__measures_2" AS (
  /* orders.pending by users.city: of the last orders.createdAt of each group */
  SELECT
    "orders__marked"."users__city" AS "users__city",
    SUM(
      CASE
        WHEN "orders__marked"."time__pending" = "orders__marked"."edge__pending"
        THEN "orders__marked"."input__pending"
      END
    ) AS "orders__pending"
  FROM (
    SELECT
      "orders__rows"."users__city",
      "orders__rows"."input__pending",
      "orders__rows"."time__pending",
      MAX("orders__rows"."time__pending") OVER (PARTITION BY "orders__rows"."users__city", "orders__rows"."by__status") AS "edge__pending"
    FROM (
      SELECT
        "users".city AS "users__city",
        "orders".status AS "by__status",
        "orders".amount AS "input__pending",
        "orders".created_at AS "time__pending"
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
)
SELECT
  "users__city",
  "orders__pending",
  "orders__count"
FROM (
  SELECT
    "users__city",
    any("orders__count") AS "orders__count",
    any("orders__pending") AS "orders__pending"
  FROM (
    SELECT
      "users__city",
      "orders__count",
      NULL AS "orders__pending"
    FROM "orders__measures"
    UNION ALL
    SELECT
      "users__city",
      NULL AS "orders__count",
      "orders__pending"
    FROM "orders__measures_2"
  ) AS "parts"
  GROUP BY
    1
) AS "combined"
ORDER BY
  "orders__pending" DESC,
  "users__city" ASC
LIMIT 10000
