-- Rows that a join repeats are reduced to one per frame, group and key
-- {"measures": ["orders.toDate"], "dimensions": ["lines.sku"], "timeDimensions": [{"dimension": "orders.createdAt", "granularity": "week", "dateRange": ["2024-03-01", "2024-03-31"]}]}
WITH `orders__rows` AS (
  /* rows of orders at orders.createdAt */
  SELECT DISTINCT
    `lines`.sku AS `lines__sku`,
    CAST(`orders`.created_at AS DATETIME(6)) AS `row_time`,
    `orders`.id AS `key__id`,
    `orders`.amount AS `input__toDate`
  FROM (
    SELECT
      *
    FROM public.orders
    WHERE
      NOT deleted
  ) AS `orders`
  LEFT JOIN `lines` AS `lines`
    ON `orders`.id = `lines`.order_id
  WHERE
    `orders`.created_at >= CAST(%s AS DATETIME(6))
    AND `orders`.created_at < CAST(%s AS DATETIME(6))
), `orders__created_at_week__frames` AS (
  /* the buckets of orders.createdAt.week and the frame of each */
  SELECT
    DATE_ADD(CAST('1970-01-05 00:00:00' AS DATETIME(6)), INTERVAL (
      `n`
    ) SECOND) AS `bucket`,
    CAST(DATE_FORMAT(
      DATE_ADD(CAST('1970-01-05 00:00:00' AS DATETIME(6)), INTERVAL (
        `n`
      ) SECOND),
      '%%Y-%%m-01 00:00:00'
    ) AS DATETIME(6)) AS `frame_start`,
    DATE_ADD(CAST('1970-01-05 00:00:00' AS DATETIME(6)), INTERVAL (
      `n` + 604800
    ) SECOND) AS `frame_end`
  FROM (
    SELECT
      first_n + (
        place - 1
      ) * 604800 AS `n`
    FROM (
      SELECT
        1708560000 AS first_n,
        1710979200 AS last_n
    ) AS bounds
    CROSS JOIN JSON_TABLE(CONCAT('[0', REPEAT(',0', (
      last_n - first_n
    ) DIV 604800), ']'), '$[*]' COLUMNS(place FOR ORDINALITY)) AS places
    WHERE
      first_n <= last_n
  ) AS `numbers`
), `orders__measures` AS (
  /* orders.toDate by lines.sku, orders.createdAt.week: the rows in the frame of each bucket */
  SELECT
    `orders__rows`.`lines__sku` AS `lines__sku`,
    `orders__rows`.`bucket` AS `orders__created_at_week`,
    SUM(`orders__rows`.`input__toDate`) AS `orders__to_date`
  FROM (
    SELECT DISTINCT
      `frames`.`bucket` AS `bucket`,
      `orders__rows`.`lines__sku` AS `lines__sku`,
      `orders__rows`.`key__id` AS `key__id`,
      `orders__rows`.`input__toDate` AS `input__toDate`
    FROM `orders__created_at_week__frames` AS `frames`
    INNER JOIN `orders__rows` AS `orders__rows`
      ON `orders__rows`.`row_time` >= `frames`.`frame_start`
      AND `orders__rows`.`row_time` < `frames`.`frame_end`
  ) AS `orders__rows`
  GROUP BY
    1,
    2
)
SELECT
  `lines__sku`,
  `orders__created_at_week`,
  `orders__to_date`
FROM `orders__measures`
ORDER BY
  CASE WHEN `orders__created_at_week` IS NULL THEN 1 ELSE 0 END, `orders__created_at_week` ASC,
  CASE WHEN `lines__sku` IS NULL THEN 1 ELSE 0 END, `lines__sku` ASC
LIMIT 10000
-- ["2024-01-23T00:00:00.000Z", "2024-04-08T00:00:00.000Z"]
