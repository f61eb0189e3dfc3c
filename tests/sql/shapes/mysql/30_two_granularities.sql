-- One time dimension by two granularities.
-- {"measures": ["orders.count"], "timeDimensions": [{"dimension": "orders.createdAt", "granularity": "month"}, {"dimension": "orders.createdAt", "granularity": "year"}]}
SELECT
  CAST(DATE_FORMAT(CAST(`orders`.created_at AS DATETIME(6)), '%%Y-%%m-01 00:00:00') AS DATETIME(6)) AS `orders__created_at_month`,
  CAST(DATE_FORMAT(CAST(`orders`.created_at AS DATETIME(6)), '%%Y-01-01 00:00:00') AS DATETIME(6)) AS `orders__created_at_year`,
  COUNT(`orders`.id) AS `orders__count`
FROM (
  SELECT
    *
  FROM public.orders
  WHERE
    NOT deleted
) AS `orders`
GROUP BY
  1,
  2
ORDER BY
  CASE WHEN CAST(DATE_FORMAT(CAST(`orders`.created_at AS DATETIME(6)), '%%Y-%%m-01 00:00:00') AS DATETIME(6)) IS NULL THEN 1 ELSE 0 END, CAST(DATE_FORMAT(CAST(`orders`.created_at AS DATETIME(6)), '%%Y-%%m-01 00:00:00') AS DATETIME(6)) ASC,
  CASE WHEN CAST(DATE_FORMAT(CAST(`orders`.created_at AS DATETIME(6)), '%%Y-01-01 00:00:00') AS DATETIME(6)) IS NULL THEN 1 ELSE 0 END, CAST(DATE_FORMAT(CAST(`orders`.created_at AS DATETIME(6)), '%%Y-01-01 00:00:00') AS DATETIME(6)) ASC
LIMIT 10000
