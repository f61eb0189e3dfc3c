-- A shifted measure reads another range of the same rows
-- {"measures": ["orders.total", "orders.lastMonth"], "timeDimensions": [{"dimension": "orders.createdAt", "granularity": "month", "dateRange": ["2024-01-01", "2024-03-31"]}], "filters": [{"member": "orders.status", "operator": "equals", "values": ["paid"]}]}
WITH "orders__measures" AS (
  /* orders.total by orders.createdAt.month, orders.createdAt being shifted */
  SELECT
    toDateTime64(
      toStartOfMonth(toDate32(addMonths(toDateTime64("orders".created_at, 6, 'UTC'), 1))),
      6,
      'UTC'
    ) AS "orders__created_at_month",
    SUM("orders".amount) AS "orders__total"
  FROM (
    SELECT
      *
    FROM public.orders
    WHERE
      NOT deleted
  ) AS "orders"
  WHERE
    (
      "orders".created_at >= {p1:DateTime64(6, 'UTC')}
      AND "orders".created_at < {p2:DateTime64(6, 'UTC')}
    )
    AND "orders".status = {p3:String}
  GROUP BY
    1
), "orders__last_month" AS (
  /* orders.lastMonth by orders.createdAt.month: from the groups of what it is made of */
  SELECT
    "orders__created_at_month",
    SUM("orders__total") AS "orders__last_month"
  FROM "orders__measures"
  GROUP BY
    1
), "orders__measures_2" AS (
  /* orders.total by orders.createdAt.month */
  SELECT
    toDateTime64(toStartOfMonth(toDate32(toDateTime64("orders".created_at, 6, 'UTC'))), 6, 'UTC') AS "orders__created_at_month",
    SUM("orders".amount) AS "orders__total"
  FROM (
    SELECT
      *
    FROM public.orders
    WHERE
      NOT deleted
  ) AS "orders"
  WHERE
    (
      "orders".created_at >= {p4:DateTime64(6, 'UTC')}
      AND "orders".created_at < {p5:DateTime64(6, 'UTC')}
    )
    AND "orders".status = {p6:String}
  GROUP BY
    1
)
SELECT
  "orders__created_at_month",
  "orders__total",
  "orders__last_month"
FROM (
  SELECT
    "orders__created_at_month",
    any("orders__last_month") AS "orders__last_month",
    any("orders__total") AS "orders__total"
  FROM (
    SELECT
      "orders__created_at_month",
      "orders__last_month",
      NULL AS "orders__total"
    FROM "orders__last_month"
    UNION ALL
    SELECT
      "orders__created_at_month",
      NULL AS "orders__last_month",
      "orders__total"
    FROM "orders__measures_2"
  ) AS "parts"
  GROUP BY
    1
) AS "combined"
ORDER BY
  1 ASC
LIMIT 10000
-- ["2023-12-01T00:00:00.000Z", "2024-03-01T00:00:00.000Z", "paid", "2024-01-01T00:00:00.000Z", "2024-04-01T00:00:00.000Z", "paid"]
