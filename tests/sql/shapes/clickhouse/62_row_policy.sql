-- A row policy is inside the cube's source: the LEFT JOIN stays one
-- {"measures": ["users.count", "invoices.due"], "dimensions": ["users.city"]}
-- as {"groups": ["seller"], "region": "north"}
WITH "users__measures" AS (
  /* users.count by users.city */
  SELECT
    "users".city AS "users__city",
    COUNT("users".id) AS "users__count"
  FROM public.users AS "users"
  GROUP BY
    1
), "invoices__measures" AS (
  /* invoices.due by users.city */
  SELECT
    "users".city AS "users__city",
    SUM("invoices".amount) AS "invoices__due"
  FROM (
    SELECT
      *
    FROM invoices AS "invoices"
    WHERE
      "invoices".region = {p1:String}
  ) AS "invoices"
  LEFT JOIN public.users AS "users"
    ON "invoices".user_id = "users".id
  GROUP BY
    1
)
SELECT
  "users__city",
  "users__count",
  "invoices__due"
FROM (
  SELECT
    "users__city",
    any("users__count") AS "users__count",
    any("invoices__due") AS "invoices__due"
  FROM (
    SELECT
      "users__city",
      "users__count",
      NULL AS "invoices__due"
    FROM "users__measures"
    UNION ALL
    SELECT
      "users__city",
      NULL AS "users__count",
      "invoices__due"
    FROM "invoices__measures"
  ) AS "parts"
  GROUP BY
    1
) AS "combined"
ORDER BY
  2 DESC,
  1 ASC
LIMIT 10000
-- ["north"]
