-- One time dimension by two granularities.
-- {"measures": ["orders.count"], "timeDimensions": [{"dimension": "orders.createdAt", "granularity": "month"}, {"dimension": "orders.createdAt", "granularity": "year"}]}
SELECT
  DATE_TRUNC('month', CAST("orders".created_at AS TIMESTAMP)) AS "orders__created_at_month",
  DATE_TRUNC('year', CAST("orders".created_at AS TIMESTAMP)) AS "orders__created_at_year",
  COUNT("orders".id) AS "orders__count"
FROM (
  SELECT
    *
  FROM public.orders
  WHERE
    NOT deleted
) AS "orders"
GROUP BY
  1,
  2
ORDER BY
  "orders__created_at_month" ASC,
  "orders__created_at_year" ASC
LIMIT 10000
