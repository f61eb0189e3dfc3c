-- Bins of months from the 31st, and of ninety minutes; the finer one is the default order.
-- {"measures": ["orders.count"], "timeDimensions": [{"dimension": "orders.createdAt", "granularity": "half"}, {"dimension": "orders.createdAt", "granularity": "ninety_minutes"}]}
SELECT
  addMonths(
    toDateTime64('2023-03-31 00:00:00', 6, 'UTC'),
    (
      (
        toInt64(
          toYear(toDateTime64("orders".created_at, 6, 'UTC')) * 12 + toMonth(toDateTime64("orders".created_at, 6, 'UTC'))
        ) - 24279
      ) - CASE
        WHEN toDateTime64("orders".created_at, 6, 'UTC') < addMonths(
          toDateTime64('2023-03-31 00:00:00', 6, 'UTC'),
          (
            toInt64(
              toYear(toDateTime64("orders".created_at, 6, 'UTC')) * 12 + toMonth(toDateTime64("orders".created_at, 6, 'UTC'))
            ) - 24279
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
                toInt64(
                  toYear(toDateTime64("orders".created_at, 6, 'UTC')) * 12 + toMonth(toDateTime64("orders".created_at, 6, 'UTC'))
                ) - 24279
              ) - CASE
                WHEN toDateTime64("orders".created_at, 6, 'UTC') < addMonths(
                  toDateTime64('2023-03-31 00:00:00', 6, 'UTC'),
                  (
                    toInt64(
                      toYear(toDateTime64("orders".created_at, 6, 'UTC')) * 12 + toMonth(toDateTime64("orders".created_at, 6, 'UTC'))
                    ) - 24279
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
  ) AS "orders__created_at_half",
  addSeconds(
    toDateTime64('2024-01-01 00:00:00', 6, 'UTC'),
    dateDiff(
      'second',
      toDateTime64('2024-01-01 00:00:00', 6, 'UTC'),
      toDateTime64("orders".created_at, 6, 'UTC')
    ) - (
      (
        (
          (
            dateDiff(
              'second',
              toDateTime64('2024-01-01 00:00:00', 6, 'UTC'),
              toDateTime64("orders".created_at, 6, 'UTC')
            )
          ) % 5400
        ) + 5400
      ) % 5400
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
  2 ASC,
  1 ASC
LIMIT 10000
