-- total counts the groups, without order and limit
-- {"measures": ["orders.total"], "dimensions": ["users.city"], "filters": [{"member": "orders.total", "operator": "gt", "values": ["5"]}], "total": true}
SELECT
  COUNT(*) AS `total_count`
FROM (
  SELECT
    `users`.city AS `users__city`,
    SUM(`orders`.amount) AS `orders__total`
  FROM public.users AS `users`
  LEFT JOIN (
    SELECT
      *
    FROM public.orders
    WHERE
      NOT deleted
  ) AS `orders`
    ON `users`.id = `orders`.user_id
  GROUP BY
    1
  HAVING
    SUM(`orders`.amount) > %s
) AS counted
-- ["5"]
