-- Rows of later steps are read from the beginning of the range on, to its end and the window after that
-- {"measures": ["orders.againSoon"], "timeDimensions": [{"dimension": "orders.createdAt", "granularity": "month", "dateRange": ["2024-01-01", "2024-06-30"]}]}
WITH "orders__step" AS (
  /* the rows that orders.paidCount counts */
  SELECT
    DATE_TRUNC('month', CAST("orders".created_at AS TIMESTAMP)) AS "orders__created_at_month",
    "orders".id AS "key__id",
    CASE WHEN "orders".status = 'paid' THEN "orders".id END AS "step__counted",
    CASE
      WHEN NOT CASE WHEN "orders".status = 'paid' THEN "orders".id END IS NULL
      THEN CAST("orders".created_at AS TIMESTAMP)
    END AS "step__time",
    CASE
      WHEN NOT CASE WHEN "orders".status = 'paid' THEN "orders".id END IS NULL
      THEN "users".id
    END AS "step__entity"
  FROM public.users AS "users"
  LEFT JOIN (
    SELECT
      *
    FROM public.orders
    WHERE
      NOT deleted
  ) AS "orders"
    ON "users".id = "orders".user_id
  WHERE
    "orders".created_at >= CAST($1 AS TIMESTAMP)
    AND "orders".created_at < CAST($2 AS TIMESTAMP)
), "orders__step_2" AS (
  /* the rows that orders.paidCount counts */
  SELECT
    "orders".id AS "key__id",
    CASE WHEN "orders".status = 'paid' THEN "orders".id END AS "step__counted",
    CASE
      WHEN NOT CASE WHEN "orders".status = 'paid' THEN "orders".id END IS NULL
      THEN CAST("orders".created_at AS TIMESTAMP)
    END AS "step__time",
    CASE
      WHEN NOT CASE WHEN "orders".status = 'paid' THEN "orders".id END IS NULL
      THEN "users".id
    END AS "step__entity"
  FROM public.users AS "users"
  LEFT JOIN (
    SELECT
      *
    FROM public.orders
    WHERE
      NOT deleted
  ) AS "orders"
    ON "users".id = "orders".user_id
  WHERE
    (
      "orders".created_at >= CAST($3 AS TIMESTAMP)
      AND "orders".created_at < CAST($4 AS TIMESTAMP)
    )
    AND NOT "orders".id IS NULL
), "orders__went" AS (
  /* the rows of orders that went through */
  SELECT DISTINCT
    "orders__step"."key__id" AS "went__key__id",
    1 AS "went__through"
  FROM "orders__step"
  INNER JOIN "orders__step_2"
    ON "orders__step"."step__entity" = "orders__step_2"."step__entity"
  WHERE
    "orders__step_2"."step__time" >= "orders__step"."step__time"
    AND "orders__step_2"."step__time" < (
      "orders__step"."step__time" + INTERVAL '1 MONTH' * (
        1
      )
    )
    AND "orders__step"."key__id" <> "orders__step_2"."key__id"
)
SELECT
  "orders__step"."orders__created_at_month" AS "orders__created_at_month",
  COUNT(
    CASE
      WHEN NOT "orders__went"."went__through" IS NULL
      THEN "orders__step"."step__counted"
    END
  ) AS "orders__again_soon"
FROM "orders__step"
LEFT JOIN "orders__went"
  ON "orders__step"."key__id" = "orders__went"."went__key__id"
GROUP BY
  1
ORDER BY
  "orders__created_at_month" ASC
LIMIT 10000
-- ["2024-01-01T00:00:00.000Z", "2024-07-01T00:00:00.000Z", "2024-01-01T00:00:00.000Z", "2024-08-02T00:00:00.000Z"]
