-- A rank within the kept dimension, told before the condition on it cuts the answer
-- {"measures": ["orders.place"], "dimensions": ["users.city", "orders.status"], "filters": [{"member": "orders.place", "operator": "lte", "values": ["3"]}]}
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
), "orders__place" AS (
  /* orders.place by users.city, orders.status: from the groups of what it is made of */
  SELECT
    "users__city",
    "orders__status",
    RANK() OVER (PARTITION BY "users__city" ORDER BY "orders__total" DESC) AS "orders__place"
  FROM "orders__measures"
)
SELECT
  "users__city",
  "orders__status",
  "orders__place"
FROM "orders__place"
WHERE
  "orders__place" <= {p1:Int64}
ORDER BY
  3 DESC,
  1 ASC,
  2 ASC
LIMIT 10000
-- ["3"]
