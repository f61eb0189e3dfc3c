-- The average of snapshots: each by itself, then the mean.
-- {"measures": ["orders.pendingOnAverage"], "timeDimensions": [{"dimension": "orders.createdAt", "granularity": "month"}]}
SELECT
  "orders__snapshots"."orders__created_at_month" AS "orders__created_at_month",
  AVG(
    CAST(CASE
      WHEN NOT (
        "orders__snapshots"."time__pendingOnAverage" IS NULL
      )
      THEN "orders__snapshots"."value__pendingOnAverage"
    END AS Nullable(Float64))
  ) AS "orders__pending_on_average"
FROM (
  SELECT
    "orders__rows"."orders__created_at_month",
    "orders__rows"."time__pendingOnAverage",
    SUM("orders__rows"."input__pendingOnAverage") AS "value__pendingOnAverage"
  FROM (
    SELECT
      toDateTime64(toStartOfMonth(toDate32(toDateTime64("orders".created_at, 6, 'UTC'))), 6, 'UTC') AS "orders__created_at_month",
      "orders".amount AS "input__pendingOnAverage",
      "orders".created_at AS "time__pendingOnAverage"
    FROM (
      SELECT
        *
      FROM public.orders
      WHERE
        NOT deleted
    ) AS "orders"
  ) AS "orders__rows"
  GROUP BY
    1,
    2
) AS "orders__snapshots"
GROUP BY
  1
ORDER BY
  1 ASC
LIMIT 10000
