-- The total of fewer groups is computed once and joined null-safe to those that are shown
-- {"measures": ["orders.share"], "dimensions": ["users.city", "orders.status"]}
WITH "orders__measures" AS (
  /* orders.total by users.city, orders.status */
  SELECT
    "users".city AS "users__city",
    "orders".status AS "orders__status",
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
    1,
    2
), "orders__measures_2" AS (
  /* orders.total by users.city: added up */
  SELECT
    "users__city",
    SUM("orders__total") AS "orders__total"
  FROM "orders__measures"
  GROUP BY
    1
), "allStatuses__values" AS (
  /* orders.allStatuses by users.city */
  SELECT
    "users__city",
    SUM("orders__total") AS "orders__all_statuses"
  FROM "orders__measures_2"
  GROUP BY
    1
), "orders__all_statuses" AS (
  /* orders.allStatuses by users.city, orders.status: from the groups of what it is made of */
  SELECT
    "groups"."users__city" AS "users__city",
    "groups"."orders__status" AS "orders__status",
    "values"."orders__all_statuses" AS "orders__all_statuses"
  FROM "orders__measures" AS "groups"
  LEFT JOIN "allStatuses__values" AS "values"
    ON "groups"."users__city" IS NOT DISTINCT FROM "values"."users__city"
)
SELECT
  "users__city",
  "orders__status",
  CAST(1.0 * "orders__total" AS Nullable(Float64)) / "orders__all_statuses" AS "orders__share"
FROM (
  SELECT
    "users__city",
    "orders__status",
    any("orders__all_statuses") AS "orders__all_statuses",
    any("orders__total") AS "orders__total"
  FROM (
    SELECT
      "users__city",
      "orders__status",
      "orders__all_statuses",
      NULL AS "orders__total"
    FROM "orders__all_statuses"
    UNION ALL
    SELECT
      "users__city",
      "orders__status",
      NULL AS "orders__all_statuses",
      "orders__total"
    FROM "orders__measures"
  ) AS "parts"
  GROUP BY
    1,
    2
) AS "combined"
ORDER BY
  3 DESC,
  1 ASC,
  2 ASC
LIMIT 10000
