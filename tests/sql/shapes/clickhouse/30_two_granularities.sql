-- One time dimension by two granularities.
-- {"measures": ["orders.count"], "timeDimensions": [{"dimension": "orders.createdAt", "granularity": "month"}, {"dimension": "orders.createdAt", "granularity": "year"}]}
SELECT
  toDateTime64(toStartOfMonth(toDate32(toDateTime64("orders".created_at, 6, 'UTC'))), 6, 'UTC') AS "orders__created_at_month",
  toDateTime64(toStartOfYear(toDate32(toDateTime64("orders".created_at, 6, 'UTC'))), 6, 'UTC') AS "orders__created_at_year",
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
  1 ASC,
  2 ASC
LIMIT 10000
