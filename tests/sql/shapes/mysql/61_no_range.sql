-- Without a range the buckets run from the first row to the last
-- {"measures": ["orders.week"], "timeDimensions": [{"dimension": "orders.createdAt", "granularity": "month"}]}
WITH `orders__rows` AS (
  /* rows of orders added up by orders.createdAt.day */
  SELECT
    CAST(DATE_FORMAT(CAST(`orders`.created_at AS DATETIME(6)), '%%Y-%%m-%%d 00:00:00') AS DATETIME(6)) AS `row_time`,
    SUM(`orders`.amount) AS `input__week`
  FROM (
    SELECT
      *
    FROM public.orders
    WHERE
      NOT deleted
  ) AS `orders`
  GROUP BY
    1
), `orders__created_at_month__frames` AS (
  /* the buckets of orders.createdAt.month and the frame of each */
  SELECT
    DATE_ADD(CAST('1970-01-01 00:00:00' AS DATETIME(6)), INTERVAL (
      `n`
    ) MONTH) AS `bucket`,
    DATE_ADD(
      DATE_ADD(CAST('1970-01-01 00:00:00' AS DATETIME(6)), INTERVAL (
        `n` + 1
      ) MONTH),
      INTERVAL (
        -604800
      ) SECOND
    ) AS `frame_start`,
    DATE_ADD(CAST('1970-01-01 00:00:00' AS DATETIME(6)), INTERVAL (
      `n` + 1
    ) MONTH) AS `frame_end`
  FROM (
    SELECT
      first_n + (
        place - 1
      ) * 1 AS `n`
    FROM (
      SELECT
        `first_n` AS first_n,
        `last_n` AS last_n
      FROM (
        SELECT
          COALESCE(
            CAST((
              (
                TIMESTAMPDIFF(MONTH, '0001-01-01', MIN(`row_time`)) + 13
              ) - 23641
            ) AS SIGNED),
            0
          ) AS `first_n`,
          COALESCE(
            CAST((
              (
                TIMESTAMPDIFF(MONTH, '0001-01-01', MAX(`row_time`)) + 13
              ) - 23641
            ) AS SIGNED),
            -1
          ) AS `last_n`
        FROM `orders__rows`
      ) AS `bounds`
    ) AS bounds
    CROSS JOIN JSON_TABLE(CONCAT('[0', REPEAT(',0', (
      last_n - first_n
    ) DIV 1), ']'), '$[*]' COLUMNS(place FOR ORDINALITY)) AS places
    WHERE
      first_n <= last_n
  ) AS `numbers`
), `orders__measures` AS (
  /* orders.week by orders.createdAt.month: the rows in the frame of each bucket */
  SELECT
    `frames`.`bucket` AS `orders__created_at_month`,
    SUM(`orders__rows`.`input__week`) AS `orders__week`
  FROM `orders__created_at_month__frames` AS `frames`
  LEFT JOIN `orders__rows` AS `orders__rows`
    ON `orders__rows`.`row_time` >= `frames`.`frame_start`
    AND `orders__rows`.`row_time` < `frames`.`frame_end`
  GROUP BY
    1
)
SELECT
  `orders__created_at_month`,
  `orders__week`
FROM `orders__measures`
ORDER BY
  CASE WHEN `orders__created_at_month` IS NULL THEN 1 ELSE 0 END, `orders__created_at_month` ASC
LIMIT 10000
