"""Options of the oracle tests, the pipeline they share, and the summary of what was compared."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from tests.engines.admin import new_database
from tests.oracle.engines import ENGINES
from tests.oracle.pipeline import Pipeline

DEFAULT_QUERIES = 5_000

COUNTS = pytest.StashKey[Counter[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--oracle-queries",
        type=int,
        default=int(os.environ.get("ORACLE_EXAMPLES", DEFAULT_QUERIES)),
        help="how many generated queries to compare with the oracle on the embedded engine, and a tenth of that on "
        "each server (default: $ORACLE_EXAMPLES or 5000)",
    )
    parser.addoption(
        "--oracle-seed", default="1", help="the seed of the first batch of worlds, or 'fresh' (default: 1)"
    )
    parser.addoption(
        "--oracle-table", action="store_true", help="print how many queries used each feature as a table"
    )
    parser.addoption(
        "--oracle-shrink",
        action="store_true",
        help="shrink a difference to a small world and query, which takes minutes",
    )
    parser.addoption(
        "--oracle-zones",
        default="some",
        help="'all' to test every hour of five years in every zone (default: some)",
    )


@pytest.fixture(
    scope="session", params=[pytest.param(name, marks=pytest.mark.engine(name)) for name in ENGINES]
)
def pipeline(request: pytest.FixtureRequest) -> Iterator[Pipeline]:
    """Cuboid over an in-memory database, and over one of its own on each server."""
    engine = ENGINES[request.param]
    with ExitStack() as opened:
        if engine.embedded:
            yield opened.enter_context(Pipeline(engine))
        else:
            server = opened.enter_context(new_database(request.getfixturevalue(f"{engine.name}_server")))
            yield opened.enter_context(Pipeline(engine, server))


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
    engines = [f"on {name}" for name in ENGINES]
    terminalreporter.line("queries: " + ", ".join(f"{counts[kind]} {kind}" for kind in engines))
    used = sorted((name, count) for name, count in counts.items() if name not in (*kinds, *engines))
    if not config.getoption("--oracle-table"):
        terminalreporter.line("features: " + ", ".join(f"{name} {count}" for name, count in used))
        return
    terminalreporter.line("\n| Feature | Queries |\n|---|---|")
    for name, count in used:
        terminalreporter.line(f"| {name} | {count} |")
