-- A frame that begins with its bucket: the rows read reach past the range, not before it
-- {"measures": ["orders.nextWeek"], "timeDimensions": [{"dimension": "orders.createdAt", "granularity": "day", "dateRange": ["2024-03-01", "2024-03-31"]}]}
WITH "orders__rows" AS (
  /* rows of orders added up by orders.createdAt.day */
  SELECT
    toDateTime64(toDate32(toDateTime64("orders".created_at, 6, 'UTC')), 6, 'UTC') AS "row_time",
    SUM("orders".amount) AS "input__nextWeek"
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
), "orders__created_at_day__frames" AS (
  /* the buckets of orders.createdAt.day and the frame of each */
  SELECT
    addSeconds(toDateTime64('1970-01-01 00:00:00', 6, 'UTC'), "n") AS "bucket",
    addSeconds(toDateTime64('1970-01-01 00:00:00', 6, 'UTC'), "n") AS "frame_start",
    addSeconds(addSeconds(toDateTime64('1970-01-01 00:00:00', 6, 'UTC'), "n"), 604800) AS "frame_end"
  FROM (
    SELECT
      arrayJoin(
        range(
          toInt64(1709251200),
          toInt64(1711843200 + 1),
          toInt64(86400)
        )
      ) AS "n"
  ) AS "numbers"
), "orders__measures" AS (
  /* orders.nextWeek by orders.createdAt.day: the rows in the frame of each bucket */
  SELECT
    "frames"."bucket" AS "orders__created_at_day",
    SUM("orders__rows"."input__nextWeek") AS "orders__next_week"
  FROM "orders__created_at_day__frames" AS "frames"
  LEFT JOIN (
    SELECT
      "orders__rows".*,
      "frames"."bucket" AS "matched_bucket"
    FROM "orders__created_at_day__frames" AS "frames"
    CROSS JOIN "orders__rows" AS "orders__rows"
    WHERE
      "orders__rows"."row_time" >= "frames"."frame_start"
      AND "orders__rows"."row_time" < "frames"."frame_end"
  ) AS "orders__rows"
    ON "frames"."bucket" = "orders__rows"."matched_bucket"
  GROUP BY
    1
)
SELECT
  "orders__created_at_day",
  "orders__next_week"
FROM "orders__measures"
ORDER BY
  1 ASC
LIMIT 10000
-- ["2024-02-29T00:00:00.000Z", "2024-04-09T00:00:00.000Z"]
