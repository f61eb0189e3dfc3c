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
    "input__week",
    "input__running"
  FROM "orders__rows"
  UNION ALL
  SELECT
    "n",
    1 AS "is_bucket",
    NULL AS "input__week",
    NULL AS "input__running"
  FROM (
    SELECT
      UNNEST(RANGE(1709251200, 1711843200 + 1, 86400)) AS "n"
  ) AS "numbers"
), "orders__measures" AS (
  /* orders.week by orders.createdAt.day: the rows in the frame of each bucket */
  SELECT
    (
      CAST('1970-01-01 00:00:00' AS TIMESTAMP) + TO_SECONDS("frames"."n")
    ) AS "orders__created_at_day",
    "frames"."value__week" AS "orders__week"
  FROM (
    SELECT
      "orders__rows"."n",
      "orders__rows"."is_bucket",
      SUM("orders__rows"."input__week") OVER (ORDER BY "orders__rows"."n" RANGE BETWEEN 518400 PRECEDING AND CURRENT ROW) AS "value__week"
    FROM "orders__created_at_day__series" AS "orders__rows"
  ) AS "frames"
  WHERE
    "frames"."is_bucket" = 1
), "orders__measures_2" AS (
  /* orders.running by orders.createdAt.day: the rows in the frame of each bucket */
  SELECT
    (
      CAST('1970-01-01 00:00:00' AS TIMESTAMP) + TO_SECONDS("frames"."n")
    ) AS "orders__created_at_day",
    "frames"."value__running" AS "orders__running"
  FROM (
    SELECT
      "orders__rows"."n",
      "orders__rows"."is_bucket",
      CAST(COALESCE(
        SUM("orders__rows"."input__running") OVER (ORDER BY "orders__rows"."n" RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW),
        0
      ) AS BIGINT) AS "value__running"
    FROM "orders__created_at_day__series" AS "orders__rows"
  ) AS "frames"
  WHERE
    "frames"."is_bucket" = 1
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
