-- A switch that is grouped by: an answer for each of its values, one after another.
-- {"dimensions": ["orders.unit", "orders.status"], "measures": ["orders.amountOrCount", "orders.count"], "limit": 10}
WITH "orders__measures" AS (
  /* orders.total, orders.count by orders.status */
  SELECT
    "orders".status AS "orders__status",
    SUM("orders".amount) AS "orders__total",
    COUNT("orders".id) AS "orders__count"
  FROM (
    SELECT
      *
    FROM public.orders
    WHERE
      NOT deleted
  ) AS "orders"
  GROUP BY
    1
), "orders__amount_or_count" AS (
  /* orders.amountOrCount by orders.status: from the groups of what it is made of */
  SELECT
    "orders__status",
    "orders__total" AS "orders__amount_or_count"
  FROM "orders__measures"
), "stage" AS (
  /* orders.amountOrCount, orders.count by orders.status */
  SELECT
    "orders__status",
    "orders__amount_or_count",
    "orders__count"
  FROM (
    SELECT
      "orders__status",
      any("orders__amount_or_count") AS "orders__amount_or_count",
      any("orders__count") AS "orders__count"
    FROM (
      SELECT
        "orders__status",
        "orders__amount_or_count",
        NULL AS "orders__count"
      FROM "orders__amount_or_count"
      UNION ALL
      SELECT
        "orders__status",
        NULL AS "orders__amount_or_count",
        "orders__count"
      FROM "orders__measures"
    ) AS "parts"
    GROUP BY
      1
  ) AS "combined"
), "orders__amount_or_count_2" AS (
  /* orders.amountOrCount by orders.status: from the groups of what it is made of */
  SELECT
    "orders__status",
    "orders__count" AS "orders__amount_or_count"
  FROM "orders__measures"
), "stage_2" AS (
  /* orders.amountOrCount, orders.count by orders.status */
  SELECT
    "orders__status",
    "orders__amount_or_count",
    "orders__count"
  FROM (
    SELECT
      "orders__status",
      any("orders__amount_or_count") AS "orders__amount_or_count",
      any("orders__count") AS "orders__count"
    FROM (
      SELECT
        "orders__status",
        "orders__amount_or_count",
        NULL AS "orders__count"
      FROM "orders__amount_or_count_2"
      UNION ALL
      SELECT
        "orders__status",
        NULL AS "orders__amount_or_count",
        "orders__count"
      FROM "orders__measures"
    ) AS "parts"
    GROUP BY
      1
  ) AS "combined"
)
SELECT
  "switch__1" AS "orders__unit",
  "orders__status",
  "orders__amount_or_count",
  "orders__count"
FROM (
  SELECT
    'money' AS "switch__1",
    "orders__status",
    "orders__amount_or_count",
    "orders__count"
  FROM (
    SELECT
      "orders__status",
      "orders__amount_or_count",
      "orders__count"
    FROM "stage"
  ) AS "answer_1"
  UNION ALL
  SELECT
    'pieces' AS "switch__1",
    "orders__status",
    "orders__amount_or_count",
    "orders__count"
  FROM (
    SELECT
      "orders__status",
      "orders__amount_or_count",
      "orders__count"
    FROM "stage_2"
  ) AS "answer_2"
) AS "answers"
ORDER BY
  3 DESC,
  1 ASC,
  2 ASC
LIMIT 10
