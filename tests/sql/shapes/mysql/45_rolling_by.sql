-- Without a range the buckets run from the first to the last row; pairs with a dimension are those that have rows
-- {"measures": ["orders.running"], "dimensions": ["users.city"], "timeDimensions": [{"dimension": "orders.createdAt", "granularity": "month"}]}
WITH `orders__rows` AS (
  /* rows of orders added up by orders.createdAt.month */
  SELECT
    `users`.city AS `users__city`,
    CAST(DATE_FORMAT(CAST(`orders`.created_at AS DATETIME(6)), '%%Y-%%m-01 00:00:00') AS DATETIME(6)) AS `row_time`,
    COUNT(`orders`.id) AS `input__running`
  FROM public.users AS `users`
  LEFT JOIN (
    SELECT
      *
    FROM public.orders
    WHERE
      NOT deleted
  ) AS `orders`
    ON `users`.id = `orders`.user_id
  WHERE
    NOT `orders`.id IS NULL
  GROUP BY
    1,
    2
), `orders__created_at_month__frames` AS (
  /* the buckets of orders.createdAt.month and the frame of each */
  SELECT
    DATE_ADD(CAST('1970-01-01 00:00:00' AS DATETIME(6)), INTERVAL (
      `n`
    ) MONTH) AS `bucket`,
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
  /* orders.running by users.city, orders.createdAt.month: the rows in the frame of each bucket */
  SELECT
    `orders__rows`.`users__city` AS `users__city`,
    `frames`.`bucket` AS `orders__created_at_month`,
    CAST(COALESCE(SUM(`orders__rows`.`input__running`), 0) AS SIGNED) AS `orders__running`
  FROM `orders__created_at_month__frames` AS `frames`
  INNER JOIN `orders__rows` AS `orders__rows`
    ON `orders__rows`.`row_time` < `frames`.`frame_end`
  GROUP BY
    1,
    2
)
SELECT
  `users__city`,
  `orders__created_at_month`,
  `orders__running`
FROM `orders__measures`
ORDER BY
  CASE WHEN `orders__created_at_month` IS NULL THEN 1 ELSE 0 END, `orders__created_at_month` ASC,
  CASE WHEN `users__city` IS NULL THEN 1 ELSE 0 END, `users__city` ASC
LIMIT 10000
