"""How often the golden statements read each table: once, or as often as is said here, with the reason.

A table that is read in a CTE counts once, however many read the CTE; ClickHouse, which puts CTEs where they are named
unless the setting ``enable_materialized_cte`` is on and they are MATERIALIZED, reads it for each of them.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp
from tests.sql.test_shapes import SHAPES, Golden

SQL_OF = {"shapes": "duckdb", "postgres": "postgres", "mysql": "mysql", "clickhouse": "clickhouse"}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why tables are read several times, and how often."""

    why: str
    tables: dict[str, int]


OWN_RELATION = "each of two cubes' measures has rows of its own, and both join the cube that is grouped by"
BY_KEY = "a sub-query is by the keys of its cube, to which the join leads from the cube alone"
SHIFTED = "a row counts at two times, in two groups; and the ranges of the two are different rows"
STEPS = "each step has rows of its own, and both join the entity"

SEVERAL = {
    "15_two_cubes": Reason(OWN_RELATION, {"users": 2}),
    "17_chasm_filters": Reason(OWN_RELATION, {"users": 2}),
    "19_composed_over_cubes": Reason(OWN_RELATION, {"users": 2}),
    "22_having_combined": Reason(OWN_RELATION, {"users": 2}),
    "33_sub_query": Reason(BY_KEY, {"users": 2}),
    "34_sub_query_propagated": Reason(
        f"{BY_KEY}; of two sub-queries one is under the query's filters", {"users": 3, "orders": 2}
    ),
    "35_sub_query_composite_key": Reason(BY_KEY, {"lines": 2}),
    "39_snapshots_of_two_kinds": Reason(
        "a mean over times needs groups by time, a last value the rows", {"users": 2, "orders": 2}
    ),
    "43_shift": Reason(SHIFTED, {"orders": 2}),
    "48_share_of_all": Reason("the total is of all orders, those of no user too", {"orders": 2}),
    "49_top_others": Reason(OWN_RELATION, {"users": 2}),
    "51_conversion": Reason(STEPS, {"users": 2}),
    "52_conversion_rate": Reason(STEPS, {"users": 2}),
    "53_conversion_same_cube": Reason(
        f"{STEPS}; the range is the first step's alone; the count is of all orders, those of no user too",
        {"users": 2, "orders": 3},
    ),
    "54_stage_dimension": Reason(
        "the dimension's own query groups all rows before those that it is on are grouped",
        {"users": 2, "orders": 2},
    ),
    "62_row_policy": Reason(OWN_RELATION, {"users": 2}),
    "67_calendar_shift": Reason(
        f"{SHIFTED}; the calendar is joined for the row's day, for the day that it stands for, and without a shift",
        {"tills": 2, "retail_days": 3},
    ),
    "68_view": Reason(
        "rows of orders are once in a group, those of lines as they are", {"orders": 2, "lines": 2}
    ),
    "72_top_of_two_facts": Reason(OWN_RELATION, {"users": 2}),
    "73_share_of_stage": Reason(
        "the mean is over users with orders; the share is of all orders, those of no user too", {"orders": 2}
    ),
    "74_shift_beside_range": Reason(SHIFTED, {"orders": 2}),
    "78_nested_names": Reason(
        f"{STEPS}; the first values are found by conversions, and so are the total and each group: a row that went "
        "through is in one group only where the groups are known",
        {"users": 6, "orders": 3, "returns": 3},
    ),
    "80_calendar_window": Reason(
        "the calendar tells the bins, those without rows too, and is joined to the rows", {"retail_days": 2}
    ),
    "81_calendar_to_date": Reason(
        "the calendar tells the bins, those without rows too, and is joined to the rows", {"retail_days": 2}
    ),
    "84_conversion_of_a_range": Reason(
        f"{STEPS}; the range is the first step's alone", {"users": 2, "orders": 2}
    ),
    "82_windows_beside_a_sum": Reason(
        "windows read rows before the range, by whole buckets; the sum those of the range, which may cut a bucket",
        {"orders": 2},
    ),
}


def scans(file: Path) -> Counter[str]:
    """How often each table is read."""
    engine = SQL_OF[file.parent.name]
    text = re.sub(r"^-- .*$", "", Golden.read(file).sql, flags=re.MULTILINE)
    if engine == "mysql":
        text = text.replace("%s", "?").replace("%%", "%")
    tree = sqlglot.parse_one(text, dialect=engine)
    made = {each.alias for each in tree.find_all(exp.CTE)}
    read = (each for each in tree.find_all(exp.Table) if isinstance(each.this, exp.Identifier))
    return Counter(each.name for each in read if each.name not in made)


@pytest.mark.parametrize(
    "file", sorted(SHAPES.glob("**/*.sql")), ids=lambda file: f"{file.parent.name}-{file.stem}"
)
def test_no_table_is_read_twice_without_need(file: Path) -> None:
    found = scans(file)
    assert found, "the statement was not understood"
    several = {table: count for table, count in found.items() if count > 1}
    known = SEVERAL.get(file.stem)
    assert several == (known.tables if known else {})


def test_each_reason_is_of_a_shape() -> None:
    assert {file.stem for file in SHAPES.glob("*.sql")} >= SEVERAL.keys()
