-- To-date frames begin with the bucket of the larger granularity
-- {"measures": ["orders.toDate"], "timeDimensions": [{"dimension": "orders.createdAt", "granularity": "day", "dateRange": ["2024-03-01", "2024-04-10"]}], "timezone": "Europe/Berlin"}
WITH "orders__rows" AS (
  /* rows of orders added up by orders.createdAt.day */
  SELECT
    CAST(DATE_TRUNC('day', CAST("orders".created_at AS TIMESTAMPTZ) AT TIME ZONE 'Europe/Berlin') AS TIMESTAMP) AS "row_time",
    SUM("orders".amount) AS "input__toDate"
  FROM (
    SELECT
      *
    FROM public.orders
    WHERE
      NOT deleted
  ) AS "orders"
  WHERE
    "orders".created_at >= CAST(? AS TIMESTAMP)
    AND "orders".created_at < CAST(? AS TIMESTAMP)
  GROUP BY
    1
), "orders__created_at_day__frames" AS (
  /* the buckets of orders.createdAt.day and the frame of each */
  SELECT
    (
      CAST('1970-01-01 00:00:00' AS TIMESTAMP) + TO_SECONDS("n")
    ) AS "bucket",
    CAST(DATE_TRUNC('month', (
      CAST('1970-01-01 00:00:00' AS TIMESTAMP) + TO_SECONDS("n")
    )) AS TIMESTAMP) AS "frame_start",
    (
      CAST('1970-01-01 00:00:00' AS TIMESTAMP) + TO_SECONDS("n" + 86400)
    ) AS "frame_end"
  FROM (
    SELECT
      UNNEST(RANGE(1709251200, 1712707200 + 1, 86400)) AS "n"
  ) AS "numbers"
), "orders__measures" AS (
  /* orders.toDate by orders.createdAt.day: the rows in the frame of each bucket */
  SELECT
    "frames"."bucket" AS "orders__created_at_day",
    SUM("orders__rows"."input__toDate") AS "orders__to_date"
  FROM "orders__created_at_day__frames" AS "frames"
  LEFT JOIN "orders__rows" AS "orders__rows"
    ON "orders__rows"."row_time" >= "frames"."frame_start"
    AND "orders__rows"."row_time" < "frames"."frame_end"
  GROUP BY
    1
)
SELECT
  "orders__created_at_day",
  "orders__to_date"
FROM "orders__measures"
ORDER BY
  "orders__created_at_day" ASC
LIMIT 10000
-- ["2024-01-28T23:00:00.000Z", "2024-04-11T22:00:00.000Z"]
