-- Two snapshots of two kinds: the last beside the sums in one reading, the mean in its own
-- {"measures": ["orders.pending", "orders.pendingOnAverage", "orders.total"], "dimensions": ["users.city"]}
WITH "orders__measures" AS (
  /* orders.pending, orders.total by users.city: of the last orders.createdAt of each group */
  SELECT
    "orders__marked"."users__city" AS "users__city",
    SUM(
      CASE
        WHEN "orders__marked"."time__pending" = "orders__marked"."edge__pending"
        THEN "orders__marked"."input__pending"
      END
    ) AS "orders__pending",
    SUM("orders__marked"."input__total") AS "orders__total"
  FROM (
    SELECT
      "orders__rows"."users__city",
      "orders__rows"."input__pending",
      "orders__rows"."time__pending",
      "orders__rows"."input__total",
      MAX("orders__rows"."time__pending") OVER (PARTITION BY "orders__rows"."users__city", "orders__rows"."by__status") AS "edge__pending"
    FROM (
      SELECT
        "users".city AS "users__city",
        "orders".status AS "by__status",
        "orders".amount AS "input__pending",
        "orders".created_at AS "time__pending",
        "orders".amount AS "input__total"
      FROM public.users AS "users"
      LEFT JOIN (
        SELECT
          *
        FROM public.orders
        WHERE
          NOT deleted
      ) AS "orders"
        ON "users".id = "orders".user_id
    ) AS "orders__rows"
  ) AS "orders__marked"
  GROUP BY
    1
), "orders__measures_2" AS (
  /* orders.pendingOnAverage by users.city: the mean over orders.createdAt */
  SELECT
    "orders__snapshots"."users__city" AS "users__city",
    AVG(
      CAST(CASE
        WHEN NOT (
          "orders__snapshots"."time__pendingOnAverage" IS NULL
        )
        THEN "orders__snapshots"."value__pendingOnAverage"
      END AS Nullable(Float64))
    ) AS "orders__pending_on_average"
  FROM (
    SELECT
      "orders__rows"."users__city",
      "orders__rows"."time__pendingOnAverage",
      SUM("orders__rows"."input__pendingOnAverage") AS "value__pendingOnAverage"
    FROM (
      SELECT
        "users".city AS "users__city",
        "orders".amount AS "input__pendingOnAverage",
        "orders".created_at AS "time__pendingOnAverage"
      FROM public.users AS "users"
      LEFT JOIN (
        SELECT
          *
        FROM public.orders
        WHERE
          NOT deleted
      ) AS "orders"
        ON "users".id = "orders".user_id
    ) AS "orders__rows"
    GROUP BY
      1,
      2
  ) AS "orders__snapshots"
  GROUP BY
    1
)
SELECT
  "users__city",
  "orders__pending",
  "orders__pending_on_average",
  "orders__total"
FROM (
  SELECT
    "users__city",
    any("orders__pending") AS "orders__pending",
    any("orders__total") AS "orders__total",
    any("orders__pending_on_average") AS "orders__pending_on_average"
  FROM (
    SELECT
      "users__city",
      "orders__pending",
      "orders__total",
      NULL AS "orders__pending_on_average"
    FROM "orders__measures"
    UNION ALL
    SELECT
      "users__city",
      NULL AS "orders__pending",
      NULL AS "orders__total",
      "orders__pending_on_average"
    FROM "orders__measures_2"
  ) AS "parts"
  GROUP BY
    1
) AS "combined"
ORDER BY
  2 DESC,
  1 ASC
LIMIT 10000
