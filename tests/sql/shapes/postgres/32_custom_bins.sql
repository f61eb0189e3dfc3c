-- Bins of months from the 31st, and of ninety minutes; the finer one is the default order.
-- {"measures": ["orders.count"], "timeDimensions": [{"dimension": "orders.createdAt", "granularity": "half"}, {"dimension": "orders.createdAt", "granularity": "ninety_minutes"}]}
SELECT
  (
    CAST('2023-03-31 00:00:00' AS TIMESTAMP) + INTERVAL '1 MONTH' * (
      (
        (
          EXTRACT(YEAR FROM CAST("orders".created_at AS TIMESTAMP)) * 12 + EXTRACT(MONTH FROM CAST("orders".created_at AS TIMESTAMP)) - 24279
        ) - CASE
          WHEN CAST("orders".created_at AS TIMESTAMP) < (
            CAST('2023-03-31 00:00:00' AS TIMESTAMP) + INTERVAL '1 MONTH' * (
              (
                EXTRACT(YEAR FROM CAST("orders".created_at AS TIMESTAMP)) * 12 + EXTRACT(MONTH FROM CAST("orders".created_at AS TIMESTAMP)) - 24279
              )
            )
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
                  EXTRACT(YEAR FROM CAST("orders".created_at AS TIMESTAMP)) * 12 + EXTRACT(MONTH FROM CAST("orders".created_at AS TIMESTAMP)) - 24279
                ) - CASE
                  WHEN CAST("orders".created_at AS TIMESTAMP) < (
                    CAST('2023-03-31 00:00:00' AS TIMESTAMP) + INTERVAL '1 MONTH' * (
                      (
                        EXTRACT(YEAR FROM CAST("orders".created_at AS TIMESTAMP)) * 12 + EXTRACT(MONTH FROM CAST("orders".created_at AS TIMESTAMP)) - 24279
                      )
                    )
                  )
                  THEN 1
                  ELSE 0
                END
              )
            ) % 6
          ) + 6
        ) % 6
      )
    )
  ) AS "orders__created_at_half",
  (
    CAST('2024-01-01 00:00:00' AS TIMESTAMP) + INTERVAL '1 SECOND' * (
      FLOOR(
        EXTRACT(EPOCH FROM (
          CAST("orders".created_at AS TIMESTAMP) - CAST('2024-01-01 00:00:00' AS TIMESTAMP)
        ))
      ) - (
        (
          (
            (
              FLOOR(
                EXTRACT(EPOCH FROM (
                  CAST("orders".created_at AS TIMESTAMP) - CAST('2024-01-01 00:00:00' AS TIMESTAMP)
                ))
              )
            ) % 5400
          ) + 5400
        ) % 5400
      )
    )
  ) AS "orders__created_at_ninety_minutes",
  COUNT("orders".id) AS "orders__count"
FROM (
  SELECT
    *
  FROM public.orders
  WHERE
    NOT deleted
) AS "orders"
GROUP BY
  1,
  2
ORDER BY
  "orders__created_at_ninety_minutes" ASC,
  "orders__created_at_half" ASC
LIMIT 10000
