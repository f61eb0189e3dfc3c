-- A dimension made of a measure: under the query's conditions, but that on itself.
-- {"dimensions": ["users.tier"], "measures": ["users.count"], "filters": [{"member": "orders.status", "operator": "equals", "values": ["paid"]}, {"member": "users.tier", "operator": "equals", "values": ["big"]}]}
SELECT
  "users"."sub_query__tier" AS "users__tier",
  uniqExact("users".id) AS "users__count"
FROM (
  SELECT
    "users".*,
    CASE
      WHEN NOT (
        "sub_query__tier"."sub_query__present" IS NULL
      )
      THEN CASE WHEN "sub_query__tier"."orders__total" > 100 THEN 'big' ELSE 'small' END
    END AS "sub_query__tier"
  FROM public.users AS "users"
  LEFT JOIN (
    SELECT
      *,
      1 AS "sub_query__present"
    FROM (
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
        "orders".status = {p1:String}
      GROUP BY
        1
    ) AS "answer"
  ) AS "sub_query__tier"
    ON "users".id = "sub_query__tier"."users__id"
) AS "users"
LEFT JOIN (
  SELECT
    *
  FROM public.orders
  WHERE
    NOT deleted
) AS "orders"
  ON "users".id = "orders".user_id
WHERE
  "orders".status = {p2:String}
  AND "users"."sub_query__tier" = {p3:String}
GROUP BY
  1
ORDER BY
  2 DESC,
  1 ASC
LIMIT 10000
-- ["paid", "paid", "big"]
