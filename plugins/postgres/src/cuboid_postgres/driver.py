"""Postgres over psycopg's asyncio client.

psycopg's own pool is not used: it hides why a connection failed behind a ``PoolTimeout``, and while a server is away
it waits longer and longer between attempts, so that requests fail when the server has been back for minutes.
"""

from __future__ import annotations

from typing import Any, ClassVar

import psycopg

from cuboid.errors import ConnectionFailed, DriverError, QueryFailed
from cuboid.run.cells import Converter, as_it_is
from cuboid.run.sessions import SessionDriver
from cuboid.types import SemanticType
from cuboid_postgres.cells import SEMANTIC
from cuboid_postgres.config import PostgresConfig
from cuboid_postgres.introspect import INTROSPECTION
from cuboid_postgres.queue import PostgresQueue
from cuboid_postgres.session import PostgresSession

ZONES = "SELECT TIMESTAMPTZ '2024-07-01 00:00:00+00' AT TIME ZONE 'Asia/Kolkata'"

GONE = ("08", "57P", "53300")
"""How the SQLSTATE begins where the connection is at fault: connection exceptions; shutdown, crash, restart; too many
connections."""


class PostgresDriver(SessionDriver):
    """Sessions run in UTC and only read."""

    name = "postgres"
    dialect = "postgres"
    Config = PostgresConfig
    queue = PostgresQueue
    capabilities = frozenset({"stream", "interrupt", "introspect", "exact_decimals", "zones_before_1970"})
    introspection = INTROSPECTION
    config: PostgresConfig
    writes: ClassVar[bool] = False

    async def connect(self) -> PostgresSession:
        return await PostgresSession.open(
            self.config.parameters(), forgetful=self.config.transaction_pooling, writes=self.writes
        )

    def writer(self) -> PostgresDriver:
        return PostgresWriter(self.config)

    async def check(self) -> None:
        await self.rows(ZONES)

    def converter(self, described: Any, meant: SemanticType | None) -> Converter | None:
        return as_it_is if described.type_code in SEMANTIC else None

    def translate(self, error: Exception) -> DriverError:
        if isinstance(error, UnicodeError):
            return QueryFailed("A text is no valid Unicode.")  # the error's own words repeat all of the text
        if not isinstance(error, psycopg.Error):
            return QueryFailed(f"{type(error).__name__}: {error}")
        said = error.diag
        if said.message_primary:
            message = " ".join(filter(None, (said.message_primary, said.message_detail)))
        else:
            message = " ".join(str(error).split())  # libpq's own, in several lines
        if (error.sqlstate or "").startswith(GONE):
            return ConnectionFailed(message, hint=said.message_hint)
        return QueryFailed(message, hint=said.message_hint)


class PostgresWriter(PostgresDriver):
    """Sessions that write: what keeps rollups in the database has no others."""

    writes = True
