-- Without a range the buckets run from the first to the last row; pairs with a dimension are those that have rows
-- {"measures": ["orders.running"], "dimensions": ["users.city"], "timeDimensions": [{"dimension": "orders.createdAt", "granularity": "month"}]}
WITH "orders__rows" AS (
  /* rows of orders added up by orders.createdAt.month */
  SELECT
    "users".city AS "users__city",
    DATE_TRUNC('month', CAST("orders".created_at AS TIMESTAMP)) AS "row_time",
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
    NOT "orders".id IS NULL
  GROUP BY
    1,
    2
), "orders__created_at_month__frames" AS (
  /* the buckets of orders.createdAt.month and the frame of each */
  SELECT
    (
      CAST('1970-01-01 00:00:00' AS TIMESTAMP) + INTERVAL '1 MONTH' * (
        "n"
      )
    ) AS "bucket",
    (
      CAST('1970-01-01 00:00:00' AS TIMESTAMP) + INTERVAL '1 MONTH' * (
        "n" + 1
      )
    ) AS "frame_end"
  FROM (
    SELECT
      GENERATE_SERIES("first_n", "last_n", 1) AS "n"
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
  /* orders.running by users.city, orders.createdAt.month: the rows in the frame of each bucket */
  SELECT
    "orders__rows"."users__city" AS "users__city",
    "frames"."bucket" AS "orders__created_at_month",
    CAST(COALESCE(SUM("orders__rows"."input__running"), 0) AS BIGINT) AS "orders__running"
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
  "orders__created_at_month" ASC,
  "users__city" ASC
LIMIT 10000
