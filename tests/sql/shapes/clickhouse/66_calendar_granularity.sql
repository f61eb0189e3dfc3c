-- A calendar's granularity is its column
-- {"measures": ["tills.takings"], "timeDimensions": [{"dimension": "days.day", "granularity": "retail_month", "dateRange": ["2024-01-01", "2024-12-31"]}]}
SELECT
  toDateTime64("days".month_start, 6, 'UTC') AS "days__day_retail_month",
  SUM("tills".takings) AS "tills__takings"
FROM tills AS "tills"
LEFT JOIN retail_days AS "days"
  ON "tills".day = "days".day
WHERE
  "days".day >= {p1:DateTime64(6, 'UTC')}
  AND "days".day < {p2:DateTime64(6, 'UTC')}
GROUP BY
  1
ORDER BY
  1 ASC
LIMIT 10000
-- ["2024-01-01T00:00:00.000", "2025-01-01T00:00:00.000"]
