-- A shifted measure reads another range of the same rows
-- {"measures": ["orders.total", "orders.lastMonth"], "timeDimensions": [{"dimension": "orders.createdAt", "granularity": "month", "dateRange": ["2024-01-01", "2024-03-31"]}], "filters": [{"member": "orders.status", "operator": "equals", "values": ["paid"]}]}
WITH `orders__measures` AS (
  /* orders.total by orders.createdAt.month, orders.createdAt being shifted */
  SELECT
    CAST(DATE_FORMAT(
      DATE_ADD(CAST(`orders`.created_at AS DATETIME(6)), INTERVAL (
        1
      ) MONTH),
      '%%Y-%%m-01 00:00:00'
    ) AS DATETIME(6)) AS `orders__created_at_month`,
    SUM(`orders`.amount) AS `orders__total`
  FROM (
    SELECT
      *
    FROM public.orders
    WHERE
      NOT deleted
  ) AS `orders`
  WHERE
    (
      `orders`.created_at >= CAST(%s AS DATETIME(6))
      AND `orders`.created_at < CAST(%s AS DATETIME(6))
    )
    AND `orders`.status = %s
  GROUP BY
    1
), `orders__last_month` AS (
  /* orders.lastMonth by orders.createdAt.month: from the groups of what it is made of */
  SELECT
    `orders__created_at_month`,
    SUM(`orders__total`) AS `orders__last_month`
  FROM `orders__measures`
  GROUP BY
    1
), `orders__measures_2` AS (
  /* orders.total by orders.createdAt.month */
  SELECT
    CAST(DATE_FORMAT(CAST(`orders`.created_at AS DATETIME(6)), '%%Y-%%m-01 00:00:00') AS DATETIME(6)) AS `orders__created_at_month`,
    SUM(`orders`.amount) AS `orders__total`
  FROM (
    SELECT
      *
    FROM public.orders
    WHERE
      NOT deleted
  ) AS `orders`
  WHERE
    (
      `orders`.created_at >= CAST(%s AS DATETIME(6))
      AND `orders`.created_at < CAST(%s AS DATETIME(6))
    )
    AND `orders`.status = %s
  GROUP BY
    1
)
SELECT
  `orders__created_at_month`,
  `orders__total`,
  `orders__last_month`
FROM (
  SELECT
    `orders__created_at_month`,
    MAX(`orders__last_month`) AS `orders__last_month`,
    MAX(`orders__total`) AS `orders__total`
  FROM (
    SELECT
      `orders__created_at_month`,
      `orders__last_month`,
      NULL AS `orders__total`
    FROM `orders__last_month`
    UNION ALL
    SELECT
      `orders__created_at_month`,
      NULL AS `orders__last_month`,
      `orders__total`
    FROM `orders__measures_2`
  ) AS `parts`
  GROUP BY
    1
) AS `combined`
ORDER BY
  CASE WHEN `orders__created_at_month` IS NULL THEN 1 ELSE 0 END, `orders__created_at_month` ASC
LIMIT 10000
-- ["2023-12-01T00:00:00.000Z", "2024-03-01T00:00:00.000Z", "paid", "2024-01-01T00:00:00.000Z", "2024-04-01T00:00:00.000Z", "paid"]
