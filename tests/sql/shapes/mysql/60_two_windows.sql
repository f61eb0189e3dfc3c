-- Two windows over one cube: its rows are read once, added up by the buckets that the frames of both hold wholly
-- {"measures": ["orders.week", "orders.running"], "timeDimensions": [{"dimension": "orders.createdAt", "granularity": "day", "dateRange": ["2024-03-01", "2024-03-31"]}]}
WITH `orders__rows` AS (
  /* rows of orders added up by orders.createdAt.day */
  SELECT
    CAST(DATE_FORMAT(CAST(`orders`.created_at AS DATETIME(6)), '%%Y-%%m-%%d 00:00:00') AS DATETIME(6)) AS `row_time`,
    SUM(`orders`.amount) AS `input__week`,
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
), `orders__created_at_day__frames` AS (
  /* the buckets of orders.createdAt.day and the frame of each */
  SELECT
    DATE_ADD(CAST('1970-01-01 00:00:00' AS DATETIME(6)), INTERVAL (
      `n`
    ) SECOND) AS `bucket`,
    DATE_ADD(
      DATE_ADD(CAST('1970-01-01 00:00:00' AS DATETIME(6)), INTERVAL (
        `n` + 86400
      ) SECOND),
      INTERVAL (
        -604800
      ) SECOND
    ) AS `frame_start`,
    DATE_ADD(CAST('1970-01-01 00:00:00' AS DATETIME(6)), INTERVAL (
      `n` + 86400
    ) SECOND) AS `frame_end`
  FROM (
    SELECT
      first_n + (
        place - 1
      ) * 86400 AS `n`
    FROM (
      SELECT
        1709251200 AS first_n,
        1711843200 AS last_n
    ) AS bounds
    CROSS JOIN JSON_TABLE(CONCAT('[0', REPEAT(',0', (
      last_n - first_n
    ) DIV 86400), ']'), '$[*]' COLUMNS(place FOR ORDINALITY)) AS places
    WHERE
      first_n <= last_n
  ) AS `numbers`
), `orders__measures` AS (
  /* orders.week by orders.createdAt.day: the rows in the frame of each bucket */
  SELECT
    `frames`.`bucket` AS `orders__created_at_day`,
    SUM(`orders__rows`.`input__week`) AS `orders__week`
  FROM `orders__created_at_day__frames` AS `frames`
  LEFT JOIN `orders__rows` AS `orders__rows`
    ON `orders__rows`.`row_time` >= `frames`.`frame_start`
    AND `orders__rows`.`row_time` < `frames`.`frame_end`
  GROUP BY
    1
), `orders__created_at_day__series` AS (
  /* the buckets of orders.createdAt.day and what is added up, by seconds since 1970-01-01 00:00:00 */
  SELECT
    COALESCE(
      CAST((
        TO_SECONDS(`row_time`) - TO_SECONDS(CAST('1970-01-01 00:00:00' AS DATETIME(6)))
      ) AS SIGNED),
      0
    ) AS `n`,
    0 AS `is_bucket`,
    `input__week`,
    `input__running`
  FROM `orders__rows`
  UNION ALL
  SELECT
    `n`,
    1 AS `is_bucket`,
    NULL AS `input__week`,
    NULL AS `input__running`
  FROM (
    SELECT
      first_n + (
        place - 1
      ) * 86400 AS `n`
    FROM (
      SELECT
        1709251200 AS first_n,
        1711843200 AS last_n
    ) AS bounds
    CROSS JOIN JSON_TABLE(CONCAT('[0', REPEAT(',0', (
      last_n - first_n
    ) DIV 86400), ']'), '$[*]' COLUMNS(place FOR ORDINALITY)) AS places
    WHERE
      first_n <= last_n
  ) AS `numbers`
), `orders__measures_2` AS (
  /* orders.running by orders.createdAt.day: the rows in the frame of each bucket */
  SELECT
    DATE_ADD(CAST('1970-01-01 00:00:00' AS DATETIME(6)), INTERVAL (
      `frames`.`n`
    ) SECOND) AS `orders__created_at_day`,
    `frames`.`value__running` AS `orders__running`
  FROM (
    SELECT
      `orders__rows`.`n`,
      `orders__rows`.`is_bucket`,
      CAST(COALESCE(
        SUM(`orders__rows`.`input__running`) OVER (ORDER BY `orders__rows`.`n` RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW),
        0
      ) AS SIGNED) AS `value__running`
    FROM `orders__created_at_day__series` AS `orders__rows`
  ) AS `frames`
  WHERE
    `frames`.`is_bucket` = 1
)
SELECT
  `orders__created_at_day`,
  `orders__week`,
  `orders__running`
FROM (
  SELECT
    `orders__created_at_day`,
    MAX(`orders__week`) AS `orders__week`,
    MAX(`orders__running`) AS `orders__running`
  FROM (
    SELECT
      `orders__created_at_day`,
      `orders__week`,
      NULL AS `orders__running`
    FROM `orders__measures`
    UNION ALL
    SELECT
      `orders__created_at_day`,
      NULL AS `orders__week`,
      `orders__running`
    FROM `orders__measures_2`
  ) AS `parts`
  GROUP BY
    1
) AS `combined`
ORDER BY
  CASE WHEN `orders__created_at_day` IS NULL THEN 1 ELSE 0 END, `orders__created_at_day` ASC
LIMIT 10000
-- ["2024-04-02T00:00:00.000Z"]
