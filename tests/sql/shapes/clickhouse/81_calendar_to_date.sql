-- Days of a calendar, each with the rows since its year began, whose first day the calendar tells
-- {"measures": ["tills.thisYear"], "timeDimensions": [{"dimension": "days.day", "granularity": "day"}]}
WITH "days__day_day__bins" AS (
  /* all bins of days.day.day that the calendar has */
  SELECT
    "days"."days__day_day",
    MIN("days"."row_time") AS "bucket",
    MAX(addSeconds(toDateTime64(toDate32("days"."row_time"), 6, 'UTC'), 86400)) AS "bucket_end",
    MIN("days"."frame_start") AS "frame_start"
  FROM (
    SELECT
      toDateTime64(toDate32(toDateTime64("days".day, 6, 'UTC')), 6, 'UTC') AS "days__day_day",
      toDateTime64("days".day, 6, 'UTC') AS "row_time",
      CASE
        WHEN NOT (
          toDateTime64("days".year_start, 6, 'UTC') IS NULL
        )
        THEN MIN(toDateTime64("days".day, 6, 'UTC')) OVER (PARTITION BY toDateTime64("days".year_start, 6, 'UTC'))
      END AS "frame_start"
    FROM retail_days AS "days"
  ) AS "days"
  WHERE
    NOT (
      "days"."days__day_day" IS NULL
    ) AND NOT (
      "days"."row_time" IS NULL
    )
  GROUP BY
    1
), "tills__rows" AS (
  /* rows of tills added up by days.day.day */
  SELECT
    toDateTime64(toDate32(toDateTime64("days".day, 6, 'UTC')), 6, 'UTC') AS "row_time",
    SUM("tills".takings) AS "input__thisYear"
  FROM tills AS "tills"
  LEFT JOIN retail_days AS "days"
    ON "tills".day = "days".day
  GROUP BY
    1
), "days__day_day__frames" AS (
  /* the bins of days.day.day and the frame of each */
  SELECT
    "days__day_day",
    "bucket",
    "frame_start",
    "bucket_end" AS "frame_end"
  FROM "days__day_day__bins"
  CROSS JOIN (
    SELECT
      MIN("row_time") AS "first_row",
      MAX("row_time") AS "last_row"
    FROM "tills__rows"
  ) AS "limits"
  WHERE
    "bucket" <= "limits"."last_row" AND "bucket_end" > "limits"."first_row"
), "tills__measures" AS (
  /* tills.thisYear by days.day.day: the rows in the frame of each bucket */
  SELECT
    "frames"."days__day_day" AS "days__day_day",
    SUM("tills__rows"."input__thisYear") AS "tills__this_year"
  FROM "days__day_day__frames" AS "frames"
  LEFT JOIN (
    SELECT
      "tills__rows".*,
      "frames"."bucket" AS "matched_bucket"
    FROM "days__day_day__frames" AS "frames"
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
  "days__day_day",
  "tills__this_year"
FROM "tills__measures"
ORDER BY
  1 ASC
LIMIT 10000
