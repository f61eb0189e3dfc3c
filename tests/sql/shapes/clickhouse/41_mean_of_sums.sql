-- The inner groups have one dimension more and are aggregated again; the cube is read once
-- {"measures": ["orders.meanUser"], "dimensions": ["users.city"]}
WITH "orders__measures" AS (
  /* orders.total by users.city, users.id */
  SELECT
    "users".city AS "users__city",
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
  /* orders.meanUser by users.city: from the groups of what it is made of */
  SELECT
    "users__city",
    toFloat64(
      toString(SUM("orders__total") * toDecimal256(1, 30) / greatest(COUNT("orders__total"), 1))
    ) AS "orders__mean_user"
  FROM "orders__measures"
  GROUP BY
    1
)
SELECT
  "users__city",
  "orders__mean_user"
FROM "orders__mean_user"
ORDER BY
  2 DESC,
  1 ASC
LIMIT 10000
