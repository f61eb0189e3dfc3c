-- A value with a quote is a parameter
-- {"measures": ["orders.count"], "filters": [{"member": "orders.status", "operator": "contains", "values": ["it's 100% \\ _"]}]}
SELECT
  COUNT(`orders`.id) AS `orders__count`
FROM (
  SELECT
    *
  FROM public.orders
  WHERE
    NOT deleted
) AS `orders`
WHERE
  LOWER(CAST(`orders`.status AS CHAR)) COLLATE utf8mb4_bin LIKE LOWER(%s)
LIMIT 10000
-- ["%it's 100\\% \\\\ \\_%"]
