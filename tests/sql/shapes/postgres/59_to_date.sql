-- To-date frames begin with the bucket of the larger granularity
-- {"measures": ["orders.toDate"], "timeDimensions": [{"dimension": "orders.createdAt", "granularity": "day", "dateRange": ["2024-03-01", "2024-04-10"]}], "timezone": "Europe/Berlin"}
WITH "orders__rows" AS (
  /* rows of orders added up by orders.createdAt.day */
  SELECT
    DATE_TRUNC('day', CAST("orders".created_at AS TIMESTAMPTZ) AT TIME ZONE 'Europe/Berlin') AS "row_time",
    SUM("orders".amount) AS "input__toDate"
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
    "input__toDate"
  FROM "orders__rows"
  UNION ALL
  SELECT
    "n",
    1 AS "is_bucket",
    NULL AS "input__toDate"
  FROM (
    SELECT
      GENERATE_SERIES(1709251200, 1712707200, 86400) AS "n"
  ) AS "numbers"
), "orders__measures" AS (
  /* orders.toDate by orders.createdAt.day: the rows in the frame of each bucket */
  SELECT
    (
      CAST('1970-01-01 00:00:00' AS TIMESTAMP) + INTERVAL '1 SECOND' * (
        "frames"."n"
      )
    ) AS "orders__created_at_day",
    "frames"."value__toDate" AS "orders__to_date"
  FROM (
    SELECT
      "orders__rows"."n",
      "orders__rows"."is_bucket",
      SUM("orders__rows"."input__toDate") OVER (
        PARTITION BY DATE_TRUNC(
          'month',
          (
            CAST('1970-01-01 00:00:00' AS TIMESTAMP) + INTERVAL '1 SECOND' * (
              "orders__rows"."n"
            )
          )
        )
        ORDER BY "orders__rows"."n"
        RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
      ) AS "value__toDate"
    FROM "orders__created_at_day__series" AS "orders__rows"
  ) AS "frames"
  WHERE
    "frames"."is_bucket" = 1
)
SELECT
  "orders__created_at_day",
  "orders__to_date"
FROM "orders__measures"
ORDER BY
  "orders__created_at_day" ASC
LIMIT 10000
-- ["2024-01-28T23:00:00.000Z", "2024-04-11T22:00:00.000Z"]
