"""Plants each of the planner mistakes of tests/oracle/mistakes.py into Cuboid and compares generated queries with the
oracle until one differs.

Prints a table: mistake, after how many queries it was caught, by what. Fails if a mistake is not caught.

    python scripts/planner_mistakes.py [--most=3000] [words of a mistake]
"""

from __future__ import annotations

import logging
import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import conftest  # noqa: F401 - the order in which libraries are loaded
from tests.oracle.comparison import first_difference
from tests.oracle.engines import ENGINES
from tests.oracle.mistakes import MISTAKES


def main(words: str, most: int) -> int:
    """The number of mistakes that nothing caught."""
    warnings.simplefilter("ignore")
    logging.disable()
    missed = 0
    print("| Mistake | Queries | Caught by |\n|---|---|---|")
    for mistake in MISTAKES:
        if words not in mistake.title:
            continue
        with mistake.plant():
            found = first_difference(ENGINES["duckdb"], most)
        missed += found is None
        lines = found.report.splitlines() if found is not None else []
        shown = lines[1] if len(lines) > 1 else "".join(lines)
        print(
            f"| {mistake.title} | {found.after if found else most} | {shown or '**nothing**'} |", flush=True
        )
    return missed


if __name__ == "__main__":
    limits = [int(each.partition("=")[2]) for each in sys.argv[1:] if each.startswith("--most=")]
    sys.exit(
        main(" ".join(each for each in sys.argv[1:] if not each.startswith("--")), (limits or [3000])[0])
    )
