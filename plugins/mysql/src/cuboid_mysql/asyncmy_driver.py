"""MySQL and MariaDB over asyncmy: on the event loop, a connection per running statement."""

from __future__ import annotations

import asyncio
from typing import Any

from cuboid.errors import ConnectionFailed, DriverError, QueryFailed
from cuboid.run.cells import Converter, as_it_is
from cuboid.run.driver import Driver, DriverConfig
from cuboid.run.sessions import Session, SessionDriver
from cuboid.types import SemanticType
from cuboid_mysql.cells import BINARY, READERS, special
from cuboid_mysql.config import MySQLConfig
from cuboid_mysql.driver import MySQLDriver, MySQLWriter
from cuboid_mysql.server import Zones, failed


class AsyncmyDriver(SessionDriver):
    """As :class:`MySQLDriver`, by a library that reads rows several times as fast."""

    name = "asyncmy"
    dialect = MySQLDriver.dialect
    Config = MySQLConfig
    queue = MySQLDriver.queue
    capabilities = MySQLDriver.capabilities
    introspection = MySQLDriver.introspection
    config: MySQLConfig

    def __init__(self, config: DriverConfig) -> None:
        super().__init__(config)
        self._zones = Zones()

    async def connect(self) -> Session:
        try:
            from cuboid_mysql.asyncmy_session import AsyncmySession
        except ImportError as error:
            raise ConnectionFailed(
                f"The client library cannot be loaded: {error}",
                hint="Run pip install 'cuboid-mysql[asyncmy]'.",
            ) from error
        seconds = self.config.connect_timeout
        try:
            async with asyncio.timeout(seconds):
                return await AsyncmySession.open(self.config, self._zones)
        except TimeoutError:
            raise ConnectionFailed(f"The server has not answered within {seconds} seconds.") from None

    def writer(self) -> Driver:
        return MySQLWriter(self.config)

    async def check(self) -> None:
        self._zones.learn(str(zone) for (zone,) in await self.rows(self._zones.question()))

    def converter(self, described: Any, meant: SemanticType | None) -> Converter | None:
        type, charset = described[1], described[7]
        if convert := special(type, boolean=meant == "boolean"):
            return convert
        return None if charset == BINARY and type not in READERS else as_it_is

    def translate(self, error: Exception) -> DriverError:
        match error.args:
            case (int(code), str(message)) if type(error).__module__ == "asyncmy.errors":
                return failed(code, message)
        return QueryFailed(f"{type(error).__name__}: {error}")
