-- Two windows read their rows once; the sum beside them reads those of the range, and has no bucket without rows
-- {"measures": ["orders.week", "orders.toDate", "orders.total"], "timeDimensions": [{"dimension": "orders.createdAt", "granularity": "day", "dateRange": ["2024-03-01", "2024-04-10"]}]}
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
  WHERE
    "orders".created_at >= CAST(? AS TIMESTAMP)
    AND "orders".created_at < CAST(? AS TIMESTAMP)
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
    "input__week"
  FROM "orders__rows"
  UNION ALL
  SELECT
    "n",
    1 AS "is_bucket",
    NULL AS "input__week"
  FROM (
    SELECT
      UNNEST(RANGE(1709251200, 1712707200 + 1, 86400)) AS "n"
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
  /* orders.toDate by orders.createdAt.day: the rows in the frame of each bucket */
  SELECT
    (
      CAST('1970-01-01 00:00:00' AS TIMESTAMP) + TO_SECONDS("frames"."n")
    ) AS "orders__created_at_day",
    "frames"."value__toDate" AS "orders__to_date"
  FROM (
    SELECT
      "orders__rows"."n",
      "orders__rows"."is_bucket",
      SUM("orders__rows"."input__week") OVER (
        PARTITION BY CAST(DATE_TRUNC(
          'month',
          (
            CAST('1970-01-01 00:00:00' AS TIMESTAMP) + TO_SECONDS("orders__rows"."n")
          )
        ) AS TIMESTAMP)
        ORDER BY "orders__rows"."n"
        RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
      ) AS "value__toDate"
    FROM "orders__created_at_day__series" AS "orders__rows"
  ) AS "frames"
  WHERE
    "frames"."is_bucket" = 1
), "orders__measures_3" AS (
  /* orders.total by orders.createdAt.day */
  SELECT
    CAST(DATE_TRUNC('day', CAST("orders".created_at AS TIMESTAMP)) AS TIMESTAMP) AS "orders__created_at_day",
    SUM("orders".amount) AS "orders__total"
  FROM (
    SELECT
      *
    FROM public.orders
    WHERE
      NOT deleted
  ) AS "orders"
  WHERE
    "orders".created_at >= CAST(? AS TIMESTAMP)
    AND "orders".created_at < CAST(? AS TIMESTAMP)
  GROUP BY
    1
)
SELECT
  "orders__created_at_day",
  "orders__week",
  "orders__to_date",
  "orders__total"
FROM (
  SELECT
    "orders__created_at_day",
    MAX("orders__week") AS "orders__week",
    MAX("orders__to_date") AS "orders__to_date",
    MAX("orders__total") AS "orders__total"
  FROM (
    SELECT
      "orders__created_at_day",
      "orders__week",
      NULL AS "orders__to_date",
      NULL AS "orders__total"
    FROM "orders__measures"
    UNION ALL
    SELECT
      "orders__created_at_day",
      NULL AS "orders__week",
      "orders__to_date",
      NULL AS "orders__total"
    FROM "orders__measures_2"
    UNION ALL
    SELECT
      "orders__created_at_day",
      NULL AS "orders__week",
      NULL AS "orders__to_date",
      "orders__total"
    FROM "orders__measures_3"
  ) AS "parts"
  GROUP BY
    1
) AS "combined"
ORDER BY
  "orders__created_at_day" ASC
LIMIT 10000
-- ["2024-01-29T00:00:00.000Z", "2024-04-12T00:00:00.000Z", "2024-03-01T00:00:00.000Z", "2024-04-11T00:00:00.000Z"]
