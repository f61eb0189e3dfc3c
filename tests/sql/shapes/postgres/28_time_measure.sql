-- A measure of type time is shown in the zone.
-- {"measures": ["orders.lastAt"], "timezone": "Asia/Tokyo"}
SELECT
  CAST(MAX("orders".created_at) AS TIMESTAMPTZ) AT TIME ZONE 'Asia/Tokyo' AS "orders__last_at"
FROM (
  SELECT
    *
  FROM public.orders
  WHERE
    NOT deleted
) AS "orders"
LIMIT 10000
