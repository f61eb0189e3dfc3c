"""The comparison bites: planted mistakes make some generated answer differ from the oracle's.

Here are those that few queries catch; ``scripts/planner_mistakes.py`` plants all and prints what catches them.
"""

from __future__ import annotations

import pytest
from tests.oracle.comparison import first_difference, first_stored_difference
from tests.oracle.engines import ENGINES
from tests.oracle.mistakes import MISTAKES, RARE
from tests.oracle.planting import Mistake
from tests.oracle.rollup_mistakes import ROLLUP_MISTAKES

MOST = 2000
MOST_STORED = 200


@pytest.mark.timeout(0)
@pytest.mark.engine("duckdb")
@pytest.mark.parametrize(
    "mistake", [each for each in MISTAKES if each.title not in RARE], ids=lambda mistake: mistake.title
)
def test_a_planted_mistake_is_caught(mistake: Mistake) -> None:
    with mistake.plant():
        found = first_difference(ENGINES["duckdb"], MOST)
    assert found.report is not None, f"{MOST} queries agree ({found.failed} fail) although {mistake.title}"


@pytest.mark.timeout(0)
@pytest.mark.engine("duckdb")
@pytest.mark.parametrize(
    "mistake", [each for each in ROLLUP_MISTAKES if each.title not in RARE], ids=lambda mistake: mistake.title
)
def test_a_planted_mistake_of_rollups_is_caught(mistake: Mistake) -> None:
    with mistake.plant():
        found = first_stored_difference(ENGINES["duckdb"], MOST_STORED)
    assert found.report is not None, f"{MOST_STORED} served queries agree although {mistake.title}"


def test_the_rare_ones_are_among_them() -> None:
    assert {mistake.title for mistake in (*MISTAKES, *ROLLUP_MISTAKES)} > RARE
