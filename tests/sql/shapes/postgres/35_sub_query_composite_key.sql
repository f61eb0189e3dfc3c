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
    ON ARRAY["lines".order_id] = ARRAY["sub_query__boxes"."lines__order_id"]
    AND ARRAY["lines".line] = ARRAY["sub_query__boxes"."lines__line"]
) AS "lines"
GROUP BY
  1
ORDER BY
  "lines__units" DESC NULLS LAST,
  "lines__boxes" ASC
LIMIT 10000
