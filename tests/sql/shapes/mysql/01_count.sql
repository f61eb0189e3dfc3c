-- A count without dimensions: one SELECT, the key counted, no GROUP BY.
-- {"measures": ["users.count"]}
SELECT
  COUNT(`users`.id) AS `users__count`
FROM public.users AS `users`
LIMIT 10000
