-- The first of one fact beside another: each under its own conditions
-- {"measures": ["orders.total", "returns.count"], "dimensions": ["users.city"], "filters": [{"member": "returns.reason", "operator": "equals", "values": ["broken"]}], "top": {"dimension": "users.city", "by": "orders.total", "limit": 3, "others": "others"}}
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
        ELSE {p1:String}
      END AS "top__shown",
      "groups"."orders__total"
    FROM "orders__measures" AS "groups"
    LEFT JOIN "top"
      ON "groups"."users__city" IS NOT DISTINCT FROM "top"."top__value"
  ) AS "cut"
  GROUP BY
    1
), "returns__measures" AS (
  /* returns.count by users.city */
  SELECT
    "users".city AS "users__city",
    COUNT("returns".id) AS "returns__count"
  FROM public.users AS "users"
  LEFT JOIN returns AS "returns"
    ON "users".id = "returns".user_id
  WHERE
    "returns".reason = {p2:String}
  GROUP BY
    1
), "returns__measures_2" AS (
  /* returns.count by users.city: the first of users.city and the others */
  SELECT
    "cut"."top__shown" AS "users__city",
    CAST(SUM("cut"."returns__count") AS Nullable(Int64)) AS "returns__count"
  FROM (
    SELECT
      CASE
        WHEN NOT (
          "top"."top__kept" IS NULL
        )
        THEN "groups"."users__city"
        ELSE {p3:String}
      END AS "top__shown",
      "groups"."returns__count"
    FROM "returns__measures" AS "groups"
    LEFT JOIN "top"
      ON "groups"."users__city" IS NOT DISTINCT FROM "top"."top__value"
  ) AS "cut"
  GROUP BY
    1
)
SELECT
  "users__city",
  "orders__total",
  "returns__count"
FROM (
  SELECT
    "users__city",
    any("orders__total") AS "orders__total",
    any("returns__count") AS "returns__count"
  FROM (
    SELECT
      "users__city",
      "orders__total",
      NULL AS "returns__count"
    FROM "orders__measures_2"
    UNION ALL
    SELECT
      "users__city",
      NULL AS "orders__total",
      "returns__count"
    FROM "returns__measures_2"
  ) AS "parts"
  GROUP BY
    1
) AS "combined"
ORDER BY
  2 DESC,
  1 ASC
LIMIT 10000
-- ["others", "broken", "others"]
