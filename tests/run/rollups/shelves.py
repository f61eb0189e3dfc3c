"""Rollups over a real source and a real store, as tests use them."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from cuboid.plugins import Registry
from cuboid.run.data_source import DataSource
from cuboid.run.queue import QueueSettings
from cuboid.run.rollups import Rollups, RollupSettings
from cuboid.run.rollups.parts import Part
from cuboid.run.store import StoreSettings
from cuboid.run.stored import Bounds, RollupUse, StoredRollup
from cuboid.run.streams import Streams
from cuboid.types import Column, Job, Pending, Statement

REGISTRY = Registry.load()

COLUMNS = (Column("city", "string"), Column("placed", "time"), Column("amount", "number"))
ORDERED = "SELECT city, date_trunc('day', placed) AS placed, sum(amount) AS amount FROM orders"


def source_over(driver: Any, name: str = "default") -> DataSource:
    """A data source as a project makes it."""
    streams = Streams(driver)
    queue = type(driver).queue(streams, QueueSettings())
    return DataSource(name, driver, REGISTRY.dialect(driver.dialect), queue, streams=streams)


def duckdb_driver(path: Path) -> Any:
    driver = REGISTRY.driver("duckdb")
    return driver(driver.Config(database=str(path), create=True))


def select(bounds: Bounds | None) -> Statement:
    """The orders by city and day, of DuckDB."""
    where, parameters = ("", ()) if bounds is None else (" WHERE placed >= ? AND placed < ?", bounds)
    return Statement(f"{ORDERED}{where} GROUP BY 1, 2", parameters, COLUMNS)


def whole(table: str = "orders_whole", **more: Any) -> StoredRollup:
    return StoredRollup("orders.whole", "UTC", table, COLUMNS, "default", select, **more)


def monthly(table: str = "orders_monthly", **more: Any) -> StoredRollup:
    """In parts of a month, rows without a time in one of their own."""
    return StoredRollup(
        "orders.monthly",
        "UTC",
        table,
        COLUMNS,
        "default",
        select,
        "placed",
        "month",
        range=(Statement("SELECT min(placed), max(placed) FROM orders"),),
        rest=Statement(f"{ORDERED} WHERE placed IS NULL GROUP BY 1, 2", (), COLUMNS),
        **more,
    )


@dataclass
class Versions:
    """Versions that a test changes; ``asked`` are the labels whose version was asked for."""

    now: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def __call__(self, stored: StoredRollup, part: Part) -> str:
        self.asked.append(part.label)
        return self.now.get(part.label, self.now.get("", "1"))


@dataclass
class Shelf:
    """Rollups, and the source that they are built from: one of ``sources``."""

    source: DataSource
    sources: dict[str, DataSource]
    rollups: Rollups
    versions: Versions

    async def do(self, sql: str) -> Any:
        """Runs a statement in the source, past its queue."""
        if not self.source.used:
            await self.source.ping(50)
        id = uuid.uuid4().hex
        return (await self.source.driver.execute(Job(id, id, Statement(sql)))).rows

    async def ready(self, stored: StoredRollup, bounds: Bounds | None = None, **more: Any) -> Any:
        """What :meth:`Rollups.ready` says in the end."""
        async with asyncio.timeout(50):
            while isinstance(
                outcome := await self.rollups.ready([RollupUse(stored, bounds)], wait=5, **more), Pending
            ):
                pass
        return outcome

    async def rows(self, stored: StoredRollup) -> list[tuple[Any, ...]]:
        """What the table has now."""
        statement = Statement(f'SELECT city, placed, amount FROM "{stored.table}" ORDER BY ALL', (), COLUMNS)
        result = await self.rollups.source.submit(statement, wait=50)
        return [tuple(row) for row in result.rows]

    async def truth(self) -> list[tuple[Any, ...]]:
        """What the source gives now."""
        return [tuple(row) for row in await self.do(f"{ORDERED} GROUP BY 1, 2 ORDER BY ALL")]

    async def labels(self, stored: StoredRollup) -> dict[str, int]:
        """The rows of each part."""
        table = await self.rollups.table(stored)
        return {} if table is None else {label: part.rows for label, part in table.parts.items()}


@asynccontextmanager
async def shelf(
    folder: Path, driver: Any | None = None, settings: RollupSettings | None = None
) -> AsyncIterator[Shelf]:
    """A shelf over a source in ``folder``, which others may share."""
    source = source_over(driver or duckdb_driver(folder / "source.duckdb"))
    store = REGISTRY.store("duckdb")(StoreSettings(folder / "store"))
    versions = Versions()
    sources = {"default": source}
    rollups = Rollups(store, source_over(store.reader, "rollups"), sources, settings, version=versions)
    try:
        yield Shelf(source, sources, rollups, versions)
    finally:
        await rollups.close()
        for each in (source, *sources.values()):
            await each.close()


ORDERS = (
    "CREATE TABLE orders (city VARCHAR, placed TIMESTAMP, amount DECIMAL(12, 2))",
    """INSERT INTO orders VALUES ('Berlin', '2024-01-31 23:59:59', 10.50), ('Berlin', '2024-02-01', 0.25),
       ('Paris', '2024-02-29 12:00', 7), (NULL, '2024-04-01', 1), ('Oslo', NULL, 3),
       ('Berlin', '2024-02-01 05:00', 1)""",
)


async def with_orders(opened: Shelf) -> Shelf:
    for statement in ORDERS:
        await opened.do(statement)
    return opened


FEBRUARY = (datetime(2024, 2, 1), datetime(2024, 3, 1))
