-- To-date frames begin with the bucket of the larger granularity
-- {"measures": ["orders.toDate"], "timeDimensions": [{"dimension": "orders.createdAt", "granularity": "day", "dateRange": ["2024-03-01", "2024-04-10"]}], "timezone": "Europe/Berlin"}
WITH `orders__rows` AS (
  /* rows of orders added up by orders.createdAt.day */
  SELECT
    CAST(DATE_FORMAT(
      CASE
        WHEN CAST(`orders`.created_at AS DATETIME(6)) < CAST('1970-01-02 00:00:00' AS DATETIME(6))
        THEN DATE_ADD(
          CAST(`orders`.created_at AS DATETIME(6)),
          INTERVAL (
            CAST(ELT(
              INTERVAL(
                TO_SECONDS(CAST(`orders`.created_at AS DATETIME(6))),
                59745164792,
                60473512800,
                60486735600,
                60503763600,
                60517069200,
                60535213200,
                60548518800,
                61228314000,
                61309962000,
                61322662800,
                61338992400,
                61354717200,
                61370442000,
                61386166800,
                61390656000,
                61401283200,
                61406038800,
                61418739600,
                61433946000,
                61449588000,
                61452608400,
                61456838400,
                61465309200,
                61482243600,
                61496758800,
                61513088400,
                61528208400
              ) + 1,
              '3208',
              '3600',
              '7200',
              '3600',
              '7200',
              '3600',
              '7200',
              '3600',
              '7200',
              '3600',
              '7200',
              '3600',
              '7200',
              '3600',
              '7200',
              '10800',
              '7200',
              '3600',
              '7200',
              '3600',
              '7200',
              '10800',
              '7200',
              '3600',
              '7200',
              '3600',
              '7200',
              '3600'
            ) AS SIGNED)
          ) SECOND
        )
        ELSE CONVERT_TZ(CAST(`orders`.created_at AS DATETIME(6)), '+00:00', 'Europe/Berlin')
      END,
      '%%Y-%%m-%%d 00:00:00'
    ) AS DATETIME(6)) AS `row_time`,
    SUM(`orders`.amount) AS `input__toDate`
  FROM (
    SELECT
      *
    FROM public.orders
    WHERE
      NOT deleted
  ) AS `orders`
  WHERE
    `orders`.created_at >= CAST(%s AS DATETIME(6))
    AND `orders`.created_at < CAST(%s AS DATETIME(6))
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
    `input__toDate`
  FROM `orders__rows`
  UNION ALL
  SELECT
    `n`,
    1 AS `is_bucket`,
    NULL AS `input__toDate`
  FROM (
    SELECT
      first_n + (
        place - 1
      ) * 86400 AS `n`
    FROM (
      SELECT
        1709251200 AS first_n,
        1712707200 AS last_n
    ) AS bounds
    CROSS JOIN JSON_TABLE(CONCAT('[0', REPEAT(',0', (
      last_n - first_n
    ) DIV 86400), ']'), '$[*]' COLUMNS(place FOR ORDINALITY)) AS places
    WHERE
      first_n <= last_n
  ) AS `numbers`
), `orders__measures` AS (
  /* orders.toDate by orders.createdAt.day: the rows in the frame of each bucket */
  SELECT
    DATE_ADD(CAST('1970-01-01 00:00:00' AS DATETIME(6)), INTERVAL (
      `frames`.`n`
    ) SECOND) AS `orders__created_at_day`,
    `frames`.`value__toDate` AS `orders__to_date`
  FROM (
    SELECT
      `orders__rows`.`n`,
      `orders__rows`.`is_bucket`,
      SUM(`orders__rows`.`input__toDate`) OVER (
        PARTITION BY CAST(DATE_FORMAT(
          DATE_ADD(
            CAST('1970-01-01 00:00:00' AS DATETIME(6)),
            INTERVAL (
              `orders__rows`.`n`
            ) SECOND
          ),
          '%%Y-%%m-01 00:00:00'
        ) AS DATETIME(6))
        ORDER BY `orders__rows`.`n`
        RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
      ) AS `value__toDate`
    FROM `orders__created_at_day__series` AS `orders__rows`
  ) AS `frames`
  WHERE
    `frames`.`is_bucket` = 1
)
SELECT
  `orders__created_at_day`,
  `orders__to_date`
FROM `orders__measures`
ORDER BY
  CASE WHEN `orders__created_at_day` IS NULL THEN 1 ELSE 0 END, `orders__created_at_day` ASC
LIMIT 10000
-- ["2024-01-28T23:00:00.000Z", "2024-04-11T22:00:00.000Z"]
