-- A hint leads around the shortest path
-- {"measures": ["invoices.count"], "dimensions": ["users.city"], "joinHints": [["invoices", "payments", "users"]]}
SELECT
  "users".city AS "users__city",
  uniqExact("invoices".id) AS "invoices__count"
FROM (
  SELECT
    *
  FROM invoices AS "invoices"
  WHERE
    "invoices".region = {p1:String}
) AS "invoices"
LEFT JOIN payments AS "payments"
  ON "invoices".id = "payments".invoice_id
LEFT JOIN public.users AS "users"
  ON "payments".payer_id = "users".id
GROUP BY
  1
ORDER BY
  2 DESC,
  1 ASC
LIMIT 10000
-- ["north"]
