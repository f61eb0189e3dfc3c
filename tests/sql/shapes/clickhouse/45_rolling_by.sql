-- Without a range the buckets run from the first to the last row; pairs with a dimension are those that have rows
-- {"measures": ["orders.running"], "dimensions": ["users.city"], "timeDimensions": [{"dimension": "orders.createdAt", "granularity": "month"}]}
WITH "orders__rows" AS (
  /* rows of orders added up by orders.createdAt.month */
  SELECT
    "users".city AS "users__city",
    toDateTime64(toStartOfMonth(toDate32(toDateTime64("orders".created_at, 6, 'UTC'))), 6, 'UTC') AS "row_time",
    COUNT("orders".id) AS "input__running"
  FROM public.users AS "users"
  LEFT JOIN (
    SELECT
      *
    FROM public.orders
    WHERE
      NOT deleted
  ) AS "orders"
    ON "users".id = "orders".user_id
  WHERE
    NOT (
      "orders".id IS NULL
    )
  GROUP BY
    1,
    2
), "orders__created_at_month__frames" AS (
  /* the buckets of orders.createdAt.month and the frame of each */
  SELECT
    addMonths(toDateTime64('1970-01-01 00:00:00', 6, 'UTC'), "n") AS "bucket",
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
  /* orders.running by users.city, orders.createdAt.month: the rows in the frame of each bucket */
  SELECT
    "orders__rows"."users__city" AS "users__city",
    "frames"."bucket" AS "orders__created_at_month",
    CAST(COALESCE(SUM("orders__rows"."input__running"), 0) AS Nullable(Int64)) AS "orders__running"
  FROM "orders__created_at_month__frames" AS "frames"
  INNER JOIN "orders__rows" AS "orders__rows"
    ON "orders__rows"."row_time" < "frames"."frame_end"
  GROUP BY
    1,
    2
)
SELECT
  "users__city",
  "orders__created_at_month",
  "orders__running"
FROM "orders__measures"
ORDER BY
  2 ASC,
  1 ASC
LIMIT 10000
