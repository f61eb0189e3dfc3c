-- A segment is a condition in parentheses.
-- {"measures": ["orders.count"], "segments": ["orders.web"], "filters": [{"member": "orders.isPaid", "operator": "equals", "values": ["true"]}]}
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
  (
    `orders`.status = 'paid'
  ) = %s
  AND (
    `orders`.channel = 'web' OR `orders`.channel IS NULL
  )
LIMIT 10000
-- [true]
