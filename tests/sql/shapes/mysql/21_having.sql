-- A filter on a measure that is not selected: HAVING.
-- {"measures": ["orders.count"], "dimensions": ["orders.status"], "filters": [{"member": "orders.total", "operator": "gt", "values": ["100.5"]}]}
SELECT
  `orders`.status AS `orders__status`,
  COUNT(`orders`.id) AS `orders__count`
FROM (
  SELECT
    *
  FROM public.orders
  WHERE
    NOT deleted
) AS `orders`
GROUP BY
  1
HAVING
  SUM(`orders`.amount) > %s
ORDER BY
  `orders__count` DESC,
  CASE WHEN `orders`.status IS NULL THEN 1 ELSE 0 END, `orders`.status ASC
LIMIT 10000
-- ["100.5"]
