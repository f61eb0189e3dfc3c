-- A time dimension without granularity is shown in the zone.
-- {"dimensions": ["orders.createdAt"], "timezone": "Asia/Tokyo"}
SELECT
  addSeconds(
    toDateTime64("orders".created_at, 6, 'UTC'),
    timeZoneOffset(toTimeZone(toDateTime64("orders".created_at, 6, 'UTC'), 'Asia/Tokyo'))
  ) AS "orders__created_at"
FROM (
  SELECT
    *
  FROM public.orders
  WHERE
    NOT deleted
) AS "orders"
GROUP BY
  1
ORDER BY
  1 ASC
LIMIT 10000
