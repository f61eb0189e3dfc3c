-- Without a range the buckets run from the first row to the last
-- {"measures": ["orders.week"], "timeDimensions": [{"dimension": "orders.createdAt", "granularity": "month"}]}
WITH "orders__rows" AS (
  /* rows of orders added up by orders.createdAt.day */
  SELECT
    toDateTime64(toDate32(toDateTime64("orders".created_at, 6, 'UTC')), 6, 'UTC') AS "row_time",
    SUM("orders".amount) AS "input__week"
  FROM (
    SELECT
      *
    FROM public.orders
    WHERE
      NOT deleted
  ) AS "orders"
  GROUP BY
    1
), "orders__created_at_month__frames" AS (
  /* the buckets of orders.createdAt.month and the frame of each */
  SELECT
    addMonths(toDateTime64('1970-01-01 00:00:00', 6, 'UTC'), "n") AS "bucket",
    addSeconds(addMonths(toDateTime64('1970-01-01 00:00:00', 6, 'UTC'), "n" + 1), -604800) AS "frame_start",
    addMonths(toDateTime64('1970-01-01 00:00:00', 6, 'UTC'), "n" + 1) AS "frame_end"
  FROM (
    SELECT
      arrayJoin(range(toInt64("first_n"), toInt64("last_n" + 1), toInt64(1))) AS "n"
    FROM (
      SELECT
        COALESCE(
          CAST((
            toInt64(toYear(MIN("row_time")) * 12 + toMonth(MIN("row_time"))) - 23641
          ) AS Nullable(Int64)),
          0
        ) AS "first_n",
        COALESCE(
          CAST((
            toInt64(toYear(MAX("row_time")) * 12 + toMonth(MAX("row_time"))) - 23641
          ) AS Nullable(Int64)),
          -1
        ) AS "last_n"
      FROM "orders__rows"
    ) AS "bounds"
  ) AS "numbers"
), "orders__measures" AS (
  /* orders.week by orders.createdAt.month: the rows in the frame of each bucket */
  SELECT
    "frames"."bucket" AS "orders__created_at_month",
    SUM("orders__rows"."input__week") AS "orders__week"
  FROM "orders__created_at_month__frames" AS "frames"
  LEFT JOIN (
    SELECT
      "orders__rows".*,
      "frames"."bucket" AS "matched_bucket"
    FROM "orders__created_at_month__frames" AS "frames"
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
  "orders__created_at_month",
  "orders__week"
FROM "orders__measures"
ORDER BY
  1 ASC
LIMIT 10000
