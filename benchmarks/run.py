"""``make bench``: how fast planning, requests, compiling and starting are, as ratios to something measured beside them.

Absolute times say as much about the machine as about Cuboid; ratios can be compared from machine to machine.
``--quick`` measures a few rounds only; ``--write`` makes docs/reference/performance.md of what was measured;
``--against REV`` measures another revision first, in an environment of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import by_hand
import cache
import compiling
import growth
import pauses
import peers
import planning
import server
import serving
import shapes
import starting
import workers
from measure import Row, markdown, report

ROOT = Path(__file__).parents[1]
SHOP = ROOT / "examples" / "shop"
PAGE = ROOT / "docs" / "reference" / "performance.md"


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure Cuboid.")
    parser.add_argument("--quick", action="store_true", help="a few rounds only")
    parser.add_argument("--write", action="store_true", help="write the page of the documentation")
    parser.add_argument(
        "--engines", action="store_true", help="generated SQL on the servers too: 10 minutes more"
    )
    parser.add_argument("--against", metavar="REV", help="measure that revision too, and the ratio to it")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the times into this file")
    parser.add_argument("--lenient", action="store_true", help="go on with the next part when one fails")
    given = parser.parse_args()
    before = None if given.against is None else earlier(given.against, quick=given.quick)
    load = os.getloadavg()[0]
    found: dict[str, list[Row]] = {}
    for title, measure in sections(quick=given.quick, engines=given.engines):
        try:
            found[title] = measure()
        except Exception as error:  # what an earlier revision cannot do
            if not given.lenient:
                raise
            print(f"{title}: {type(error).__name__}: {error}")
            continue
        report(title, found[title], before)
    if given.json is not None:
        given.json.write_text(json.dumps({row.name: row.seconds for rows in found.values() for row in rows}))
    if given.write:
        PAGE.write_text(page(found, load, before, given), encoding="utf-8")


def sections(*, quick: bool, engines: bool) -> Iterator[tuple[str, Callable[[], list[Row]]]]:
    """What is measured, in order."""
    yield "Planning", lambda: planning.rows(SHOP, 50 if quick else 500)
    yield "Planning golden shapes", lambda: shapes.report_rows(10 if quick else 100)
    yield "A light request", lambda: serving.rows(SHOP, 200 if quick else 2000)
    yield "A kept answer", lambda: cache.rows(300 if quick else 6000)
    yield "One server", lambda: server.rows(SHOP, 300 if quick else 2000)
    yield "Pauses of the event loop", lambda: pauses.rows(1 if quick else 5)
    yield "Two processes", lambda: workers.rows(SHOP, 1 if quick else 5)
    yield "A large model", lambda: growth.rows(50 if quick else 400)
    yield "Compiling", lambda: compiling.rows(1 if quick else 3)
    yield "Peers", lambda: peers.rows(1 if quick else 3, 5 if quick else 30)
    yield "Starting", lambda: starting.rows(SHOP, 3 if quick else 9)
    names = by_hand.TRUNC if engines else ["duckdb"]
    orders = 100_000 if quick else 1_000_000
    yield f"Generated SQL, {orders:,} orders", lambda: by_hand.rows(list(names), orders, 1 if quick else 5)


def earlier(revision: str, *, quick: bool) -> dict[str, float]:
    """What that revision takes, in an environment of its own, by this revision's benchmarks: seconds by name."""
    with tempfile.TemporaryDirectory() as folder:
        tree, told = Path(folder) / "tree", Path(folder) / "told.json"
        subprocess.run(["git", "worktree", "add", "--detach", str(tree), revision], cwd=ROOT, check=True)
        try:
            subprocess.run([tree / "scripts" / "bootstrap.sh", "dev"], cwd=tree, check=True)
            command = [
                tree / ".venv" / "bin" / "python",
                __file__,
                "--json",
                told,
                "--lenient",
                *(["--quick"] if quick else []),
            ]
            subprocess.run(command, cwd=tree, check=True)
            found: dict[str, float] = json.loads(told.read_text())
            return found
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", str(tree)], cwd=ROOT, check=True)


def page(
    found: dict[str, list[Row]], load: float, before: Mapping[str, float] | None, given: argparse.Namespace
) -> str:
    """The documentation's page."""
    python, cores = platform.python_version(), os.cpu_count()
    flags = "'--quick --write'" if given.quick else "--write"
    about = f"""Measured by `make bench ARGS={flags}` on {datetime.now(UTC):%Y-%m-%d}.
Python {python}, {cores} cores, load {load:.1f} at the start.

Ratios are what to compare; CPU is that of the server's process for one request, its threads included. A target is what
the ratio, or the time itself, should be at the most. Memory is what is resident, pages of
libraries included where nothing else is said.

Peers are other semantic layers, each with the same model in its own words: CPU from a question to its SQL, as the
first one that a layer is asked (new), and with other values than before (again), where Cuboid has kept the plan. A peer
without a row refuses the question, or could not be installed. What its SQL tells is compared with SQL by hand: "other
numbers" stands where it differs."""
    if given.against is not None:
        about += f"\nThe last column is the time over that of {given.against}."
    tables = (markdown(title, rows, before) for title, rows in found.items())
    return "\n\n".join(("# Performance", about, *tables)) + "\n"


if __name__ == "__main__":
    main()
