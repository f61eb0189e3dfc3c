-- A time dimension by day in UTC: half-open bounds on the raw column.
-- {"measures": ["orders.count"], "timeDimensions": [{"dimension": "orders.createdAt", "granularity": "day", "dateRange": ["2019-03-01", "2019-03-31"]}]}
SELECT
  toDateTime64(toDate32(toDateTime64("orders".created_at, 6, 'UTC')), 6, 'UTC') AS "orders__created_at_day",
  COUNT("orders".id) AS "orders__count"
FROM (
  SELECT
    *
  FROM public.orders
  WHERE
    NOT deleted
) AS "orders"
WHERE
  "orders".created_at >= {p1:DateTime64(6, 'UTC')}
  AND "orders".created_at < {p2:DateTime64(6, 'UTC')}
GROUP BY
  1
ORDER BY
  1 ASC
LIMIT 10000
-- ["2019-03-01T00:00:00.000Z", "2019-04-01T00:00:00.000Z"]
