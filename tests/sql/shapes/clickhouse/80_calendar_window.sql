-- Months of a calendar are counted over all that it has, those with a day in the range are shown; rows are read within their frames
-- {"measures": ["tills.threeMonths"], "timeDimensions": [{"dimension": "days.day", "granularity": "retail_month", "dateRange": ["2024-01-01", "2024-12-31"]}]}
WITH "days__day_retail_month__bins" AS (
  /* all bins of days.day.retail_month that the calendar has */
  SELECT
    "bins".*,
    MIN("bins"."bucket") OVER (ORDER BY "bins"."bucket" DESC ROWS BETWEEN CURRENT ROW AND 2 FOLLOWING) AS "frame_start"
  FROM (
    SELECT
      "days"."days__day_retail_month",
      MIN("days"."row_time") AS "bucket",
      MAX(addSeconds(toDateTime64(toDate32("days"."row_time"), 6, 'UTC'), 86400)) AS "bucket_end",
      MAX(
        CASE
          WHEN "days"."row_time" >= {p1:DateTime64(6, 'UTC')}
          AND "days"."row_time" < {p2:DateTime64(6, 'UTC')}
          THEN 1
          ELSE 0
        END
      ) AS "is_shown"
    FROM (
      SELECT
        toDateTime64("days".month_start, 6, 'UTC') AS "days__day_retail_month",
        toDateTime64("days".day, 6, 'UTC') AS "row_time"
      FROM retail_days AS "days"
    ) AS "days"
    WHERE
      NOT (
        "days"."days__day_retail_month" IS NULL
      )
      AND NOT (
        "days"."row_time" IS NULL
      )
    GROUP BY
      1
  ) AS "bins"
), "days__day_retail_month__frames" AS (
  /* the bins of days.day.retail_month and the frame of each */
  SELECT
    "days__day_retail_month",
    "bucket",
    "frame_start",
    "bucket_end" AS "frame_end"
  FROM "days__day_retail_month__bins"
  WHERE
    "is_shown" = 1
), "tills__rows" AS (
  /* rows of tills added up by days.day.day */
  SELECT
    toDateTime64(toDate32(toDateTime64("days".day, 6, 'UTC')), 6, 'UTC') AS "row_time",
    SUM("tills".takings) AS "input__threeMonths"
  FROM tills AS "tills"
  LEFT JOIN retail_days AS "days"
    ON "tills".day = "days".day
  WHERE
    toDateTime64("days".day, 6, 'UTC') >= (
      SELECT
        MIN("frame_start")
      FROM "days__day_retail_month__frames"
    )
    AND toDateTime64("days".day, 6, 'UTC') < (
      SELECT
        MAX("frame_end")
      FROM "days__day_retail_month__frames"
    )
  GROUP BY
    1
), "tills__measures" AS (
  /* tills.threeMonths by days.day.retail_month: the rows in the frame of each bucket */
  SELECT
    "frames"."days__day_retail_month" AS "days__day_retail_month",
    SUM("tills__rows"."input__threeMonths") AS "tills__three_months"
  FROM "days__day_retail_month__frames" AS "frames"
  LEFT JOIN (
    SELECT
      "tills__rows".*,
      "frames"."bucket" AS "matched_bucket"
    FROM "days__day_retail_month__frames" AS "frames"
    CROSS JOIN "tills__rows" AS "tills__rows"
    WHERE
      "tills__rows"."row_time" >= "frames"."frame_start"
      AND "tills__rows"."row_time" < "frames"."frame_end"
  ) AS "tills__rows"
    ON "frames"."bucket" = "tills__rows"."matched_bucket"
  GROUP BY
    1
)
SELECT
  "days__day_retail_month",
  "tills__three_months"
FROM "tills__measures"
ORDER BY
  1 ASC
LIMIT 10000
-- ["2024-01-01T00:00:00.000", "2025-01-01T00:00:00.000"]
