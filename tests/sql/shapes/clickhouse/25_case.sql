-- A case dimension with a label that is SQL.
-- {"measures": ["orders.count"], "dimensions": ["orders.size"]}
SELECT
  CASE
    WHEN "orders".amount > 100
    THEN 'big'
    WHEN "orders".amount > 10
    THEN "orders".size_name
    ELSE 'small'
  END AS "orders__size",
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
ORDER BY
  2 DESC,
  1 ASC
LIMIT 10000
