-- One `or` over a measure and a dimension: evaluated on the groups.
-- {"measures": ["orders.count"], "dimensions": ["orders.status"], "filters": [{"or": [{"member": "orders.count", "operator": "gt", "values": ["5"]}, {"member": "orders.status", "operator": "equals", "values": ["new"]}]}]}
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
  COUNT("orders".id) > {p1:Int64}
  OR "orders".status = {p2:String}
ORDER BY
  2 DESC,
  1 ASC
LIMIT 10000
-- ["5", "new"]
