-- An approximate distinct count, where the engine has one
-- {"measures": ["lines.skusAbout"], "dimensions": ["users.city"]}
SELECT
  "users".city AS "users__city",
  uniq("lines".sku) AS "lines__skus_about"
FROM public.users AS "users"
LEFT JOIN (
  SELECT
    *
  FROM public.orders
  WHERE
    NOT deleted
) AS "orders"
  ON "users".id = "orders".user_id
LEFT JOIN lines AS "lines"
  ON "orders".id = "lines".order_id
GROUP BY
  1
ORDER BY
  2 DESC,
  1 ASC
LIMIT 10000
