-- A date column is not moved by the zone.
-- {"measures": ["orders.count"], "timeDimensions": [{"dimension": "orders.dueOn", "granularity": "month", "dateRange": ["2024-01-01", "2024-12-31"]}], "timezone": "America/Los_Angeles"}
SELECT
  DATE_TRUNC('month', CAST("orders".due_on AS TIMESTAMP)) AS "orders__due_on_month",
  COUNT("orders".id) AS "orders__count"
FROM (
  SELECT
    *
  FROM public.orders
  WHERE
    NOT deleted
) AS "orders"
WHERE
  "orders".due_on >= CAST($1 AS TIMESTAMP)
  AND "orders".due_on < CAST($2 AS TIMESTAMP)
GROUP BY
  1
ORDER BY
  "orders__due_on_month" ASC
LIMIT 10000
-- ["2024-01-01T00:00:00.000", "2025-01-01T00:00:00.000"]
