-- A custom granularity of a year that begins in April, in a zone: bins are counted on the wall clock.
-- {"measures": ["orders.count"], "timeDimensions": [{"dimension": "orders.createdAt", "granularity": "fiscal_year"}], "timezone": "America/New_York"}
SELECT
  (
    DATE_TRUNC(
      'year',
      (
        CAST("orders".created_at AS TIMESTAMPTZ) AT TIME ZONE 'America/New_York' + INTERVAL '1 MONTH' * (
          -3
        )
      )
    ) + INTERVAL '1 MONTH' * (
      3
    )
  ) AS "orders__created_at_fiscal_year",
  COUNT("orders".id) AS "orders__count"
FROM (
  SELECT
    *
  FROM public.orders
  WHERE
    NOT deleted
) AS "orders"
GROUP BY
  1
ORDER BY
  "orders__created_at_fiscal_year" ASC
LIMIT 10000
