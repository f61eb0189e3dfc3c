"""How long each golden shape takes to plan, in each dialect: the page of the documentation.

python benchmarks/planning_times.py [--rounds 200]
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from measure import readable
from shapes import SHAPES, Measured, measured, model, p99

from cuboid.sql.dialect import Dialect
from cuboid_clickhouse.dialect import ClickHouseDialect
from cuboid_duckdb.dialect import DuckDBDialect
from cuboid_mysql.dialect import MySQLDialect
from cuboid_postgres.dialect import PostgresDialect

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "planning-times.md"
DIALECTS: Mapping[str, tuple[Dialect, Path]] = {
    "DuckDB": (DuckDBDialect(), SHAPES),
    "Postgres": (PostgresDialect(), SHAPES / "postgres"),
    "MySQL": (MySQLDialect(), SHAPES / "mysql"),
    "ClickHouse": (ClickHouseDialect(), SHAPES / "clickhouse"),
}


def page(found: Mapping[str, list[Measured]], rounds: int, load: float) -> str:
    """The documentation's page."""
    about = f"""Measured by `python benchmarks/planning_times.py` on {datetime.now(UTC):%Y-%m-%d}.
Python {platform.python_version()}, {os.cpu_count()} cores, load {load:.1f} at the start; {rounds} rounds.

The CPU time of planning and binding a shape that the planner has not seen, by a planner that has planned others:
the median and the 99th percentile. *Again* is the median for one that it has seen, with other values, over all
dialects. The shapes are the golden statements of `tests/sql/shapes`; a dialect that cannot say one has no time."""
    head = ("shape", "lines", *(f"{name}: median | p99" for name in found), "again")
    lines = [
        head,
        ("---", "---:", *("---: | ---:" for _ in found), "---:"),
        *_shapes(found),
        _row("**all**", "", list(found.values())),
    ]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"# Planning times\n\n{about}\n\n{table}\n"


def _shapes(found: Mapping[str, list[Measured]]) -> Iterator[tuple[str, ...]]:
    by_name = [{each.name: each for each in some} for some in found.values()]
    for name, one in by_name[0].items():
        some = [[known[name]] if name in known else [] for known in by_name]
        yield _row(name.replace("_", " "), str(one.lines), some)


def _row(name: str, lines: str, dialects: list[list[Measured]]) -> tuple[str, ...]:
    cells = [name, lines]
    for some in dialects:
        times = [each for one in some for each in one.new]
        cells.append(f"{readable(statistics.median(times))} | {readable(p99(times))}" if times else " | ")
    again = [each for some in dialects for one in some for each in one.repeated]
    return (*cells, readable(statistics.median(again)))


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what planning the golden shapes costs.")
    parser.add_argument("--rounds", type=int, default=200)
    given = parser.parse_args()
    load, catalog = os.getloadavg()[0], model()
    found = {
        name: measured(catalog, given.rounds, dialect=dialect, folder=folder)
        for name, (dialect, folder) in DIALECTS.items()
    }
    PAGE.write_text(page(found, given.rounds, load), encoding="utf-8")


if __name__ == "__main__":
    main()
