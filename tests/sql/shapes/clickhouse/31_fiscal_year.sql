-- A custom granularity of a year that begins in April, in a zone: bins are counted on the wall clock.
-- {"measures": ["orders.count"], "timeDimensions": [{"dimension": "orders.createdAt", "granularity": "fiscal_year"}], "timezone": "America/New_York"}
SELECT
  addMonths(
    toDateTime64(
      toStartOfYear(
        toDate32(
          addMonths(
            addSeconds(
              toDateTime64("orders".created_at, 6, 'UTC'),
              timeZoneOffset(toTimeZone(toDateTime64("orders".created_at, 6, 'UTC'), 'America/New_York'))
            ),
            -3
          )
        )
      ),
      6,
      'UTC'
    ),
    3
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
  1 ASC
LIMIT 10000
