"""A connection of asyncmy: how it is opened, set up, read, killed and closed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Self

from asyncmy.connection import Connection
from asyncmy.constants.CLIENT import MULTI_STATEMENTS, SSL
from asyncmy.converters import escape_string
from asyncmy.cursors import SSCursor

from cuboid.errors import ConnectionFailed
from cuboid.run.literals import literal
from cuboid.run.sessions import AsyncCursor, Session
from cuboid.types import Statement
from cuboid_mysql.cells import READERS
from cuboid_mysql.config import MySQLConfig
from cuboid_mysql.server import IDENTITY, Server, Zones

GOODBYE_SECONDS = 1.0
"""How long to wait until the server has heard that a connection is closed."""


class Client(Connection):  # type: ignore[misc]  # compiled
    """asyncmy's connection, which takes one statement at a time, and encrypts if the server can."""

    def __init__(self, config: MySQLConfig) -> None:
        names = config.named("host", "port", "database", "user", "connect_timeout", unix_socket="socket")
        password = config.password.get_secret_value().encode() if config.password else b""
        if config.socket and not config.encrypted:
            context = None
            names["host"] = config.socket  # for errors
        else:
            context = config.ssl_context()
        super().__init__(
            **names, password=password, ssl=context, conv=READERS, charset="utf8mb4", autocommit=True
        )
        self._encrypted = config.encrypted

    async def _request_authentication(self) -> Any:
        # The server has greeted, and been answered nothing. asyncmy lets texts hold several statements, always, and
        # begins to encrypt without asking whether the server can.
        self._client_flag &= ~MULTI_STATEMENTS
        if not self.server_capabilities & SSL:
            if self._encrypted:
                raise ConnectionFailed("The server does not encrypt, and the setting 'ssl' asks for it.")
            self._ssl_context = None
            self._client_flag &= ~SSL
        return await super()._request_authentication()

    async def rows(self, sql: str) -> Sequence[tuple[Any, ...]]:
        """All rows of a small internal question."""
        cursor = self.cursor()
        await cursor.execute(sql)
        return await cursor.fetchall()  # type: ignore[no-any-return]

    async def hang_up(self) -> None:
        """Says goodbye, to whom it may concern: with TLS a server that is busy would not answer for half a minute."""
        transport = self._transport
        try:
            async with asyncio.timeout(GOODBYE_SECONDS):
                await self.ensure_closed()
        finally:
            if transport is not None:
                transport.abort()


class Rows:
    """asyncmy's cursor, whose description also has each column's character set, in the place after PEP 249's."""

    def __init__(self, cursor: SSCursor, fields: Sequence[Any]) -> None:
        self.description = [(*field.description(), field.charsetnr) for field in fields]
        self.fetchmany = cursor.fetchmany


class AsyncmySession(Session):
    """Results are read as they are fetched, and cells are made values by the library, with our own readers."""

    def __init__(self, config: MySQLConfig, zones: Zones, client: Client, server: Server) -> None:
        self._config = config
        self._zones = zones
        self._client = client
        self._server = server

    @classmethod
    async def open(cls, config: MySQLConfig, zones: Zones) -> Self:
        client = Client(config)
        try:
            await client.connect()
            ((connection, version),) = await client.rows(IDENTITY)
            server = Server.greeted(connection, version)
            await client.rows(server.set_up())
        except BaseException:
            client.close()
            raise
        return cls(config, zones, client, server)

    async def limit(self, seconds: float) -> None:
        await self._client.rows(self._server.limit(seconds))

    async def start(self, statement: Statement, *, streaming: bool) -> AsyncCursor:
        self._zones.require(statement.sql)
        written = tuple(literal(value, _quoted) for value in statement.parameters)
        cursor = self._client.cursor(SSCursor)
        await cursor.execute((statement.sql % written).encode())
        return Rows(cursor, self._client._result.fields)

    def fileno(self) -> int:
        transport = self._client._transport
        return -1 if transport is None else transport.get_extra_info("socket").fileno()

    @property
    def lost(self) -> bool:
        return not self._client.connected or self._client._stream_broken

    def silent(self) -> bool:
        received = self._client._proto
        return received.length == received.pos and super().silent()

    async def cancel(self, seconds: float) -> None:
        other = Client(self._config)
        async with asyncio.timeout(seconds):
            try:
                await other.connect()
                await other.rows(f"KILL QUERY {self._server.connection}")
            finally:
                await other.hang_up()

    async def close(self) -> None:
        await self._client.hang_up()


def _quoted(text: str) -> str:
    return f"'{escape_string(text)}'"  # the session's sql_mode has the backslash escape
