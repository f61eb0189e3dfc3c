-- An offset without a limit
-- {"dimensions": ["orders.id"], "offset": 5}
SELECT
  "orders".id AS "orders__id"
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
  "orders__id" ASC
LIMIT 10000
OFFSET 5
