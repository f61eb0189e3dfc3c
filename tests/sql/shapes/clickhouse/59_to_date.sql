-- To-date frames begin with the bucket of the larger granularity
-- {"measures": ["orders.toDate"], "timeDimensions": [{"dimension": "orders.createdAt", "granularity": "day", "dateRange": ["2024-03-01", "2024-04-10"]}], "timezone": "Europe/Berlin"}
WITH "orders__rows" AS (
  /* rows of orders added up by orders.createdAt.day */
  SELECT
    toDateTime64(
      toDate32(
        addSeconds(
          toDateTime64("orders".created_at, 6, 'UTC'),
          timeZoneOffset(toTimeZone(toDateTime64("orders".created_at, 6, 'UTC'), 'Europe/Berlin'))
        )
      ),
      6,
      'UTC'
    ) AS "row_time",
    SUM("orders".amount) AS "input__toDate"
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
    toDateTime64(
      toStartOfMonth(toDate32(addSeconds(toDateTime64('1970-01-01 00:00:00', 6, 'UTC'), "n"))),
      6,
      'UTC'
    ) AS "frame_start",
    addSeconds(toDateTime64('1970-01-01 00:00:00', 6, 'UTC'), "n" + 86400) AS "frame_end"
  FROM (
    SELECT
      arrayJoin(
        range(
          toInt64(1709251200),
          toInt64(1712707200 + 1),
          toInt64(86400)
        )
      ) AS "n"
  ) AS "numbers"
), "orders__measures" AS (
  /* orders.toDate by orders.createdAt.day: the rows in the frame of each bucket */
  SELECT
    "frames"."bucket" AS "orders__created_at_day",
    SUM("orders__rows"."input__toDate") AS "orders__to_date"
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
  "orders__to_date"
FROM "orders__measures"
ORDER BY
  1 ASC
LIMIT 10000
-- ["2024-01-28T23:00:00.000Z", "2024-04-11T22:00:00.000Z"]
