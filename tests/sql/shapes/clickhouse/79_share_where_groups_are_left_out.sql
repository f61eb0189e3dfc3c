-- A share is of all groups, so a condition on them is tested after their sum: one scan
-- {"measures": ["orders.count"], "dimensions": ["orders.status"], "percentOfTotal": [{"measure": "orders.count"}], "filters": [{"member": "orders.count", "operator": "gt", "values": ["5"]}], "limit": 10}
SELECT
  "orders__status",
  "orders__count",
  "orders__count_percent_of_total"
FROM (
  SELECT
    "answer"."orders__status" AS "orders__status",
    "answer"."orders__count" AS "orders__count",
    CASE
      WHEN SUM("answer"."orders__count") OVER () <> 0
      THEN CAST("answer"."orders__count" AS Nullable(Float64)) / CAST(SUM("answer"."orders__count") OVER () AS Nullable(Float64))
    END AS "orders__count_percent_of_total"
  FROM (
    SELECT
      "orders".status AS "orders__status",
      COUNT("orders".id) AS "orders__count"
    FROM (
      SELECT
        *
      FROM public.orders
      WHERE
        NOT deleted
    ) AS "orders"
    GROUP BY
      1
  ) AS "answer"
) AS "whole"
WHERE
  "orders__count" > {p1:Int64}
ORDER BY
  2 DESC,
  1 ASC
LIMIT 10
-- ["5"]
