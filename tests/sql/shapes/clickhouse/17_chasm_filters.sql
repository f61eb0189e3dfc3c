-- A filter on one fact's own member restricts that fact; one on the shared dimension both.
-- {"measures": ["orders.total", "returns.count"], "dimensions": ["users.city"], "filters": [{"member": "orders.status", "operator": "equals", "values": ["paid"]}, {"member": "users.city", "operator": "set"}]}
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
  WHERE
    "orders".status = {p1:String}
    AND NOT (
      "users".city IS NULL
    )
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
    NOT (
      "users".city IS NULL
    )
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
    FROM "orders__measures"
    UNION ALL
    SELECT
      "users__city",
      NULL AS "orders__total",
      "returns__count"
    FROM "returns__measures"
  ) AS "parts"
  GROUP BY
    1
) AS "combined"
ORDER BY
  2 DESC,
  1 ASC
LIMIT 10000
-- ["paid"]
