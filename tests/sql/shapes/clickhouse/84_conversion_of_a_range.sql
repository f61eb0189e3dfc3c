-- Rows of later steps are read from the beginning of the range on, to its end and the window after that
-- {"measures": ["orders.againSoon"], "timeDimensions": [{"dimension": "orders.createdAt", "granularity": "month", "dateRange": ["2024-01-01", "2024-06-30"]}]}
WITH "orders__step" AS (
  /* the rows that orders.paidCount counts */
  SELECT
    toDateTime64(toStartOfMonth(toDate32(toDateTime64("orders".created_at, 6, 'UTC'))), 6, 'UTC') AS "orders__created_at_month",
    "orders".id AS "key__id",
    CASE WHEN "orders".status = 'paid' THEN "orders".id END AS "step__counted",
    CASE
      WHEN NOT (
        CASE WHEN "orders".status = 'paid' THEN "orders".id END IS NULL
      )
      THEN toDateTime64("orders".created_at, 6, 'UTC')
    END AS "step__time",
    CASE
      WHEN NOT (
        CASE WHEN "orders".status = 'paid' THEN "orders".id END IS NULL
      )
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
    "orders".created_at >= {p1:DateTime64(6, 'UTC')}
    AND "orders".created_at < {p2:DateTime64(6, 'UTC')}
), "orders__step_2" AS (
  /* the rows that orders.paidCount counts */
  SELECT
    "orders".id AS "key__id",
    CASE WHEN "orders".status = 'paid' THEN "orders".id END AS "step__counted",
    CASE
      WHEN NOT (
        CASE WHEN "orders".status = 'paid' THEN "orders".id END IS NULL
      )
      THEN toDateTime64("orders".created_at, 6, 'UTC')
    END AS "step__time",
    CASE
      WHEN NOT (
        CASE WHEN "orders".status = 'paid' THEN "orders".id END IS NULL
      )
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
      "orders".created_at >= {p3:DateTime64(6, 'UTC')}
      AND "orders".created_at < {p4:DateTime64(6, 'UTC')}
    )
    AND NOT (
      "orders".id IS NULL
    )
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
    AND "orders__step_2"."step__time" < addMonths("orders__step"."step__time", 1)
    AND "orders__step"."key__id" <> "orders__step_2"."key__id"
)
SELECT
  "orders__step"."orders__created_at_month" AS "orders__created_at_month",
  COUNT(
    CASE
      WHEN NOT (
        "orders__went"."went__through" IS NULL
      )
      THEN "orders__step"."step__counted"
    END
  ) AS "orders__again_soon"
FROM "orders__step"
LEFT JOIN "orders__went"
  ON "orders__step"."key__id" = "orders__went"."went__key__id"
GROUP BY
  1
ORDER BY
  1 ASC
LIMIT 10000
-- ["2024-01-01T00:00:00.000Z", "2024-07-01T00:00:00.000Z", "2024-01-01T00:00:00.000Z", "2024-08-02T00:00:00.000Z"]
