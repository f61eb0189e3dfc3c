"""Stores of rollups on the run's ClickHouse server, each with a database of its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import pytest
from tests.engines.admin import admin, new_database

from cuboid.errors import ConnectionFailed, QueryFailed
from cuboid.run.data_source import DataSource
from cuboid.run.queue import QueueSettings
from cuboid.run.store import NewPart, StoreSettings
from cuboid.run.stored import StoredRollup
from cuboid.types import Column, Statement
from cuboid_clickhouse import store as stores
from cuboid_clickhouse.config import ClickHouseConfig
from cuboid_clickhouse.dialect import ClickHouseDialect
from cuboid_clickhouse.driver import ClickHouseDriver
from cuboid_clickhouse.store_log import BuildLog
from cuboid_clickhouse.store_server import StoreServer

TABLE = "orders_main_0123456789ab"
COLUMNS = (
    Column("city", "string"),
    Column("amount", "number"),
    Column("paid", "boolean"),
    Column("at", "time"),
)
NUMBER = (Column("n", "number"),)
ROW = ("Berlin", Decimal("9.50"), True, datetime(2024, 1, 1))


def rollup(*columns, table=TABLE):
    return StoredRollup(
        "orders.main", "UTC", table, columns or COLUMNS, "default", lambda bounds: Statement("")
    )


async def batches(*found):
    for each in found:
        yield each


async def fails(*found):
    for each in found:
        yield each
    raise QueryFailed("The source is gone.")


class Mortal(StoreServer):
    """Sends no statement any more once it is not alive: as a process that was killed."""

    def alive(self):
        return True

    def _try(self, what, *arguments, **named):
        if not self.alive():
            raise ConnectionFailed("Killed.")
        return super()._try(what, *arguments, **named)


def dies_after(statements, *servers):
    """They send so many statements together; what is left of these."""
    left = iter([True] * statements)
    for server in servers:
        server.alive = lambda: next(left, False)
    return left


class Process:
    """A store with a data source before its driver, as core has it in each process."""

    def __init__(self, config, **settings):
        self.store = ClickHouseDriver(config).store(StoreSettings(**settings))
        reader = self.store.reader
        self.source = DataSource(
            "rollups", reader, ClickHouseDialect(), reader.queue(reader, QueueSettings())
        )

    async def close(self):
        await self.source.close()
        await self.store.close()

    async def put(self, stored, label, *rows, **how):
        async with self.store.building(stored.table, label) as mine:
            assert mine
            return await self.store.write(stored, NewPart(label, "1", **how), batches(*rows))

    async def rows(self, table=TABLE, select="*", rest="ORDER BY ALL", known_as=None):
        await self.store.table(known_as or table)
        found = await self.source.submit(Statement(f'SELECT {select} FROM "{table}" {rest}'), wait=50)
        return [tuple(row) for row in found.rows]

    def sweep_hours_later(self):
        """What killed processes have left is given up, and what is gone is removed."""
        log = BuildLog(self.store._server, gone=-3600, empty=-3600)
        log.sweep(0, 0)
        log.sweep(0, 0)


def config_of(server):
    names = ("host", "port", "database", "user", "password")
    return ClickHouseConfig.model_validate({name: getattr(server, name) for name in names})


@pytest.fixture
def config(clickhouse_server):
    with new_database(clickhouse_server) as server:
        yield config_of(server)


@pytest.fixture
def process(config, made, monkeypatch):
    """Makes processes that use one store; each sees at once what the others have done."""
    monkeypatch.setattr(stores, "KNOWN_SECONDS", 0.0)
    monkeypatch.setattr(stores, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(stores, "StoreServer", Mortal)

    def make(**settings):
        made.append(Process(config, **settings))
        return made[-1]

    return make


@pytest.fixture
def on_server(config, clickhouse_server):
    """Asks the server past the store."""

    def ask(sql):
        with admin(replace(clickhouse_server, database=config.database)) as connection:
            return connection.run(sql)

    return ask
