"""Averages are the doubles next to the true means on every engine: the last digit, too, is the same everywhere."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from tests.oracle.expressions import Column
from tests.oracle.pipeline import Pipeline
from tests.oracle.world import Cube, Dimension, Measure, Table, TableColumn, World

GROUPS = 300
ROWS = tuple(
    (row, row % GROUPS, row * 7919 % 13 * (row % 4), Decimal(row * 104_729 % 100_003).scaleb(-2))
    for row in range(1, 5_000)
)
COLUMNS = (("id", "integer"), ("g", "integer"), ("whole", "integer"), ("price", "decimal"))


def ratings() -> World:
    """Groups of 16 or 17 rows."""
    table = Table("t_ratings", tuple(TableColumn(name, type) for name, type in COLUMNS), ROWS)  # type: ignore[arg-type]
    key = Dimension("id", "number", Column("ratings", "id"), primary_key=True)
    group = Dimension("g", "number", Column("ratings", "g"))
    means = tuple(Measure(name, "avg", Column("ratings", name)) for name in ("whole", "price"))
    return World((Cube("ratings", table, (key, group), means),))


@pytest.mark.parametrize("measure", ["whole", "price"])
def test_the_average_is_the_double_next_to_the_mean(pipeline: Pipeline, measure: str) -> None:
    pipeline.show(ratings())
    answer = pipeline.load({"measures": [f"ratings.{measure}"], "dimensions": ["ratings.g"]})
    assert len(answer.rows) == GROUPS
    position = [name for name, _ in COLUMNS].index(measure)
    for row in answer.rows:
        cells = [Fraction(cells[position]) for cells in ROWS if cells[1] == int(row["ratings.g"])]  # type: ignore[arg-type]
        assert float(row[f"ratings.{measure}"]) == float(sum(cells) / len(cells)), row
