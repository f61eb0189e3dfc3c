-- A sub-query of a cube with a key of two columns: null-safe, column by column.
-- {"dimensions": ["lines.boxes"], "measures": ["lines.units"]}
SELECT
  "lines"."sub_query__boxes" AS "lines__boxes",
  SUM("lines".quantity) AS "lines__units"
FROM (
  SELECT
    "lines".*,
    "sub_query__boxes"."boxes__count" AS "sub_query__boxes"
  FROM lines AS "lines"
  LEFT JOIN (
    SELECT
      "lines".order_id AS "lines__order_id",
      "lines".line AS "lines__line",
      COUNT("boxes".id) AS "boxes__count"
    FROM lines AS "lines"
    LEFT JOIN boxes AS "boxes"
      ON "lines".order_id = "boxes".order_id AND "lines".line = "boxes".line
    GROUP BY
      1,
      2
  ) AS "sub_query__boxes"
    ON "lines".order_id IS NOT DISTINCT FROM "sub_query__boxes"."lines__order_id"
    AND "lines".line IS NOT DISTINCT FROM "sub_query__boxes"."lines__line"
) AS "lines"
GROUP BY
  1
ORDER BY
  2 DESC,
  1 ASC
LIMIT 10000
