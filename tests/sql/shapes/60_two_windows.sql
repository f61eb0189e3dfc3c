-- Two windows over one cube: its rows are read once, added up by the buckets that the frames of both hold wholly
-- {"measures": ["orders.week", "orders.running"], "timeDimensions": [{"dimension": "orders.createdAt", "granularity": "day", "dateRange": ["2024-03-01", "2024-03-31"]}]}
WITH "orders__rows" AS (
  /* rows of orders added up by orders.createdAt.day */
  SELECT
    CAST(DATE_TRUNC('day', CAST("orders".created_at AS TIMESTAMP)) AS TIMESTAMP) AS "row_time",
    SUM("orders".amount) AS "input__week",
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
), "orders__created_at_day__frames" AS (
  /* the buckets of orders.createdAt.day and the frame of each */
  SELECT
    (
      CAST('1970-01-01 00:00:00' AS TIMESTAMP) + TO_SECONDS("n")
    ) AS "bucket",
    (
      (
        CAST('1970-01-01 00:00:00' AS TIMESTAMP) + TO_SECONDS("n" + 86400)
      ) + TO_SECONDS(-604800)
    ) AS "frame_start",
    (
      CAST('1970-01-01 00:00:00' AS TIMESTAMP) + TO_SECONDS("n" + 86400)
    ) AS "frame_end"
  FROM (
    SELECT
      UNNEST(RANGE(1709251200, 1711843200 + 1, 86400)) AS "n"
  ) AS "numbers"
), "orders__measures" AS (
  /* orders.week by orders.createdAt.day: the rows in the frame of each bucket */
  SELECT
    "frames"."bucket" AS "orders__created_at_day",
    SUM("orders__rows"."input__week") AS "orders__week"
  FROM "orders__created_at_day__frames" AS "frames"
  LEFT JOIN "orders__rows" AS "orders__rows"
    ON "orders__rows"."row_time" >= "frames"."frame_start"
    AND "orders__rows"."row_time" < "frames"."frame_end"
  GROUP BY
    1
), "orders__created_at_day__frames_2" AS (
  /* the buckets of orders.createdAt.day and the frame of each */
  SELECT
    (
      CAST('1970-01-01 00:00:00' AS TIMESTAMP) + TO_SECONDS("n")
    ) AS "bucket",
    (
      CAST('1970-01-01 00:00:00' AS TIMESTAMP) + TO_SECONDS("n" + 86400)
    ) AS "frame_end"
  FROM (
    SELECT
      UNNEST(RANGE(1709251200, 1711843200 + 1, 86400)) AS "n"
  ) AS "numbers"
), "orders__measures_2" AS (
  /* orders.running by orders.createdAt.day: the rows in the frame of each bucket */
  SELECT
    "frames"."bucket" AS "orders__created_at_day",
    CAST(COALESCE(SUM("orders__rows"."input__running"), 0) AS BIGINT) AS "orders__running"
  FROM "orders__created_at_day__frames_2" AS "frames"
  LEFT JOIN "orders__rows" AS "orders__rows"
    ON "orders__rows"."row_time" < "frames"."frame_end"
  GROUP BY
    1
)
SELECT
  "orders__created_at_day",
  "orders__week",
  "orders__running"
FROM (
  SELECT
    "orders__created_at_day",
    MAX("orders__week") AS "orders__week",
    MAX("orders__running") AS "orders__running"
  FROM (
    SELECT
      "orders__created_at_day",
      "orders__week",
      NULL AS "orders__running"
    FROM "orders__measures"
    UNION ALL
    SELECT
      "orders__created_at_day",
      NULL AS "orders__week",
      "orders__running"
    FROM "orders__measures_2"
  ) AS "parts"
  GROUP BY
    1
) AS "combined"
ORDER BY
  "orders__created_at_day" ASC
LIMIT 10000
-- ["2024-04-02T00:00:00.000Z"]
