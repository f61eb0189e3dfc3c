-- A masked dimension is replaced where it is read, a masked measure where it is shown
-- {"measures": ["invoices.due", "invoices.count"], "dimensions": ["invoices.iban"]}
-- as {"groups": ["clerk"]}
SELECT
  CASE WHEN FALSE THEN "invoices".iban ELSE RIGHT("invoices".iban, 4) END AS "invoices__iban",
  CASE WHEN FALSE THEN SUM("invoices".amount) END AS "invoices__due",
  COUNT("invoices".id) AS "invoices__count"
FROM invoices AS "invoices"
GROUP BY
  1
ORDER BY
  2 DESC,
  1 ASC
LIMIT 10000
