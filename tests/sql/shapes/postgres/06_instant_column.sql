-- An instant column is compared with instants.
-- {"measures": ["orders.count"], "timeDimensions": [{"dimension": "orders.changedAt", "granularity": "hour", "dateRange": "yesterday"}], "timezone": "Asia/Kolkata"}
SELECT
  DATE_TRUNC('hour', CAST("orders".changed_at AS TIMESTAMPTZ) AT TIME ZONE 'Asia/Kolkata') AS "orders__changed_at_hour",
  COUNT("orders".id) AS "orders__count"
FROM (
  SELECT
    *
  FROM public.orders
  WHERE
    NOT deleted
) AS "orders"
WHERE
  "orders".changed_at >= CAST($1 AS TIMESTAMPTZ)
  AND "orders".changed_at < CAST($2 AS TIMESTAMPTZ)
GROUP BY
  1
ORDER BY
  "orders__changed_at_hour" ASC
LIMIT 10000
-- ["2024-06-13T18:30:00.000Z", "2024-06-14T18:30:00.000Z"]
