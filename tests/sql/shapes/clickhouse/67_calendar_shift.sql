-- A calendar's shift is a column of the calendar
-- {"measures": ["tills.takings", "tills.yearAgo"], "timeDimensions": [{"dimension": "days.day", "granularity": "retail_month", "dateRange": ["2024-01-01", "2024-12-31"]}]}
WITH "tills__measures" AS (
  /* tills.takings by days.day.retail_month, days.day being shifted: each row of tills once per group */
  SELECT
    "tills__rows"."days__day_retail_month" AS "days__day_retail_month",
    SUM("tills__rows"."input__takings") AS "tills__takings"
  FROM (
    SELECT DISTINCT
      toDateTime64("days__read".month_start, 6, 'UTC') AS "days__day_retail_month",
      "tills".id AS "key__id",
      "tills".takings AS "input__takings"
    FROM tills AS "tills"
    LEFT JOIN retail_days AS "days"
      ON "tills".day = "days".day
    LEFT JOIN retail_days AS "days__read"
      ON "days__read".day_a_year_ago = "days".day
    WHERE
      "days__read".day >= {p1:DateTime64(6, 'UTC')}
      AND "days__read".day < {p2:DateTime64(6, 'UTC')}
  ) AS "tills__rows"
  GROUP BY
    1
), "tills__year_ago" AS (
  /* tills.yearAgo by days.day.retail_month: from the groups of what it is made of */
  SELECT
    "days__day_retail_month",
    "tills__takings" AS "tills__year_ago"
  FROM "tills__measures"
), "tills__measures_2" AS (
  /* tills.takings by days.day.retail_month */
  SELECT
    toDateTime64("days".month_start, 6, 'UTC') AS "days__day_retail_month",
    SUM("tills".takings) AS "tills__takings"
  FROM tills AS "tills"
  LEFT JOIN retail_days AS "days"
    ON "tills".day = "days".day
  WHERE
    "days".day >= {p3:DateTime64(6, 'UTC')}
    AND "days".day < {p4:DateTime64(6, 'UTC')}
  GROUP BY
    1
)
SELECT
  "days__day_retail_month",
  "tills__takings",
  "tills__year_ago"
FROM (
  SELECT
    "days__day_retail_month",
    any("tills__year_ago") AS "tills__year_ago",
    any("tills__takings") AS "tills__takings"
  FROM (
    SELECT
      "days__day_retail_month",
      "tills__year_ago",
      NULL AS "tills__takings"
    FROM "tills__year_ago"
    UNION ALL
    SELECT
      "days__day_retail_month",
      NULL AS "tills__year_ago",
      "tills__takings"
    FROM "tills__measures_2"
  ) AS "parts"
  GROUP BY
    1
) AS "combined"
ORDER BY
  1 ASC
LIMIT 10000
-- ["2024-01-01T00:00:00.000", "2025-01-01T00:00:00.000", "2024-01-01T00:00:00.000", "2025-01-01T00:00:00.000"]
