-- Exact distinct count over a fan-out, from the many side
-- {"measures": ["lines.skus"], "dimensions": ["users.city"]}
SELECT
  `users`.city AS `users__city`,
  COUNT(DISTINCT `lines`.sku) AS `lines__skus`
FROM public.users AS `users`
LEFT JOIN (
  SELECT
    *
  FROM public.orders
  WHERE
    NOT deleted
) AS `orders`
  ON `users`.id = `orders`.user_id
LEFT JOIN `lines` AS `lines`
  ON `orders`.id = `lines`.order_id
GROUP BY
  1
ORDER BY
  `lines__skus` DESC,
  CASE WHEN `users`.city IS NULL THEN 1 ELSE 0 END, `users`.city ASC
LIMIT 10000
