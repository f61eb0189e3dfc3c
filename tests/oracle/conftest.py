"""Options of the oracle tests, the pipeline they share, and the summary of what was compared."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.engines.admin import new_database
from tests.oracle.coverage import Coverage, page
from tests.oracle.engines import ENGINES
from tests.oracle.pipeline import Pipeline

DEFAULT_QUERIES = 5_000

COVERAGE = pytest.StashKey[Coverage]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--oracle-queries",
        type=int,
        default=int(os.environ.get("ORACLE_EXAMPLES", DEFAULT_QUERIES)),
        help="how many generated queries to compare with the oracle on the embedded engine, and a tenth of that on "
        "each server (default: $ORACLE_EXAMPLES or 5000)",
    )
    parser.addoption(
        "--oracle-stored",
        type=int,
        help="how many generated queries to answer from rollups in the store too (default: an eightieth of "
        "--oracle-queries)",
    )
    parser.addoption(
        "--oracle-seed", default="1", help="the seed of the first batch of worlds, or 'fresh' (default: 1)"
    )
    parser.addoption(
        "--oracle-table",
        nargs="?",
        const="-",
        metavar="FILE",
        help="print how many queries used each feature on each engine, and write it into a file",
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
def compared(pytestconfig: pytest.Config) -> Coverage:
    """What was compared; shown at the end of the run."""
    return pytestconfig.stash.setdefault(COVERAGE, Coverage())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    coverage = config.stash.get(COVERAGE, None)
    if coverage is None or not coverage.engines:
        return
    terminalreporter.section("oracle")
    terminalreporter.line(f"compared: {coverage.summary()}")
    table = config.getoption("--oracle-table")
    if table is None:
        return
    for line in coverage.lines():
        terminalreporter.line(line)
    if table != "-":
        Path(table).write_text(page(coverage), encoding="utf-8")
