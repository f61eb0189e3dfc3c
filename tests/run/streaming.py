"""Streams a large result through a driver, in a process of its own, and prints what that took.

Reads ``[driver, settings, sql, rows]`` as JSON from its standard input; the SQL has a place ``{rows}`` and gives the
numbers from zero on, in any order, in its first column. Prints rows, the sum of the numbers, and the growth of
the process's peak memory in KiB since a small result of the same kind.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
from typing import Any

from cuboid.plugins import Registry
from cuboid.run.driver import Driver
from cuboid.types import Job, Statement

BATCH_ROWS = 10_000


async def read(driver: Driver, sql: str) -> tuple[int, int]:
    rows = total = 0
    async for batch in driver.stream(Job("1", sql, Statement(sql)), batch_rows=BATCH_ROWS):
        assert 0 < len(batch) <= BATCH_ROWS
        rows += len(batch)
        total += sum(row[0] for row in batch)  # type: ignore[misc]
    return rows, total


async def main(name: str, settings: dict[str, Any], sql: str, rows: int) -> None:
    driver_class = Registry.load().driver(name)
    driver = driver_class(driver_class.Config.model_validate(settings))
    await driver.open()
    await read(driver, sql.format(rows=2 * BATCH_ROWS))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(*await read(driver, sql.format(rows=rows)))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    await driver.close()


if __name__ == "__main__":
    asyncio.run(main(*json.load(sys.stdin)))
