-- Rows that a join repeats are reduced to one per frame, group and key
-- {"measures": ["orders.toDate"], "dimensions": ["lines.sku"], "timeDimensions": [{"dimension": "orders.createdAt", "granularity": "week", "dateRange": ["2024-03-01", "2024-03-31"]}]}
WITH "orders__rows" AS (
  /* rows of orders at orders.createdAt */
  SELECT DISTINCT
    "lines".sku AS "lines__sku",
    toDateTime64("orders".created_at, 6, 'UTC') AS "row_time",
    "orders".id AS "key__id",
    "orders".amount AS "input__toDate"
  FROM (
    SELECT
      *
    FROM public.orders
    WHERE
      NOT deleted
  ) AS "orders"
  LEFT JOIN lines AS "lines"
    ON "orders".id = "lines".order_id
  WHERE
    "orders".created_at >= {p1:DateTime64(6, 'UTC')}
    AND "orders".created_at < {p2:DateTime64(6, 'UTC')}
), "orders__created_at_week__frames" AS (
  /* the buckets of orders.createdAt.week and the frame of each */
  SELECT
    addSeconds(toDateTime64('1970-01-05 00:00:00', 6, 'UTC'), "n") AS "bucket",
    toDateTime64(
      toStartOfMonth(toDate32(addSeconds(toDateTime64('1970-01-05 00:00:00', 6, 'UTC'), "n"))),
      6,
      'UTC'
    ) AS "frame_start",
    addSeconds(toDateTime64('1970-01-05 00:00:00', 6, 'UTC'), "n" + 604800) AS "frame_end"
  FROM (
    SELECT
      arrayJoin(
        range(
          toInt64(1708560000),
          toInt64(1710979200 + 1),
          toInt64(604800)
        )
      ) AS "n"
  ) AS "numbers"
), "orders__measures" AS (
  /* orders.toDate by lines.sku, orders.createdAt.week: the rows in the frame of each bucket */
  SELECT
    "orders__rows"."lines__sku" AS "lines__sku",
    "orders__rows"."bucket" AS "orders__created_at_week",
    SUM("orders__rows"."input__toDate") AS "orders__to_date"
  FROM (
    SELECT DISTINCT
      "frames"."bucket" AS "bucket",
      "orders__rows"."lines__sku" AS "lines__sku",
      "orders__rows"."key__id" AS "key__id",
      "orders__rows"."input__toDate" AS "input__toDate"
    FROM "orders__created_at_week__frames" AS "frames"
    INNER JOIN "orders__rows" AS "orders__rows"
      ON "orders__rows"."row_time" >= "frames"."frame_start"
      AND "orders__rows"."row_time" < "frames"."frame_end"
  ) AS "orders__rows"
  GROUP BY
    1,
    2
)
SELECT
  "lines__sku",
  "orders__created_at_week",
  "orders__to_date"
FROM "orders__measures"
ORDER BY
  2 ASC,
  1 ASC
LIMIT 10000
-- ["2024-01-23T00:00:00.000Z", "2024-04-08T00:00:00.000Z"]
