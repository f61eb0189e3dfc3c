-- Conditions stand inside the cube's SQL, and once more outside
-- {"measures": ["clicks.count"], "timeDimensions": [{"dimension": "clicks.at", "granularity": "day", "dateRange": ["2024-03-01", "2024-03-02"]}], "filters": [{"or": [{"member": "clicks.page", "operator": "equals", "values": ["/"]}, {"member": "clicks.site", "operator": "equals", "values": ["a"]}]}]}
SELECT
  toDateTime64(toDate32(toDateTime64("clicks".clicked_at, 6, 'UTC')), 6, 'UTC') AS "clicks__at_day",
  COUNT("clicks".id) AS "clicks__count"
FROM (
  SELECT
    *
  FROM clicks
  WHERE
    (
      clicked_at >= {p1:DateTime64(6, 'UTC')}
      AND clicked_at < {p2:DateTime64(6, 'UTC')}
    )
    AND (
      page = {p3:String} OR site = {p4:String}
    )
) AS "clicks"
WHERE
  (
    "clicks".clicked_at >= {p5:DateTime64(6, 'UTC')}
    AND "clicks".clicked_at < {p6:DateTime64(6, 'UTC')}
  )
  AND (
    "clicks".page = {p7:String}
    OR "clicks".site = {p8:String}
  )
GROUP BY
  1
ORDER BY
  1 ASC
LIMIT 10000
-- ["2024-03-01T00:00:00.000Z", "2024-03-03T00:00:00.000Z", "/", "a", "2024-03-01T00:00:00.000Z", "2024-03-03T00:00:00.000Z", "/", "a"]
