-- A measure of type time is shown in the zone.
-- {"measures": ["orders.lastAt"], "timezone": "Asia/Tokyo"}
SELECT
  addSeconds(
    toDateTime64(max("orders".created_at), 6, 'UTC'),
    timeZoneOffset(toTimeZone(toDateTime64(max("orders".created_at), 6, 'UTC'), 'Asia/Tokyo'))
  ) AS "orders__last_at"
FROM (
  SELECT
    *
  FROM public.orders
  WHERE
    NOT deleted
) AS "orders"
LIMIT 10000
