"""ClickHouse in this process, by the library chDB: the same SQL, the same settings, no server."""

from __future__ import annotations

from pathlib import Path

from clickhouse_connect import get_client
from clickhouse_connect.driver.client import Client

from cuboid.errors import ConnectionFailed
from cuboid.run.dbapi import DBAPIDriver
from cuboid.run.store import RollupStore, SourceStoreSettings, StoreSettings
from cuboid_clickhouse.config import ChDBConfig
from cuboid_clickhouse.driver import ClickHouseDriver
from cuboid_clickhouse.queue import ChDBQueue


class ChDBDriver(ClickHouseDriver):
    """A process has one engine, which serves one folder (or one memory) and locks it against other processes."""

    name = "chdb"
    Config = ChDBConfig
    queue = ChDBQueue
    config: ChDBConfig  # type: ignore[assignment]  # what is said of a server is not asked here

    def client(self) -> Client:
        path = self.config.path
        if path is not None and not Path(path).is_dir():  # it would be created, and a misspelt path be empty
            raise ConnectionFailed(f"The folder {path} does not exist.", hint="Correct the setting 'path'.")
        try:
            return get_client(interface="chdb", path=path, database=self.config.database)
        except ImportError as error:
            raise ConnectionFailed(
                f"The engine cannot be loaded: {error}", hint="Run pip install 'cuboid-clickhouse[chdb]'."
            ) from error

    def control(self, client: Client) -> Client:
        return self.client()  # a client answers one call after the other

    def store(self, settings: StoreSettings) -> RollupStore:
        return DBAPIDriver.store(self, settings)  # other processes could not use it

    def inside(self, settings: SourceStoreSettings) -> RollupStore | None:
        return DBAPIDriver.inside(self, settings)
