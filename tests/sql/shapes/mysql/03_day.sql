-- A time dimension by day in UTC: half-open bounds on the raw column.
-- {"measures": ["orders.count"], "timeDimensions": [{"dimension": "orders.createdAt", "granularity": "day", "dateRange": ["2019-03-01", "2019-03-31"]}]}
SELECT
  CAST(DATE_FORMAT(CAST(`orders`.created_at AS DATETIME(6)), '%%Y-%%m-%%d 00:00:00') AS DATETIME(6)) AS `orders__created_at_day`,
  COUNT(`orders`.id) AS `orders__count`
FROM (
  SELECT
    *
  FROM public.orders
  WHERE
    NOT deleted
) AS `orders`
WHERE
  `orders`.created_at >= CAST(%s AS DATETIME(6))
  AND `orders`.created_at < CAST(%s AS DATETIME(6))
GROUP BY
  1
ORDER BY
  CASE WHEN CAST(DATE_FORMAT(CAST(`orders`.created_at AS DATETIME(6)), '%%Y-%%m-%%d 00:00:00') AS DATETIME(6)) IS NULL THEN 1 ELSE 0 END, CAST(DATE_FORMAT(CAST(`orders`.created_at AS DATETIME(6)), '%%Y-%%m-%%d 00:00:00') AS DATETIME(6)) ASC
LIMIT 10000
-- ["2019-03-01T00:00:00.000Z", "2019-04-01T00:00:00.000Z"]
