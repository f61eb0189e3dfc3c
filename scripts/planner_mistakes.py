"""Plants each of the planner mistakes of tests/oracle/mistakes.py into Cuboid and compares generated queries with the
oracle until one answer differs; and those of tests/oracle/rollup_mistakes.py, comparing what rollups answer with what
the tables do.

Prints a table: mistake, after how many queries an answer differed, how many queries failed before, what differed. Fails
if a mistake is not caught. With --write the table of all mistakes goes into docs/explanation/proof.md too.

    python scripts/planner_mistakes.py [--most=3000] [--write] [words of a mistake]
"""

from __future__ import annotations

import argparse
import logging
import re
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import conftest  # noqa: F401 - the order in which libraries are loaded
from tests.oracle.comparison import Search, first_difference, first_stored_difference
from tests.oracle.engines import ENGINES
from tests.oracle.mistakes import MISTAKES
from tests.oracle.rollup_mistakes import ROLLUP_MISTAKES

PAGE = Path(__file__).parent.parent / "docs" / "explanation" / "proof.md"
HEAD = ("| Mistake | Queries | Errors before | Caught by |", "|---|---:|---:|---|")
TABLE = re.compile(re.escape(HEAD[0].partition(" Queries")[0]) + r".*?\n\n", re.DOTALL)


def rows(words: str, most: int) -> Iterator[tuple[str, bool]]:
    """A row of the table for each mistake, and whether it is caught."""
    searches = [(mistake, first_difference) for mistake in MISTAKES]
    searches += [(mistake, first_stored_difference) for mistake in ROLLUP_MISTAKES]
    for mistake, search in searches:
        if words not in mistake.title:
            continue
        with mistake.plant():
            found = search(ENGINES["duckdb"], most)
        caught = found.report is not None
        yield f"| {mistake.title} | {found.queries} | {found.failed or ''} | {told(found)} |", caught


def told(found: Search) -> str:
    """What differed: the line after the first title of the report."""
    return "**nothing**" if found.report is None else found.report.splitlines()[1]


def main(words: str, most: int, write: bool) -> int:
    """The number of mistakes that nothing caught."""
    warnings.simplefilter("ignore")
    logging.disable()
    print("\n".join(HEAD))
    table: list[str] = [*HEAD]
    missed = 0
    for row, caught in rows(words, most):
        print(row, flush=True)
        table.append(row)
        missed += not caught
    if write:
        text, number = TABLE.subn(
            "\n".join(table).replace("\\", r"\\") + "\n\n", PAGE.read_text("utf-8"), count=1
        )
        assert number == 1, f"{PAGE} has no table of mistakes"
        PAGE.write_text(text, "utf-8")
    return missed


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("words", nargs="*")
    parser.add_argument("--most", type=int, default=3000)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    if given.write and given.words:
        parser.error("--write is for the table of all mistakes")
    sys.exit(main(" ".join(given.words), given.most, given.write))
