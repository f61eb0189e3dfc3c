-- A count of absent-able rows with a composite key: rows with any key column.
-- {"measures": ["lines.count", "lines.units"], "dimensions": ["orders.status"]}
SELECT
  "orders".status AS "orders__status",
  COUNT(
    CASE
      WHEN NOT (
        "lines".order_id IS NULL
      ) OR NOT (
        "lines".line IS NULL
      )
      THEN 1
    END
  ) AS "lines__count",
  SUM("lines".quantity) AS "lines__units"
FROM (
  SELECT
    *
  FROM public.orders
  WHERE
    NOT deleted
) AS "orders"
LEFT JOIN lines AS "lines"
  ON "orders".id = "lines".order_id
GROUP BY
  1
ORDER BY
  2 DESC,
  1 ASC
LIMIT 10000
