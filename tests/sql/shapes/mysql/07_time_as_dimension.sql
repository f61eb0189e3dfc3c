-- A time dimension without granularity is shown in the zone.
-- {"dimensions": ["orders.createdAt"], "timezone": "Asia/Tokyo"}
SELECT
  CASE
    WHEN CAST(`orders`.created_at AS DATETIME(6)) < CAST('1970-01-02 00:00:00' AS DATETIME(6))
    THEN DATE_ADD(
      CAST(`orders`.created_at AS DATETIME(6)),
      INTERVAL (
        CAST(ELT(
          INTERVAL(
            TO_SECONDS(CAST(`orders`.created_at AS DATETIME(6))),
            59579506800,
            61483417200,
            61494908400,
            61512447600,
            61526358000,
            61546921200,
            61557807600,
            61578370800,
            61589257200
          ) + 1,
          '33539',
          '32400',
          '36000',
          '32400',
          '36000',
          '32400',
          '36000',
          '32400',
          '36000',
          '32400'
        ) AS SIGNED)
      ) SECOND
    )
    ELSE CONVERT_TZ(CAST(`orders`.created_at AS DATETIME(6)), '+00:00', 'Asia/Tokyo')
  END AS `orders__created_at`
FROM (
  SELECT
    *
  FROM public.orders
  WHERE
    NOT deleted
) AS `orders`
GROUP BY
  1
ORDER BY
  CASE WHEN CASE
    WHEN CAST(`orders`.created_at AS DATETIME(6)) < CAST('1970-01-02 00:00:00' AS DATETIME(6))
    THEN DATE_ADD(
      CAST(`orders`.created_at AS DATETIME(6)),
      INTERVAL (
        CAST(ELT(
          INTERVAL(
            TO_SECONDS(CAST(`orders`.created_at AS DATETIME(6))),
            59579506800,
            61483417200,
            61494908400,
            61512447600,
            61526358000,
            61546921200,
            61557807600,
            61578370800,
            61589257200
          ) + 1,
          '33539',
          '32400',
          '36000',
          '32400',
          '36000',
          '32400',
          '36000',
          '32400',
          '36000',
          '32400'
        ) AS SIGNED)
      ) SECOND
    )
    ELSE CONVERT_TZ(CAST(`orders`.created_at AS DATETIME(6)), '+00:00', 'Asia/Tokyo')
  END IS NULL THEN 1 ELSE 0 END, CASE
    WHEN CAST(`orders`.created_at AS DATETIME(6)) < CAST('1970-01-02 00:00:00' AS DATETIME(6))
    THEN DATE_ADD(
      CAST(`orders`.created_at AS DATETIME(6)),
      INTERVAL (
        CAST(ELT(
          INTERVAL(
            TO_SECONDS(CAST(`orders`.created_at AS DATETIME(6))),
            59579506800,
            61483417200,
            61494908400,
            61512447600,
            61526358000,
            61546921200,
            61557807600,
            61578370800,
            61589257200
          ) + 1,
          '33539',
          '32400',
          '36000',
          '32400',
          '36000',
          '32400',
          '36000',
          '32400',
          '36000',
          '32400'
        ) AS SIGNED)
      ) SECOND
    )
    ELSE CONVERT_TZ(CAST(`orders`.created_at AS DATETIME(6)), '+00:00', 'Asia/Tokyo')
  END ASC
LIMIT 10000
