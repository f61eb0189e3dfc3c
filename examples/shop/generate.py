"""Writes the shop's database: the same rows on every machine, every time.

Tables: suppliers, products, users, orders, line_items, returns, reviews; three years of timestamps, from 2023
to 2025. The data has what real data has: days without orders, NULLs, foreign keys that lead nowhere, orders
without lines, cancelled orders. Random numbers are integer hashes of row numbers, made by ``tables.sql``
itself, so neither the machine nor the version of the database changes them.

    python generate.py [--output data/shop.duckdb] [--orders 200000] [--force]
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

HERE = Path(__file__).parent
TABLES = HERE / "tables.sql"
DEFAULT_OUTPUT = HERE / "data" / "shop.duckdb"
DEFAULT_ORDERS = 200_000


def steps() -> tuple[tuple[str, str], ...]:
    """The steps of ``tables.sql`` in order: name and SQL."""
    parts = re.split(r"^-- step: (.+)$", TABLES.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return tuple(zip(parts[::2], parts[1::2], strict=True))


def sizes(orders: int) -> dict[str, int]:
    """How many rows the tables of a shop with that many orders have; those not named here follow."""
    return {
        "orders": orders,
        "users": max(orders // 10, 50),
        "products": max(orders // 200, 50),
        "reviews": max(orders // 4, 50),
    }


def version(orders: int) -> str:
    """Names the data: changes with the generator and with the size."""
    digest = hashlib.sha256(str(orders).encode())
    for file in (Path(__file__), TABLES):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def is_current(output: Path, orders: int) -> bool:
    """Whether ``output`` is there and was written by this very generator."""
    marker = output.with_suffix(".version")
    return output.exists() and marker.exists() and marker.read_text() == version(orders)


def write(output: Path, orders: int) -> Iterator[str]:
    """Writes the database to ``output``, yielding the name of each step before it is done.

    The file appears whole or not at all: it is written beside its place and renamed.
    """
    import duckdb  # here, so that a start with current data does not pay for it

    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".shop-") as scratch:
        unfinished = Path(scratch) / output.name
        with duckdb.connect(str(unfinished)) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            rows = ", ".join(f"{table!r}: {count}" for table, count in sizes(orders).items())
            connection.execute(f"CREATE TEMP MACRO size_of(name) AS MAP {{{rows}}}[name]")
            for name, sql in steps():
                yield name
                connection.execute(sql)
            yield "storage"
            connection.execute("CHECKPOINT")
        os.replace(unfinished, output)
    output.with_suffix(".version").write_text(version(orders))


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; says nothing when there is nothing to do."""
    parser = argparse.ArgumentParser(description="Write the shop's database.")
    parser.add_argument("--output", type=Path, default=DEFAULT_OUTPUT)
    parser.add_argument("--orders", type=int, default=DEFAULT_ORDERS, help="how many; other tables follow")
    parser.add_argument("--force", action="store_true", help="write it even if it is there")
    options = parser.parse_args(arguments)
    if not options.force and is_current(options.output, options.orders):
        return 0

    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:<24}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns) as progress:
        task = progress.add_task("shop data", total=len(steps()) + 1)
        for done, step in enumerate(write(options.output, options.orders)):
            progress.update(task, completed=done, description=f"shop data: {step}")
        progress.update(task, completed=len(steps()) + 1, description="shop data")
    print(f"Wrote {options.output} ({options.output.stat().st_size / 1e6:.0f} MB).")
    return 0


if __name__ == "__main__":
    sys.exit(main())
