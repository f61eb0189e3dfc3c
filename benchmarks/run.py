"""``make bench``: how fast planning, requests, compiling and starting are, as ratios to something measured beside them.

Absolute times say as much about the machine as about Cuboid; ratios can be compared from machine to machine.
``--quick`` measures a few rounds only.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cache
import compiling
import planning
import serving
import starting
from measure import report

SHOP = Path(__file__).parents[1] / "examples" / "shop"


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure Cuboid.")
    parser.add_argument("--quick", action="store_true", help="a few rounds only")
    quick = parser.parse_args().quick
    report("Planning", planning.rows(SHOP, 50 if quick else 500))
    report("A light request", serving.rows(SHOP, 200 if quick else 2000))
    report("A kept answer", cache.rows(300 if quick else 3000))
    report("Compiling", compiling.rows(1 if quick else 3))
    report("Starting", starting.rows(SHOP, 3 if quick else 9))


if __name__ == "__main__":
    main()
