"""One connection: how it is opened and set up, told to stop, and judged fit for the next statement."""

from __future__ import annotations

from typing import Any, Self

from psycopg import AsyncConnection, AsyncRawCursor
from psycopg.pq import TransactionStatus

from cuboid.run.sessions import AsyncCursor, RowStream, Session
from cuboid.types import Statement
from cuboid_postgres.cells import ADAPTERS

SETTINGS = {
    "TimeZone": "'UTC'",
    "DateStyle": "'ISO'",
    "IntervalStyle": "'postgres'",
    "bytea_output": "'hex'",
    "extra_float_digits": "1",
    "standard_conforming_strings": "on",
}
"""What dialect and cells rely on, whatever the role's, the database's or the server's defaults are."""

LONGEST = 2**31 - 1
"""``statement_timeout`` is a 32-bit number of milliseconds."""

KEEPALIVES: dict[str, Any] = {
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
"""A host that is gone without a word is noticed within about a minute, and idle connections survive the firewalls
that forget silent ones after a few minutes."""

CHUNK_ROWS = 1000
"""Rows that libpq hands out at once while a result streams."""


class PostgresSession(Session):
    """A connection for one statement at a time, each in a transaction of its own that only reads.

    :param forgetful: a pooler between gives each transaction another server connection: settings hold
        for one transaction only, and are sent with each.
    :param writes: its transactions may write.
    """

    def __init__(
        self, connection: AsyncConnection[tuple[Any, ...]], *, forgetful: bool, writes: bool
    ) -> None:
        self._connection = connection
        self._stream: RowStream | None = None
        self.forgetful = forgetful
        self._writes = writes

    @classmethod
    async def open(cls, parameters: dict[str, Any], *, forgetful: bool, writes: bool = False) -> Self:
        """Raises psycopg's errors.

        Statements are never prepared: plans are made for the dates asked for, poolers know no prepared statements,
        and a prepared one fails when its table changes. Nothing is set by startup options, which poolers refuse.
        """
        connection = await AsyncConnection.connect(
            **KEEPALIVES,
            **parameters,
            client_encoding="UTF8",
            autocommit=True,
            prepare_threshold=None,
            context=ADAPTERS,
        )
        return cls(connection, forgetful=forgetful, writes=writes)

    async def limit(self, seconds: float) -> None:
        settings = {**SETTINGS, "statement_timeout": str(min(round(seconds * 1000), LONGEST))}
        settings["default_transaction_read_only"] = "off" if self._writes else "on"
        begin = f"BEGIN READ {'WRITE' if self._writes else 'ONLY'}; " if self.forgetful else ""
        scope = "LOCAL" if self.forgetful else "SESSION"
        commands = [f"SET {scope} {name} = {value}" for name, value in settings.items()]
        await self._connection.execute(begin + "; ".join(commands))

    async def start(self, statement: Statement, *, streaming: bool) -> AsyncCursor:
        cursor = AsyncRawCursor(self._connection)
        asked = statement.sql, statement.parameters
        if not streaming:
            return await cursor.execute(*asked)
        self._stream = RowStream(
            lambda size: cursor.stream(*asked, size=min(size, CHUNK_ROWS)),  # type: ignore[arg-type,return-value]
            lambda: cursor.description,
        )
        return self._stream

    async def end(self) -> None:
        if self.forgetful:
            failed = self._connection.info.transaction_status == TransactionStatus.INERROR
            await self._connection.execute("COMMIT" if self._writes and not failed else "ROLLBACK")

    def recovered(self) -> bool:
        return self._connection.info.transaction_status == TransactionStatus.IDLE

    def fileno(self) -> int:
        return self._connection.fileno()

    @property
    def lost(self) -> bool:
        return self._connection.closed

    async def cancel(self, seconds: float) -> None:
        await self._connection.cancel_safe(timeout=seconds)

    async def close(self) -> None:
        await self._connection.close()
        if self._stream is not None:
            await self._stream.close()
