-- The same by week in a zone: converted, then truncated; bounds are the zone's midnights in UTC.
-- {"measures": ["orders.count"], "timeDimensions": [{"dimension": "orders.createdAt", "granularity": "week", "dateRange": ["2024-03-31", "2024-04-06"]}], "timezone": "Europe/Berlin"}
SELECT
  toDateTime64(
    toMonday(
      toDate32(
        addSeconds(
          toDateTime64("orders".created_at, 6, 'UTC'),
          timeZoneOffset(toTimeZone(toDateTime64("orders".created_at, 6, 'UTC'), 'Europe/Berlin'))
        )
      )
    ),
    6,
    'UTC'
  ) AS "orders__created_at_week",
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
-- ["2024-03-30T23:00:00.000Z", "2024-04-06T22:00:00.000Z"]
