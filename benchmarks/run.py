"""``make bench``: how fast planning, requests, compiling and starting are, as ratios to something measured beside them.

Absolute times say as much about the machine as about Cuboid; ratios can be compared from machine to machine.
``--quick`` measures a few rounds only; ``--write`` makes docs/reference/performance.md of what was measured.
"""

from __future__ import annotations

import argparse
import os
import platform
from datetime import UTC, datetime
from pathlib import Path

import cache
import compiling
import growth
import planning
import server
import serving
import shapes
import starting
from measure import Row, markdown, report

SHOP = Path(__file__).parents[1] / "examples" / "shop"
PAGE = Path(__file__).parents[1] / "docs" / "reference" / "performance.md"


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure Cuboid.")
    parser.add_argument("--quick", action="store_true", help="a few rounds only")
    parser.add_argument("--write", action="store_true", help="write the page of the documentation")
    given = parser.parse_args()
    quick = given.quick
    load = os.getloadavg()[0]
    found: dict[str, list[Row]] = {}
    for title, measure in (
        ("Planning", lambda: planning.rows(SHOP, 50 if quick else 500)),
        ("Planning golden shapes", lambda: shapes.report_rows(10 if quick else 100)),
        ("A light request", lambda: serving.rows(SHOP, 200 if quick else 2000)),
        ("A kept answer", lambda: cache.rows(300 if quick else 3000)),
        ("One server", lambda: server.rows(SHOP, 300 if quick else 2000)),
        ("A large model", lambda: growth.rows(50 if quick else 400)),
        ("Compiling", lambda: compiling.rows(1 if quick else 3)),
        ("Starting", lambda: starting.rows(SHOP, 3 if quick else 9)),
    ):
        found[title] = measure()
        report(title, found[title])
    if given.write:
        PAGE.write_text(page(found, load), encoding="utf-8")


def page(found: dict[str, list[Row]], load: float) -> str:
    """The documentation's page."""
    python, cores = platform.python_version(), os.cpu_count()
    about = f"""Measured by `make bench ARGS=--write` on {datetime.now(UTC):%Y-%m-%d}.
Python {python}, {cores} cores, load {load:.1f} at the start.

Ratios are what to compare; CPU is that of the server's process for one request. A target is what the ratio, or the
time itself, should be at the most. CPU is counted in ticks of 10 ms, so that ratios near a target are within the error;
memory is what is resident afterwards. Not measured yet: the longest pause of the event loop, two processes beside one,
generated SQL beside SQL by hand, planning on other engines, peers' planning, an earlier commit."""
    tables = (markdown(title, rows) for title, rows in found.items())
    return "\n\n".join(("# Performance", about, *tables)) + "\n"


if __name__ == "__main__":
    main()
