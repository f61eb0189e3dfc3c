-- Without a range the buckets run from the first row to the last
-- {"measures": ["orders.week"], "timeDimensions": [{"dimension": "orders.createdAt", "granularity": "month"}]}
WITH "orders__rows" AS (
  /* rows of orders added up by orders.createdAt.day */
  SELECT
    CAST(DATE_TRUNC('day', CAST("orders".created_at AS TIMESTAMP)) AS TIMESTAMP) AS "row_time",
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
    (
      CAST('1970-01-01 00:00:00' AS TIMESTAMP) + TO_MONTHS("n")
    ) AS "bucket",
    (
      (
        CAST('1970-01-01 00:00:00' AS TIMESTAMP) + TO_MONTHS("n" + 1)
      ) + TO_SECONDS(-604800)
    ) AS "frame_start",
    (
      CAST('1970-01-01 00:00:00' AS TIMESTAMP) + TO_MONTHS("n" + 1)
    ) AS "frame_end"
  FROM (
    SELECT
      UNNEST(RANGE("first_n", "last_n" + 1, 1)) AS "n"
    FROM (
      SELECT
        COALESCE(
          CAST((
            EXTRACT(YEAR FROM MIN("row_time")) * 12 + EXTRACT(MONTH FROM MIN("row_time")) - 23641
          ) AS BIGINT),
          0
        ) AS "first_n",
        COALESCE(
          CAST((
            EXTRACT(YEAR FROM MAX("row_time")) * 12 + EXTRACT(MONTH FROM MAX("row_time")) - 23641
          ) AS BIGINT),
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
  LEFT JOIN "orders__rows" AS "orders__rows"
    ON "orders__rows"."row_time" >= "frames"."frame_start"
    AND "orders__rows"."row_time" < "frames"."frame_end"
  GROUP BY
    1
)
SELECT
  "orders__created_at_month",
  "orders__week"
FROM "orders__measures"
ORDER BY
  "orders__created_at_month" ASC
LIMIT 10000
