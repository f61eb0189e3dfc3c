"""Options of the oracle tests, the pipeline they share, and the summary of what was compared."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator

import pytest
from tests.oracle.pipeline import Pipeline

DEFAULT_QUERIES = 2_000

COUNTS = pytest.StashKey[Counter[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--oracle-queries",
        type=int,
        default=int(os.environ.get("ORACLE_EXAMPLES", DEFAULT_QUERIES)),
        help="how many generated queries to compare with the oracle (default: $ORACLE_EXAMPLES or 2000)",
    )
    parser.addoption(
        "--oracle-shrink",
        action="store_true",
        help="shrink a difference to a small world and query, which takes minutes",
    )


@pytest.fixture(scope="session")
def pipeline() -> Iterator[Pipeline]:
    """Cuboid over an in-memory database."""
    with Pipeline() as opened:
        yield opened


@pytest.fixture(scope="session")
def compared(pytestconfig: pytest.Config) -> Counter[str]:
    """Counts of compared queries, all and by feature; shown at the end of the run."""
    return pytestconfig.stash.setdefault(COUNTS, Counter())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    counts = config.stash.get(COUNTS, None)
    if not counts:
        return
    kinds = ("queries", "answers", "empty answers", "without join path", "refused", "worlds")
    terminalreporter.section("oracle")
    terminalreporter.line("compared: " + ", ".join(f"{counts[kind]} {kind}" for kind in kinds))
    used = sorted((name, count) for name, count in counts.items() if name not in kinds)
    terminalreporter.line("features: " + ", ".join(f"{name} {count}" for name, count in used))
