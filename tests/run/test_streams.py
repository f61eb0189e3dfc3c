"""A result of five million rows passes through each driver in little memory."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.engines.fixtures import EMBEDDED
from tests.run.killing import LIBRARIES

ROWS = 5_000_000
MOST = 200_000
"""KiB. All rows at once are more than 600,000."""

DIGITS = " UNION ALL ".join(f"SELECT {n} AS n" for n in range(10))
CROSSED = (
    f"WITH d AS ({DIGITS}), h AS (SELECT a.n + 10 * b.n AS n FROM d a, d b) "
    "SELECT a.n + 100 * b.n + 10000 * c.n + 1000000 * e.n AS i, 'some text' AS s FROM h a, h b, h c, d e "
    "WHERE a.n + 100 * b.n + 10000 * c.n + 1000000 * e.n < {rows}"
)
SQL = {
    "duckdb": "SELECT i, 'text ' || i AS s FROM range({rows}) t(i)",
    "postgres": "SELECT i, 'text ' || i AS s FROM (SELECT generate_series(0, {rows} - 1) AS i) t",
    "mysql": CROSSED,
    "mariadb": CROSSED,
    "clickhouse": "SELECT number AS i, concat('text ', toString(number)) AS s FROM numbers({rows})",
}


@pytest.mark.parametrize(
    ("engine", "driver"),
    [
        pytest.param(engine, driver, marks=pytest.mark.engine(engine))
        for engine, driver in [(EMBEDDED, EMBEDDED), *LIBRARIES]
    ],
)
async def test_five_million_rows_pass_through_in_little_memory(
    request: pytest.FixtureRequest, engine: str, driver: str
) -> None:
    """In a process of its own: the peak of this one belongs to other tests."""
    settings = {}
    if engine != EMBEDDED:
        server = request.getfixturevalue(f"{engine}_server")
        settings = {name: getattr(server, name) for name in ("host", "port", "user", "password", "database")}
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "tests.run.streaming"],
        cwd=Path(__file__).parents[2],
        input=json.dumps([driver, settings, SQL[engine], ROWS]),
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert done.returncode == 0, done.stderr
    rows, total, kibibytes = map(int, done.stdout.split())
    assert (rows, total) == (ROWS, sum(range(ROWS)))
    assert kibibytes < MOST
