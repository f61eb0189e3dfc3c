-- No two CTEs have one name, those of statements inside the statement included
-- {"measures": ["orders.sentBack"], "dimensions": ["users.city"], "percentOfTotal": [{"measure": "orders.sentBack"}], "top": {"dimension": "users.city", "by": "orders.sentBack", "limit": 2, "others": "others"}}
SELECT
  "answer"."users__city" AS "users__city",
  "answer"."orders__sent_back" AS "orders__sent_back",
  CASE
    WHEN "total"."total__1" <> 0
    THEN CAST("answer"."orders__sent_back" AS Nullable(Float64)) / CAST("total"."total__1" AS Nullable(Float64))
  END AS "orders__sent_back_percent_of_total"
FROM (
  WITH "orders__step_2" AS (
    /* the rows that orders.count counts */
    SELECT
      CASE
        WHEN NOT (
          "top"."top__kept" IS NULL
        )
        THEN "users".city
        ELSE {p1:String}
      END AS "users__city",
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
    LEFT JOIN (
      SELECT
        "users__city" AS "top__1",
        1 AS "top__kept"
      FROM (
        WITH "orders__step" AS (
          /* the rows that orders.count counts */
          SELECT
            "users".city AS "users__city",
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
            NOT (
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
          "orders__step"."users__city" AS "users__city",
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
        LIMIT 2
      ) AS "top__answer"
    ) AS "top"
      ON "users".city IS NOT DISTINCT FROM "top"."top__1"
  ), "returns__step_2" AS (
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
      NOT (
        "returns".id IS NULL
      )
  ), "orders__went_2" AS (
    /* the rows of orders that went through */
    SELECT DISTINCT
      "orders__step_2"."key__id" AS "went__key__id",
      1 AS "went__through"
    FROM "orders__step_2"
    INNER JOIN "returns__step_2"
      ON "orders__step_2"."step__entity" = "returns__step_2"."step__entity"
    WHERE
      "returns__step_2"."step__time" >= "orders__step_2"."step__time"
      AND "returns__step_2"."step__time" < addMonths("orders__step_2"."step__time", 1)
  )
  SELECT
    "orders__step_2"."users__city" AS "users__city",
    COUNT(
      CASE
        WHEN NOT (
          "orders__went_2"."went__through" IS NULL
        )
        THEN "orders__step_2"."step__counted"
      END
    ) AS "orders__sent_back"
  FROM "orders__step_2"
  LEFT JOIN "orders__went_2"
    ON "orders__step_2"."key__id" = "orders__went_2"."went__key__id"
  GROUP BY
    1
) AS "answer"
CROSS JOIN (
  SELECT
    "orders__sent_back" AS "total__1"
  FROM (
    WITH "orders__step_3" AS (
      /* the rows that orders.count counts */
      SELECT
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
        NOT (
          "orders".id IS NULL
        )
    ), "returns__step_3" AS (
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
        NOT (
          "returns".id IS NULL
        )
    ), "orders__went_3" AS (
      /* the rows of orders that went through */
      SELECT DISTINCT
        "orders__step_3"."key__id" AS "went__key__id",
        1 AS "went__through"
      FROM "orders__step_3"
      INNER JOIN "returns__step_3"
        ON "orders__step_3"."step__entity" = "returns__step_3"."step__entity"
      WHERE
        "returns__step_3"."step__time" >= "orders__step_3"."step__time"
        AND "returns__step_3"."step__time" < addMonths("orders__step_3"."step__time", 1)
    )
    SELECT
      COUNT(
        CASE
          WHEN NOT (
            "orders__went_3"."went__through" IS NULL
          )
          THEN "orders__step_3"."step__counted"
        END
      ) AS "orders__sent_back"
    FROM "orders__step_3"
    LEFT JOIN "orders__went_3"
      ON "orders__step_3"."key__id" = "orders__went_3"."went__key__id"
  ) AS "total__answer"
) AS "total"
ORDER BY
  2 DESC,
  1 ASC
LIMIT 10000
-- ["others"]
