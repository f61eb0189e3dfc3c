-- An offset without a limit; the key tells the rows apart, so they are not grouped
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
ORDER BY
  1 ASC
LIMIT 10000
OFFSET 5
