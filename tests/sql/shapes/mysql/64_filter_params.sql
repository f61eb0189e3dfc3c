-- Conditions stand inside the cube's SQL, and once more outside
-- {"measures": ["clicks.count"], "timeDimensions": [{"dimension": "clicks.at", "granularity": "day", "dateRange": ["2024-03-01", "2024-03-02"]}], "filters": [{"or": [{"member": "clicks.page", "operator": "equals", "values": ["/"]}, {"member": "clicks.site", "operator": "equals", "values": ["a"]}]}]}
SELECT
  CAST(DATE_FORMAT(CAST(`clicks`.clicked_at AS DATETIME(6)), '%%Y-%%m-%%d 00:00:00') AS DATETIME(6)) AS `clicks__at_day`,
  COUNT(`clicks`.id) AS `clicks__count`
FROM (
  SELECT
    *
  FROM clicks
  WHERE
    (
      clicked_at >= CAST(%s AS DATETIME(6))
      AND clicked_at < CAST(%s AS DATETIME(6))
    )
    AND (
      page = %s OR site = %s
    )
) AS `clicks`
WHERE
  (
    `clicks`.clicked_at >= CAST(%s AS DATETIME(6))
    AND `clicks`.clicked_at < CAST(%s AS DATETIME(6))
  )
  AND (
    `clicks`.page = %s
    OR `clicks`.site = %s
  )
GROUP BY
  1
ORDER BY
  CASE WHEN CAST(DATE_FORMAT(CAST(`clicks`.clicked_at AS DATETIME(6)), '%%Y-%%m-%%d 00:00:00') AS DATETIME(6)) IS NULL THEN 1 ELSE 0 END, CAST(DATE_FORMAT(CAST(`clicks`.clicked_at AS DATETIME(6)), '%%Y-%%m-%%d 00:00:00') AS DATETIME(6)) ASC
LIMIT 10000
-- ["2024-03-01T00:00:00.000Z", "2024-03-03T00:00:00.000Z", "/", "a", "2024-03-01T00:00:00.000Z", "2024-03-03T00:00:00.000Z", "/", "a"]
