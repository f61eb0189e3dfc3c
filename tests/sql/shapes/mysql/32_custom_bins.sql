-- Bins of months from the 31st, and of ninety minutes; the finer one is the default order.
-- {"measures": ["orders.count"], "timeDimensions": [{"dimension": "orders.createdAt", "granularity": "half"}, {"dimension": "orders.createdAt", "granularity": "ninety_minutes"}]}
SELECT
  DATE_ADD(
    CAST('2023-03-31 00:00:00' AS DATETIME(6)),
    INTERVAL (
      (
        (
          (
            TIMESTAMPDIFF(MONTH, '0001-01-01', CAST(`orders`.created_at AS DATETIME(6))) + 13
          ) - 24279
        ) - CASE
          WHEN CAST(`orders`.created_at AS DATETIME(6)) < DATE_ADD(
            CAST('2023-03-31 00:00:00' AS DATETIME(6)),
            INTERVAL (
              (
                (
                  TIMESTAMPDIFF(MONTH, '0001-01-01', CAST(`orders`.created_at AS DATETIME(6))) + 13
                ) - 24279
              )
            ) MONTH
          )
          THEN 1
          ELSE 0
        END
      ) - (
        (
          (
            (
              (
                (
                  (
                    TIMESTAMPDIFF(MONTH, '0001-01-01', CAST(`orders`.created_at AS DATETIME(6))) + 13
                  ) - 24279
                ) - CASE
                  WHEN CAST(`orders`.created_at AS DATETIME(6)) < DATE_ADD(
                    CAST('2023-03-31 00:00:00' AS DATETIME(6)),
                    INTERVAL (
                      (
                        (
                          TIMESTAMPDIFF(MONTH, '0001-01-01', CAST(`orders`.created_at AS DATETIME(6))) + 13
                        ) - 24279
                      )
                    ) MONTH
                  )
                  THEN 1
                  ELSE 0
                END
              )
            ) %% 6
          ) + 6
        ) %% 6
      )
    ) MONTH
  ) AS `orders__created_at_half`,
  DATE_ADD(
    CAST('2024-01-01 00:00:00' AS DATETIME(6)),
    INTERVAL (
      (
        TO_SECONDS(CAST(`orders`.created_at AS DATETIME(6))) - TO_SECONDS(CAST('2024-01-01 00:00:00' AS DATETIME(6)))
      ) - (
        (
          (
            (
              (
                TO_SECONDS(CAST(`orders`.created_at AS DATETIME(6))) - TO_SECONDS(CAST('2024-01-01 00:00:00' AS DATETIME(6)))
              )
            ) %% 5400
          ) + 5400
        ) %% 5400
      )
    ) SECOND
  ) AS `orders__created_at_ninety_minutes`,
  COUNT(`orders`.id) AS `orders__count`
FROM (
  SELECT
    *
  FROM public.orders
  WHERE
    NOT deleted
) AS `orders`
GROUP BY
  1,
  2
ORDER BY
  CASE WHEN DATE_ADD(
    CAST('2024-01-01 00:00:00' AS DATETIME(6)),
    INTERVAL (
      (
        TO_SECONDS(CAST(`orders`.created_at AS DATETIME(6))) - TO_SECONDS(CAST('2024-01-01 00:00:00' AS DATETIME(6)))
      ) - (
        (
          (
            (
              (
                TO_SECONDS(CAST(`orders`.created_at AS DATETIME(6))) - TO_SECONDS(CAST('2024-01-01 00:00:00' AS DATETIME(6)))
              )
            ) %% 5400
          ) + 5400
        ) %% 5400
      )
    ) SECOND
  ) IS NULL THEN 1 ELSE 0 END, DATE_ADD(
    CAST('2024-01-01 00:00:00' AS DATETIME(6)),
    INTERVAL (
      (
        TO_SECONDS(CAST(`orders`.created_at AS DATETIME(6))) - TO_SECONDS(CAST('2024-01-01 00:00:00' AS DATETIME(6)))
      ) - (
        (
          (
            (
              (
                TO_SECONDS(CAST(`orders`.created_at AS DATETIME(6))) - TO_SECONDS(CAST('2024-01-01 00:00:00' AS DATETIME(6)))
              )
            ) %% 5400
          ) + 5400
        ) %% 5400
      )
    ) SECOND
  ) ASC,
  CASE WHEN DATE_ADD(
    CAST('2023-03-31 00:00:00' AS DATETIME(6)),
    INTERVAL (
      (
        (
          (
            TIMESTAMPDIFF(MONTH, '0001-01-01', CAST(`orders`.created_at AS DATETIME(6))) + 13
          ) - 24279
        ) - CASE
          WHEN CAST(`orders`.created_at AS DATETIME(6)) < DATE_ADD(
            CAST('2023-03-31 00:00:00' AS DATETIME(6)),
            INTERVAL (
              (
                (
                  TIMESTAMPDIFF(MONTH, '0001-01-01', CAST(`orders`.created_at AS DATETIME(6))) + 13
                ) - 24279
              )
            ) MONTH
          )
          THEN 1
          ELSE 0
        END
      ) - (
        (
          (
            (
              (
                (
                  (
                    TIMESTAMPDIFF(MONTH, '0001-01-01', CAST(`orders`.created_at AS DATETIME(6))) + 13
                  ) - 24279
                ) - CASE
                  WHEN CAST(`orders`.created_at AS DATETIME(6)) < DATE_ADD(
                    CAST('2023-03-31 00:00:00' AS DATETIME(6)),
                    INTERVAL (
                      (
                        (
                          TIMESTAMPDIFF(MONTH, '0001-01-01', CAST(`orders`.created_at AS DATETIME(6))) + 13
                        ) - 24279
                      )
                    ) MONTH
                  )
                  THEN 1
                  ELSE 0
                END
              )
            ) %% 6
          ) + 6
        ) %% 6
      )
    ) MONTH
  ) IS NULL THEN 1 ELSE 0 END, DATE_ADD(
    CAST('2023-03-31 00:00:00' AS DATETIME(6)),
    INTERVAL (
      (
        (
          (
            TIMESTAMPDIFF(MONTH, '0001-01-01', CAST(`orders`.created_at AS DATETIME(6))) + 13
          ) - 24279
        ) - CASE
          WHEN CAST(`orders`.created_at AS DATETIME(6)) < DATE_ADD(
            CAST('2023-03-31 00:00:00' AS DATETIME(6)),
            INTERVAL (
              (
                (
                  TIMESTAMPDIFF(MONTH, '0001-01-01', CAST(`orders`.created_at AS DATETIME(6))) + 13
                ) - 24279
              )
            ) MONTH
          )
          THEN 1
          ELSE 0
        END
      ) - (
        (
          (
            (
              (
                (
                  (
                    TIMESTAMPDIFF(MONTH, '0001-01-01', CAST(`orders`.created_at AS DATETIME(6))) + 13
                  ) - 24279
                ) - CASE
                  WHEN CAST(`orders`.created_at AS DATETIME(6)) < DATE_ADD(
                    CAST('2023-03-31 00:00:00' AS DATETIME(6)),
                    INTERVAL (
                      (
                        (
                          TIMESTAMPDIFF(MONTH, '0001-01-01', CAST(`orders`.created_at AS DATETIME(6))) + 13
                        ) - 24279
                      )
                    ) MONTH
                  )
                  THEN 1
                  ELSE 0
                END
              )
            ) %% 6
          ) + 6
        ) %% 6
      )
    ) MONTH
  ) ASC
LIMIT 10000
