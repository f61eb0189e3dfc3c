-- A date column is not moved by the zone.
-- {"measures": ["orders.count"], "timeDimensions": [{"dimension": "orders.dueOn", "granularity": "month", "dateRange": ["2024-01-01", "2024-12-31"]}], "timezone": "America/Los_Angeles"}
SELECT
  toDateTime64(toStartOfMonth(toDate32(toDateTime64("orders".due_on, 6, 'UTC'))), 6, 'UTC') AS "orders__due_on_month",
  COUNT("orders".id) AS "orders__count"
FROM (
  SELECT
    *
  FROM public.orders
  WHERE
    NOT deleted
) AS "orders"
WHERE
  "orders".due_on >= {p1:DateTime64(6, 'UTC')}
  AND "orders".due_on < {p2:DateTime64(6, 'UTC')}
GROUP BY
  1
ORDER BY
  1 ASC
LIMIT 10000
-- ["2024-01-01T00:00:00.000", "2025-01-01T00:00:00.000"]
