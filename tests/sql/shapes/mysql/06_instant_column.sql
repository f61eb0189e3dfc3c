-- An instant column is compared with instants.
-- {"measures": ["orders.count"], "timeDimensions": [{"dimension": "orders.changedAt", "granularity": "hour", "dateRange": "yesterday"}], "timezone": "Asia/Kolkata"}
SELECT
  CAST(DATE_FORMAT(
    CASE
      WHEN CAST(`orders`.changed_at AS DATETIME(6)) < CAST('1970-01-02 00:00:00' AS DATETIME(6))
      THEN DATE_ADD(
        CAST(`orders`.changed_at AS DATETIME(6)),
        INTERVAL (
          CAST(ELT(
            INTERVAL(
              TO_SECONDS(CAST(`orders`.changed_at AS DATETIME(6))),
              58521981992,
              59011524400,
              60147513530,
              61275637800,
              61295160600,
              61304581800,
              61403074200
            ) + 1,
            '21208',
            '21200',
            '19270',
            '19800',
            '23400',
            '19800',
            '23400',
            '19800'
          ) AS SIGNED)
        ) SECOND
      )
      ELSE CONVERT_TZ(CAST(`orders`.changed_at AS DATETIME(6)), '+00:00', 'Asia/Kolkata')
    END,
    '%%Y-%%m-%%d %%H:00:00'
  ) AS DATETIME(6)) AS `orders__changed_at_hour`,
  COUNT(`orders`.id) AS `orders__count`
FROM (
  SELECT
    *
  FROM public.orders
  WHERE
    NOT deleted
) AS `orders`
WHERE
  `orders`.changed_at >= CAST(%s AS DATETIME(6))
  AND `orders`.changed_at < CAST(%s AS DATETIME(6))
GROUP BY
  1
ORDER BY
  CASE WHEN CAST(DATE_FORMAT(
    CASE
      WHEN CAST(`orders`.changed_at AS DATETIME(6)) < CAST('1970-01-02 00:00:00' AS DATETIME(6))
      THEN DATE_ADD(
        CAST(`orders`.changed_at AS DATETIME(6)),
        INTERVAL (
          CAST(ELT(
            INTERVAL(
              TO_SECONDS(CAST(`orders`.changed_at AS DATETIME(6))),
              58521981992,
              59011524400,
              60147513530,
              61275637800,
              61295160600,
              61304581800,
              61403074200
            ) + 1,
            '21208',
            '21200',
            '19270',
            '19800',
            '23400',
            '19800',
            '23400',
            '19800'
          ) AS SIGNED)
        ) SECOND
      )
      ELSE CONVERT_TZ(CAST(`orders`.changed_at AS DATETIME(6)), '+00:00', 'Asia/Kolkata')
    END,
    '%%Y-%%m-%%d %%H:00:00'
  ) AS DATETIME(6)) IS NULL THEN 1 ELSE 0 END, CAST(DATE_FORMAT(
    CASE
      WHEN CAST(`orders`.changed_at AS DATETIME(6)) < CAST('1970-01-02 00:00:00' AS DATETIME(6))
      THEN DATE_ADD(
        CAST(`orders`.changed_at AS DATETIME(6)),
        INTERVAL (
          CAST(ELT(
            INTERVAL(
              TO_SECONDS(CAST(`orders`.changed_at AS DATETIME(6))),
              58521981992,
              59011524400,
              60147513530,
              61275637800,
              61295160600,
              61304581800,
              61403074200
            ) + 1,
            '21208',
            '21200',
            '19270',
            '19800',
            '23400',
            '19800',
            '23400',
            '19800'
          ) AS SIGNED)
        ) SECOND
      )
      ELSE CONVERT_TZ(CAST(`orders`.changed_at AS DATETIME(6)), '+00:00', 'Asia/Kolkata')
    END,
    '%%Y-%%m-%%d %%H:00:00'
  ) AS DATETIME(6)) ASC
LIMIT 10000
-- ["2024-06-13T18:30:00.000Z", "2024-06-14T18:30:00.000Z"]
