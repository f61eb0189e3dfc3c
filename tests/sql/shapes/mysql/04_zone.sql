-- The same by week in a zone: converted, then truncated; bounds are the zone's midnights in UTC.
-- {"measures": ["orders.count"], "timeDimensions": [{"dimension": "orders.createdAt", "granularity": "week", "dateRange": ["2024-03-31", "2024-04-06"]}], "timezone": "Europe/Berlin"}
SELECT
  CAST(FROM_DAYS(
    (
      TO_DAYS(
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
        END
      ) - 2
    ) DIV 7 * 7 + 2
  ) AS DATETIME(6)) AS `orders__created_at_week`,
  COUNT(`orders`.id) AS `orders__count`
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
ORDER BY
  CASE WHEN CAST(FROM_DAYS(
    (
      TO_DAYS(
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
        END
      ) - 2
    ) DIV 7 * 7 + 2
  ) AS DATETIME(6)) IS NULL THEN 1 ELSE 0 END, CAST(FROM_DAYS(
    (
      TO_DAYS(
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
        END
      ) - 2
    ) DIV 7 * 7 + 2
  ) AS DATETIME(6)) ASC
LIMIT 10000
-- ["2024-03-30T23:00:00.000Z", "2024-04-06T22:00:00.000Z"]
