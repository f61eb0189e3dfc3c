"""Plants each of the driver-author mistakes of tests/testing into a plugin and runs the conformance kit on it.

Prints a table: mistake, failing tests. Fails if a mistake is not caught. Runs the tests that are expected to fail, as
``make test`` does, up to the first that does; with ``--whole`` all tests, which takes a quarter of a minute a mistake.

    python scripts/seeded_mistakes.py [--whole] [words of a mistake]
"""

from __future__ import annotations

import logging
import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.testing.seeding import failures
from tests.testing.test_seeded_mistakes import ALL


def main(words: str, whole: bool) -> int:
    """The number of mistakes that nothing caught."""
    warnings.simplefilter("ignore")
    logging.disable()
    missed = 0
    print("| Mistake | Fails |\n|---|---|")
    for mistake in ALL:
        if words not in mistake.title:
            continue
        failed = failures(mistake, all=True) if whole else failures(mistake, mistake.caught_by)
        missed += not failed
        shown = ", ".join(name.removeprefix("test_") for name in failed) or "**nothing**"
        print(f"| {mistake.title} | {shown} |", flush=True)
    return missed


if __name__ == "__main__":
    arguments = [each for each in sys.argv[1:] if each != "--whole"]
    sys.exit(main(" ".join(arguments), whole="--whole" in sys.argv))
