-- A sub-query under the query's filters: those on sub-queries stay outside.
-- {"dimensions": ["users.city", "users.spentAsAsked"], "filters": [{"member": "users.city", "operator": "equals", "values": ["Rome"]}, {"member": "users.spent", "operator": "set"}]}
SELECT
  "users".city AS "users__city",
  "users"."sub_query__spentAsAsked" AS "users__spent_as_asked"
FROM (
  SELECT
    "users".*,
    "sub_query__spent"."orders__total" AS "sub_query__spent",
    "sub_query__spentAsAsked"."orders__total" AS "sub_query__spentAsAsked"
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
    WHERE
      "users".city = {p1:String}
    GROUP BY
      1
  ) AS "sub_query__spentAsAsked"
    ON "users".id = "sub_query__spentAsAsked"."users__id"
) AS "users"
WHERE
  "users".city = {p2:String}
  AND NOT (
    "users"."sub_query__spent" IS NULL
  )
GROUP BY
  1,
  2
ORDER BY
  1 ASC,
  2 ASC
LIMIT 10000
-- ["Rome", "Rome"]
