-- A date column is not moved by the zone.
-- {"measures": ["orders.count"], "timeDimensions": [{"dimension": "orders.dueOn", "granularity": "month", "dateRange": ["2024-01-01", "2024-12-31"]}], "timezone": "America/Los_Angeles"}
SELECT
  CAST(DATE_FORMAT(CAST(`orders`.due_on AS DATETIME(6)), '%%Y-%%m-01 00:00:00') AS DATETIME(6)) AS `orders__due_on_month`,
  COUNT(`orders`.id) AS `orders__count`
FROM (
  SELECT
    *
  FROM public.orders
  WHERE
    NOT deleted
) AS `orders`
WHERE
  `orders`.due_on >= CAST(%s AS DATETIME(6))
  AND `orders`.due_on < CAST(%s AS DATETIME(6))
GROUP BY
  1
ORDER BY
  CASE WHEN CAST(DATE_FORMAT(CAST(`orders`.due_on AS DATETIME(6)), '%%Y-%%m-01 00:00:00') AS DATETIME(6)) IS NULL THEN 1 ELSE 0 END, CAST(DATE_FORMAT(CAST(`orders`.due_on AS DATETIME(6)), '%%Y-%%m-01 00:00:00') AS DATETIME(6)) ASC
LIMIT 10000
-- ["2024-01-01T00:00:00.000", "2025-01-01T00:00:00.000"]
