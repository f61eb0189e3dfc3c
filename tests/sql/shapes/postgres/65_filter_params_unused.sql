-- Without conditions the slots are true
-- {"measures": ["clicks.count"]}
SELECT
  COUNT("clicks".id) AS "clicks__count"
FROM (
  SELECT
    *
  FROM clicks
  WHERE
    (
      1 = 1
    ) AND (
      1 = 1
    )
) AS "clicks"
LIMIT 10000
