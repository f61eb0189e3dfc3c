-- The first values of a dimension: ranked by themselves first; rows of the others are one group.
-- {"measures": ["orders.total", "users.count"], "dimensions": ["users.city"], "top": {"dimension": "users.city", "by": "orders.total", "limit": 3, "others": "Others"}}
WITH "users__measures" AS (
  /* users.count by users.city */
  SELECT
    CASE
      WHEN NOT "top"."top__kept" IS NULL
      THEN "users".city
      ELSE ?
    END AS "users__city",
    COUNT("users".id) AS "users__count"
  FROM public.users AS "users"
  LEFT JOIN (
    SELECT
      "users__city" AS "top__1",
      1 AS "top__kept"
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
        "orders__total" DESC,
        "users__city" ASC
      LIMIT 3
    ) AS "top__answer"
  ) AS "top"
    ON "users".city IS NOT DISTINCT FROM "top"."top__1"
  GROUP BY
    1
), "orders__measures" AS (
  /* orders.total by users.city */
  SELECT
    CASE
      WHEN NOT "top"."top__kept" IS NULL
      THEN "users".city
      ELSE ?
    END AS "users__city",
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
  LEFT JOIN (
    SELECT
      "users__city" AS "top__1",
      1 AS "top__kept"
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
        "orders__total" DESC,
        "users__city" ASC
      LIMIT 3
    ) AS "top__answer"
  ) AS "top"
    ON "users".city IS NOT DISTINCT FROM "top"."top__1"
  GROUP BY
    1
)
SELECT
  "users__city",
  "orders__total",
  "users__count"
FROM (
  SELECT
    "users__city",
    MAX("users__count") AS "users__count",
    MAX("orders__total") AS "orders__total"
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
  "orders__total" DESC,
  "users__city" ASC
LIMIT 10000
-- ["Others", "Others"]
