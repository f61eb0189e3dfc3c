-- A conversion: the rows of the first step that a row of the next may follow, found by their keys.
-- {"measures": ["orders.sentBack"], "dimensions": ["orders.status"], "filters": [{"member": "returns.reason", "operator": "equals", "values": ["broken"]}, {"member": "users.city", "operator": "equals", "values": ["Rome"]}]}
WITH "orders__step" AS (
  /* the rows that orders.count counts */
  SELECT
    "orders".status AS "orders__status",
    "orders".id AS "key__id",
    "orders".id AS "step__counted",
    CASE
      WHEN NOT (
        "orders".id IS NULL
      )
      THEN toDateTime64("orders".created_at, 6, 'UTC')
    END AS "step__time",
    CASE WHEN NOT (
      "orders".id IS NULL
    ) THEN "users".id END AS "step__entity"
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
    "users".city = {p1:String}
), "returns__step" AS (
  /* the rows that returns.count counts */
  SELECT
    "returns".id AS "key__id",
    "returns".id AS "step__counted",
    CASE
      WHEN NOT (
        "returns".id IS NULL
      )
      THEN toDateTime64("returns".returned_on, 6, 'UTC')
    END AS "step__time",
    CASE WHEN NOT (
      "returns".id IS NULL
    ) THEN "users".id END AS "step__entity"
  FROM public.users AS "users"
  LEFT JOIN returns AS "returns"
    ON "users".id = "returns".user_id
  WHERE
    "returns".reason = {p2:String}
    AND NOT (
      "returns".id IS NULL
    )
), "orders__went" AS (
  /* the rows of orders that went through */
  SELECT DISTINCT
    "orders__step"."key__id" AS "went__key__id",
    1 AS "went__through"
  FROM "orders__step"
  INNER JOIN "returns__step"
    ON "orders__step"."step__entity" = "returns__step"."step__entity"
  WHERE
    "returns__step"."step__time" >= "orders__step"."step__time"
    AND "returns__step"."step__time" < addMonths("orders__step"."step__time", 1)
)
SELECT
  "orders__step"."orders__status" AS "orders__status",
  COUNT(
    CASE
      WHEN NOT (
        "orders__went"."went__through" IS NULL
      )
      THEN "orders__step"."step__counted"
    END
  ) AS "orders__sent_back"
FROM "orders__step"
LEFT JOIN "orders__went"
  ON "orders__step"."key__id" = "orders__went"."went__key__id"
GROUP BY
  1
ORDER BY
  2 DESC,
  1 ASC
LIMIT 10000
-- ["Rome", "broken"]
