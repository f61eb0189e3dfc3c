-- A time dimension by day in UTC: half-open bounds on the raw column.
-- {"measures": ["orders.count"], "timeDimensions": [{"dimension": "orders.createdAt", "granularity": "day", "dateRange": ["2019-03-01", "2019-03-31"]}]}
SELECT
  DATE_TRUNC('day', CAST("orders".created_at AS TIMESTAMP)) AS "orders__created_at_day",
  COUNT("orders".id) AS "orders__count"
FROM (
  SELECT
    *
  FROM public.orders
  WHERE
    NOT deleted
) AS "orders"
WHERE
  "orders".created_at >= CAST($1 AS TIMESTAMP)
  AND "orders".created_at < CAST($2 AS TIMESTAMP)
GROUP BY
  1
ORDER BY
  "orders__created_at_day" ASC
LIMIT 10000
-- ["2019-03-01T00:00:00.000Z", "2019-04-01T00:00:00.000Z"]
