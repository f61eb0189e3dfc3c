-- A calendar's granularity is its column
-- {"measures": ["tills.takings"], "timeDimensions": [{"dimension": "days.day", "granularity": "retail_month", "dateRange": ["2024-01-01", "2024-12-31"]}]}
SELECT
  CAST("days".month_start AS TIMESTAMP) AS "days__day_retail_month",
  SUM("tills".takings) AS "tills__takings"
FROM tills AS "tills"
LEFT JOIN retail_days AS "days"
  ON "tills".day = "days".day
WHERE
  "days".day >= CAST(? AS TIMESTAMP)
  AND "days".day < CAST(? AS TIMESTAMP)
GROUP BY
  1
ORDER BY
  "days__day_retail_month" ASC
LIMIT 10000
-- ["2024-01-01T00:00:00.000", "2025-01-01T00:00:00.000"]
