-- A filter on a measure that is not selected: HAVING.
-- {"measures": ["orders.count"], "dimensions": ["orders.status"], "filters": [{"member": "orders.total", "operator": "gt", "values": ["100.5"]}]}
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
HAVING
  SUM("orders".amount) > {p1:Decimal(76, 1)}
ORDER BY
  2 DESC,
  1 ASC
LIMIT 10000
-- ["100.5"]
