-- A running total: frames have no beginning, and rows are read up to the end of the range
-- {"measures": ["orders.running"], "timeDimensions": [{"dimension": "orders.createdAt", "granularity": "month", "dateRange": ["2024-01-01", "2024-12-31"]}]}
WITH "orders__rows" AS (
  /* rows of orders added up by orders.createdAt.month */
  SELECT
    toDateTime64(toStartOfMonth(toDate32(toDateTime64("orders".created_at, 6, 'UTC'))), 6, 'UTC') AS "row_time",
    COUNT("orders".id) AS "input__running"
  FROM (
    SELECT
      *
    FROM public.orders
    WHERE
      NOT deleted
  ) AS "orders"
  WHERE
    "orders".created_at < {p1:DateTime64(6, 'UTC')}
  GROUP BY
    1
), "orders__created_at_month__frames" AS (
  /* the buckets of orders.createdAt.month and the frame of each */
  SELECT
    addMonths(toDateTime64('1970-01-01 00:00:00', 6, 'UTC'), "n") AS "bucket",
    addMonths(toDateTime64('1970-01-01 00:00:00', 6, 'UTC'), "n" + 1) AS "frame_end"
  FROM (
    SELECT
      arrayJoin(
        range(
          toInt64(648),
          toInt64(659 + 1),
          toInt64(1)
        )
      ) AS "n"
  ) AS "numbers"
), "orders__measures" AS (
  /* orders.running by orders.createdAt.month: the rows in the frame of each bucket */
  SELECT
    "frames"."bucket" AS "orders__created_at_month",
    CAST(COALESCE(SUM("orders__rows"."input__running"), 0) AS Nullable(Int64)) AS "orders__running"
  FROM "orders__created_at_month__frames" AS "frames"
  LEFT JOIN (
    SELECT
      "orders__rows".*,
      "frames"."bucket" AS "matched_bucket"
    FROM "orders__created_at_month__frames" AS "frames"
    CROSS JOIN "orders__rows" AS "orders__rows"
    WHERE
      "orders__rows"."row_time" < "frames"."frame_end"
  ) AS "orders__rows"
    ON "frames"."bucket" = "orders__rows"."matched_bucket"
  GROUP BY
    1
)
SELECT
  "orders__created_at_month",
  "orders__running"
FROM "orders__measures"
ORDER BY
  1 ASC
LIMIT 10000
-- ["2025-02-01T00:00:00.000Z"]
