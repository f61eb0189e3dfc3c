-- The first values of a dimension: ranked by themselves first; rows of the others are one group.
-- {"measures": ["orders.total", "users.count"], "dimensions": ["users.city"], "top": {"dimension": "users.city", "by": "orders.total", "limit": 3, "others": "Others"}}
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
    "groups"."orders__total" AS "top__by",
    1 AS "top__kept"
  FROM "orders__measures" AS "groups"
  ORDER BY
    "top__by" DESC,
    "top__value" ASC
  LIMIT 3
), "users__measures" AS (
  /* users.count by users.city */
  SELECT
    "users".city AS "users__city",
    COUNT("users".id) AS "users__count"
  FROM public.users AS "users"
  GROUP BY
    1
), "users__measures_2" AS (
  /* users.count by users.city: the first of users.city and the others */
  SELECT
    "cut"."top__shown" AS "users__city",
    CAST(SUM("cut"."users__count") AS Nullable(Int64)) AS "users__count"
  FROM (
    SELECT
      CASE
        WHEN NOT (
          "top"."top__kept" IS NULL
        )
        THEN "groups"."users__city"
        ELSE {p1:String}
      END AS "top__shown",
      "groups"."users__count"
    FROM "users__measures" AS "groups"
    LEFT JOIN "top"
      ON "groups"."users__city" IS NOT DISTINCT FROM "top"."top__value"
  ) AS "cut"
  GROUP BY
    1
), "orders__measures_2" AS (
  /* orders.total by users.city: the first of users.city and the others */
  SELECT
    "cut"."top__shown" AS "users__city",
    SUM("cut"."orders__total") AS "orders__total"
  FROM (
    SELECT
      CASE
        WHEN NOT (
          "top"."top__kept" IS NULL
        )
        THEN "groups"."users__city"
        ELSE {p2:String}
      END AS "top__shown",
      "groups"."orders__total"
    FROM "orders__measures" AS "groups"
    LEFT JOIN "top"
      ON "groups"."users__city" IS NOT DISTINCT FROM "top"."top__value"
  ) AS "cut"
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
    any("users__count") AS "users__count",
    any("orders__total") AS "orders__total"
  FROM (
    SELECT
      "users__city",
      "users__count",
      NULL AS "orders__total"
    FROM "users__measures_2"
    UNION ALL
    SELECT
      "users__city",
      NULL AS "users__count",
      "orders__total"
    FROM "orders__measures_2"
  ) AS "parts"
  GROUP BY
    1
) AS "combined"
ORDER BY
  2 DESC,
  1 ASC
LIMIT 10000
-- ["Others", "Others"]
