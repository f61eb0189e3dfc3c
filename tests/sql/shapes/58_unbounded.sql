-- A running total: frames have no beginning, and rows are read up to the end of the range
-- {"measures": ["orders.running"], "timeDimensions": [{"dimension": "orders.createdAt", "granularity": "month", "dateRange": ["2024-01-01", "2024-12-31"]}]}
WITH "orders__rows" AS (
  /* rows of orders added up by orders.createdAt.month */
  SELECT
    CAST(DATE_TRUNC('month', CAST("orders".created_at AS TIMESTAMP)) AS TIMESTAMP) AS "row_time",
    COUNT("orders".id) AS "input__running"
  FROM (
    SELECT
      *
    FROM public.orders
    WHERE
      NOT deleted
  ) AS "orders"
  WHERE
    "orders".created_at < CAST(? AS TIMESTAMP)
  GROUP BY
    1
), "orders__created_at_month__frames" AS (
  /* the buckets of orders.createdAt.month and the frame of each */
  SELECT
    (
      CAST('1970-01-01 00:00:00' AS TIMESTAMP) + TO_MONTHS("n")
    ) AS "bucket",
    (
      CAST('1970-01-01 00:00:00' AS TIMESTAMP) + TO_MONTHS("n" + 1)
    ) AS "frame_end"
  FROM (
    SELECT
      UNNEST(RANGE(648, 659 + 1, 1)) AS "n"
  ) AS "numbers"
), "orders__measures" AS (
  /* orders.running by orders.createdAt.month: the rows in the frame of each bucket */
  SELECT
    "frames"."bucket" AS "orders__created_at_month",
    CAST(COALESCE(SUM("orders__rows"."input__running"), 0) AS BIGINT) AS "orders__running"
  FROM "orders__created_at_month__frames" AS "frames"
  LEFT JOIN "orders__rows" AS "orders__rows"
    ON "orders__rows"."row_time" < "frames"."frame_end"
  GROUP BY
    1
)
SELECT
  "orders__created_at_month",
  "orders__running"
FROM "orders__measures"
ORDER BY
  "orders__created_at_month" ASC
LIMIT 10000
-- ["2025-02-01T00:00:00.000Z"]
