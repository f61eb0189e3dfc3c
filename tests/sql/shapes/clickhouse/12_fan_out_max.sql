-- A maximum over repeated rows needs no reduction.
-- {"measures": ["users.oldest"], "dimensions": ["orders.status"]}
SELECT
  "orders".status AS "orders__status",
  MAX("users".age) AS "users__oldest"
FROM public.users AS "users"
LEFT JOIN (
  SELECT
    *
  FROM public.orders
  WHERE
    NOT deleted
) AS "orders"
  ON "users".id = "orders".user_id
GROUP BY
  1
ORDER BY
  2 DESC,
  1 ASC
LIMIT 10000
