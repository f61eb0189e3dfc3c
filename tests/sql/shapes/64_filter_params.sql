-- Conditions stand inside the cube's SQL, and once more outside
-- {"measures": ["clicks.count"], "timeDimensions": [{"dimension": "clicks.at", "granularity": "day", "dateRange": ["2024-03-01", "2024-03-02"]}], "filters": [{"or": [{"member": "clicks.page", "operator": "equals", "values": ["/"]}, {"member": "clicks.site", "operator": "equals", "values": ["a"]}]}]}
SELECT
  CAST(DATE_TRUNC('day', CAST("clicks".clicked_at AS TIMESTAMP)) AS TIMESTAMP) AS "clicks__at_day",
  COUNT("clicks".id) AS "clicks__count"
FROM (
  SELECT
    *
  FROM clicks
  WHERE
    (
      clicked_at >= CAST(? AS TIMESTAMP)
      AND clicked_at < CAST(? AS TIMESTAMP)
    )
    AND (
      page = ? OR site = ?
    )
) AS "clicks"
WHERE
  (
    "clicks".clicked_at >= CAST(? AS TIMESTAMP)
    AND "clicks".clicked_at < CAST(? AS TIMESTAMP)
  )
  AND (
    "clicks".page = ?
    OR "clicks".site = ?
  )
GROUP BY
  1
ORDER BY
  "clicks__at_day" ASC
LIMIT 10000
-- ["2024-03-01T00:00:00.000Z", "2024-03-03T00:00:00.000Z", "/", "a", "2024-03-01T00:00:00.000Z", "2024-03-03T00:00:00.000Z", "/", "a"]
