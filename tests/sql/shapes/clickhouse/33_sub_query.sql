-- A sub-query: a column of its cube's rows, from a SELECT of its own by the cube's key.
-- {"dimensions": ["users.spent"], "measures": ["users.count"], "filters": [{"member": "users.spent", "operator": "gt", "values": ["10"]}]}
SELECT
  "users"."sub_query__spent" AS "users__spent",
  COUNT("users".id) AS "users__count"
FROM (
  SELECT
    "users".*,
    "sub_query__spent"."orders__total" AS "sub_query__spent"
  FROM public.users AS "users"
  LEFT JOIN (
    SELECT
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
      1
  ) AS "sub_query__spent"
    ON "users".id = "sub_query__spent"."users__id"
) AS "users"
WHERE
  "users"."sub_query__spent" > {p1:Int64}
GROUP BY
  1
ORDER BY
  2 DESC,
  1 ASC
LIMIT 10000
-- ["10"]
