-- A filter on a measure of a combined answer: WHERE on the combined rows.
-- {"measures": ["orders.total"], "dimensions": ["users.city"], "filters": [{"member": "users.credit", "operator": "gt", "values": ["0"]}]}
WITH "users__measures" AS (
  /* users.credit by users.city */
  SELECT
    "users".city AS "users__city",
    SUM("users".credit) AS "users__credit"
  FROM public.users AS "users"
  GROUP BY
    1
), "orders__measures" AS (
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
)
SELECT
  "users__city",
  "orders__total"
FROM (
  SELECT
    "users__city",
    any("users__credit") AS "users__credit",
    any("orders__total") AS "orders__total"
  FROM (
    SELECT
      "users__city",
      "users__credit",
      NULL AS "orders__total"
    FROM "users__measures"
    UNION ALL
    SELECT
      "users__city",
      NULL AS "users__credit",
      "orders__total"
    FROM "orders__measures"
  ) AS "parts"
  GROUP BY
    1
) AS "combined"
WHERE
  "users__credit" > {p1:Int64}
ORDER BY
  2 DESC,
  1 ASC
LIMIT 10000
-- ["0"]
