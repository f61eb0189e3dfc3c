-- An instant column is compared with instants.
-- {"measures": ["orders.count"], "timeDimensions": [{"dimension": "orders.changedAt", "granularity": "hour", "dateRange": "yesterday"}], "timezone": "Asia/Kolkata"}
SELECT
  toStartOfHour(
    toStartOfSecond(
      addSeconds(
        toDateTime64("orders".changed_at, 6, 'UTC'),
        timeZoneOffset(toTimeZone(toDateTime64("orders".changed_at, 6, 'UTC'), 'Asia/Kolkata'))
      )
    )
  ) AS "orders__changed_at_hour",
  COUNT("orders".id) AS "orders__count"
FROM (
  SELECT
    *
  FROM public.orders
  WHERE
    NOT deleted
) AS "orders"
WHERE
  "orders".changed_at >= {p1:DateTime64(6, 'UTC')}
  AND "orders".changed_at < {p2:DateTime64(6, 'UTC')}
GROUP BY
  1
ORDER BY
  1 ASC
LIMIT 10000
-- ["2024-06-13T18:30:00.000Z", "2024-06-14T18:30:00.000Z"]
