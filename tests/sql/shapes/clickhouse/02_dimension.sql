-- A measure by a dimension: the first measure orders, the dimension breaks ties.
-- {"measures": ["users.count"], "dimensions": ["users.city"]}
SELECT
  "users".city AS "users__city",
  COUNT("users".id) AS "users__count"
FROM public.users AS "users"
GROUP BY
  1
ORDER BY
  2 DESC,
  1 ASC
LIMIT 10000
