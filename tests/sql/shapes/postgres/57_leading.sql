-- A frame that begins with its bucket: the rows read reach past the range, not before it
-- {"measures": ["orders.nextWeek"], "timeDimensions": [{"dimension": "orders.createdAt", "granularity": "day", "dateRange": ["2024-03-01", "2024-03-31"]}]}
WITH "orders__rows" AS (
  /* rows of orders added up by orders.createdAt.day */
  SELECT
    DATE_TRUNC('day', CAST("orders".created_at AS TIMESTAMP)) AS "row_time",
    SUM("orders".amount) AS "input__nextWeek"
  FROM (
    SELECT
      *
    FROM public.orders
    WHERE
      NOT deleted
  ) AS "orders"
  WHERE
    "orders".created_at >= CAST($1 AS TIMESTAMP)
    AND "orders".created_at < CAST($2 AS TIMESTAMP)
  GROUP BY
    1
), "orders__created_at_day__series" AS (
  /* the buckets of orders.createdAt.day and what is added up, by seconds since 1970-01-01 00:00:00 */
  SELECT
    COALESCE(
      CAST(FLOOR(EXTRACT(EPOCH FROM (
        "row_time" - CAST('1970-01-01 00:00:00' AS TIMESTAMP)
      ))) AS BIGINT),
      0
    ) AS "n",
    0 AS "is_bucket",
    "input__nextWeek"
  FROM "orders__rows"
  UNION ALL
  SELECT
    "n",
    1 AS "is_bucket",
    NULL AS "input__nextWeek"
  FROM (
    SELECT
      GENERATE_SERIES(1709251200, 1711843200, 86400) AS "n"
  ) AS "numbers"
), "orders__measures" AS (
  /* orders.nextWeek by orders.createdAt.day: the rows in the frame of each bucket */
  SELECT
    (
      CAST('1970-01-01 00:00:00' AS TIMESTAMP) + INTERVAL '1 SECOND' * (
        "frames"."n"
      )
    ) AS "orders__created_at_day",
    "frames"."value__nextWeek" AS "orders__next_week"
  FROM (
    SELECT
      "orders__rows"."n",
      "orders__rows"."is_bucket",
      SUM("orders__rows"."input__nextWeek") OVER (ORDER BY "orders__rows"."n" RANGE BETWEEN CURRENT ROW AND 518400 FOLLOWING) AS "value__nextWeek"
    FROM "orders__created_at_day__series" AS "orders__rows"
  ) AS "frames"
  WHERE
    "frames"."is_bucket" = 1
)
SELECT
  "orders__created_at_day",
  "orders__next_week"
FROM "orders__measures"
ORDER BY
  "orders__created_at_day" ASC
LIMIT 10000
-- ["2024-02-29T00:00:00.000Z", "2024-04-09T00:00:00.000Z"]
