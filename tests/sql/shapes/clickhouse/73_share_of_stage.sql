-- Two stages over different joins, each from its own groups; all statuses are added up from those groups
-- {"measures": ["orders.meanUser", "orders.share"], "dimensions": ["orders.status"]}
WITH "orders__measures" AS (
  /* orders.total by orders.status, users.id */
  SELECT
    "orders".status AS "orders__status",
    "users".id AS "users__id",
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
), "orders__mean_user" AS (
  /* orders.meanUser by orders.status: from the groups of what it is made of */
  SELECT
    "orders__status",
    toFloat64(
      toString(SUM("orders__total") * toDecimal256(1, 30) / greatest(COUNT("orders__total"), 1))
    ) AS "orders__mean_user"
  FROM "orders__measures"
  GROUP BY
    1
), "orders__measures_2" AS (
  /* orders.total by orders.status */
  SELECT
    "orders".status AS "orders__status",
    SUM("orders".amount) AS "orders__total"
  FROM (
    SELECT
      *
    FROM public.orders
    WHERE
      NOT deleted
  ) AS "orders"
  GROUP BY
    1
), "orders__measures_3" AS (
  /* orders.total in all: added up */
  SELECT
    SUM("orders__total") AS "orders__total"
  FROM "orders__measures_2"
), "allStatuses__values" AS (
  /* orders.allStatuses in all */
  SELECT
    SUM("orders__total") AS "orders__all_statuses"
  FROM "orders__measures_3"
), "orders__all_statuses" AS (
  /* orders.allStatuses by orders.status: from the groups of what it is made of */
  SELECT
    "groups"."orders__status" AS "orders__status",
    "values"."orders__all_statuses" AS "orders__all_statuses"
  FROM "orders__measures_2" AS "groups"
  CROSS JOIN "allStatuses__values" AS "values"
)
SELECT
  "orders__status",
  "orders__mean_user",
  CAST(1.0 * "orders__total" AS Nullable(Float64)) / "orders__all_statuses" AS "orders__share"
FROM (
  SELECT
    "orders__status",
    any("orders__mean_user") AS "orders__mean_user",
    any("orders__all_statuses") AS "orders__all_statuses",
    any("orders__total") AS "orders__total"
  FROM (
    SELECT
      "orders__status",
      "orders__mean_user",
      NULL AS "orders__all_statuses",
      NULL AS "orders__total"
    FROM "orders__mean_user"
    UNION ALL
    SELECT
      "orders__status",
      NULL AS "orders__mean_user",
      "orders__all_statuses",
      NULL AS "orders__total"
    FROM "orders__all_statuses"
    UNION ALL
    SELECT
      "orders__status",
      NULL AS "orders__mean_user",
      NULL AS "orders__all_statuses",
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
