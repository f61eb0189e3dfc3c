-- A time dimension without granularity is shown in the zone.
-- {"dimensions": ["orders.createdAt"], "timezone": "Asia/Tokyo"}
SELECT
  CAST("orders".created_at AS TIMESTAMPTZ) AT TIME ZONE 'Asia/Tokyo' AS "orders__created_at"
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
  "orders__created_at" ASC
LIMIT 10000
