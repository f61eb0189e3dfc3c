-- A running total: frames have no beginning, and rows are read up to the end of the range
-- {"measures": ["orders.running"], "timeDimensions": [{"dimension": "orders.createdAt", "granularity": "month", "dateRange": ["2024-01-01", "2024-12-31"]}]}
WITH `orders__rows` AS (
  /* rows of orders added up by orders.createdAt.month */
  SELECT
    CAST(DATE_FORMAT(CAST(`orders`.created_at AS DATETIME(6)), '%%Y-%%m-01 00:00:00') AS DATETIME(6)) AS `row_time`,
    COUNT(`orders`.id) AS `input__running`
  FROM (
    SELECT
      *
    FROM public.orders
    WHERE
      NOT deleted
  ) AS `orders`
  WHERE
    `orders`.created_at < CAST(%s AS DATETIME(6))
  GROUP BY
    1
), `orders__created_at_month__series` AS (
  /* the buckets of orders.createdAt.month and what is added up, by months since 1970-01-01 00:00:00 */
  SELECT
    COALESCE(
      CAST((
        (
          TIMESTAMPDIFF(MONTH, '0001-01-01', `row_time`) + 13
        ) - 23641
      ) AS SIGNED),
      0
    ) AS `n`,
    0 AS `is_bucket`,
    `input__running`
  FROM `orders__rows`
  UNION ALL
  SELECT
    `n`,
    1 AS `is_bucket`,
    NULL AS `input__running`
  FROM (
    SELECT
      first_n + (
        place - 1
      ) * 1 AS `n`
    FROM (
      SELECT
        648 AS first_n,
        659 AS last_n
    ) AS bounds
    CROSS JOIN JSON_TABLE(CONCAT('[0', REPEAT(',0', (
      last_n - first_n
    ) DIV 1), ']'), '$[*]' COLUMNS(place FOR ORDINALITY)) AS places
    WHERE
      first_n <= last_n
  ) AS `numbers`
), `orders__measures` AS (
  /* orders.running by orders.createdAt.month: the rows in the frame of each bucket */
  SELECT
    DATE_ADD(CAST('1970-01-01 00:00:00' AS DATETIME(6)), INTERVAL (
      `frames`.`n`
    ) MONTH) AS `orders__created_at_month`,
    `frames`.`value__running` AS `orders__running`
  FROM (
    SELECT
      `orders__rows`.`n`,
      `orders__rows`.`is_bucket`,
      CAST(COALESCE(
        SUM(`orders__rows`.`input__running`) OVER (ORDER BY `orders__rows`.`n` RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW),
        0
      ) AS SIGNED) AS `value__running`
    FROM `orders__created_at_month__series` AS `orders__rows`
  ) AS `frames`
  WHERE
    `frames`.`is_bucket` = 1
)
SELECT
  `orders__created_at_month`,
  `orders__running`
FROM `orders__measures`
ORDER BY
  CASE WHEN `orders__created_at_month` IS NULL THEN 1 ELSE 0 END, `orders__created_at_month` ASC
LIMIT 10000
-- ["2025-02-01T00:00:00.000Z"]
