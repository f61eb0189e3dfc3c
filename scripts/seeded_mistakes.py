"""Plants each of the driver-author mistakes of tests/testing into a plugin and runs the whole conformance kit on it.

Prints a table: mistake, number of failing tests, some of them. Fails if a mistake is not caught. Takes minutes;
``make test`` plants the same mistakes and runs the tests that are expected to fail.

    python scripts/seeded_mistakes.py [words of a mistake]
"""

from __future__ import annotations

import logging
import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.testing.seeding import Mistake, failures
from tests.testing.test_seeded_mistakes import ALL


def main(words: str) -> int:
    """The number of mistakes that nothing caught."""
    warnings.simplefilter("ignore")
    logging.disable()
    control = failures(Mistake("none", ()), all=True)
    print(f"without a mistake: {len(control)} tests fail {sorted(control)}")
    missed = len(control)
    print("| Mistake | Fails | Among them |\n|---|---|---|")
    for mistake in ALL:
        if words not in mistake.title:
            continue
        failed = failures(mistake, all=True)
        missed += not failed
        shown = ", ".join(name.removeprefix("test_") for name in list(failed)[:3]) or "**nothing**"
        print(f"| {mistake.title} | {len(failed)} | {shown} |", flush=True)
    return missed


if __name__ == "__main__":
    sys.exit(main(" ".join(sys.argv[1:])))
