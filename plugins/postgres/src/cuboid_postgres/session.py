"""One connection: how it is opened and set up, told to stop, and judged fit for the next statement."""

from __future__ import annotations

import asyncio
import os
import select
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, suppress
from typing import Any, Self

import psycopg
from psycopg import AsyncConnection, AsyncRawCursor
from psycopg.pq import TransactionStatus

from cuboid.run.sessions import CANCEL_SECONDS, Session
from cuboid.types import Statement, Value
from cuboid_postgres.cells import ADAPTERS, semantic

SETTINGS = {
    "TimeZone": "'UTC'",
    "DateStyle": "'ISO'",
    "IntervalStyle": "'postgres'",
    "bytea_output": "'hex'",
    "extra_float_digits": "1",
    "standard_conforming_strings": "on",
    "default_transaction_read_only": "on",
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


FETCH_ROWS = 5000
"""Rows that are read without a pause for others on the event loop: about 5 ms."""

CHUNK_ROWS = 1000
"""Rows that libpq hands out at once while a result streams."""


class PostgresSession(Session):
    """A connection for one statement at a time, each in a transaction of its own that only reads.

    :param pooled: a pooler between gives each transaction another server connection: settings hold
        for one transaction only, and are sent with each.
    """

    def __init__(self, connection: AsyncConnection[tuple[Any, ...]], *, pooled: bool) -> None:
        self._connection = connection
        self._pooled = pooled
        self._timeout: int | None = None

    @classmethod
    async def open(cls, parameters: dict[str, Any], *, pooled: bool) -> Self:
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
        return cls(connection, pooled=pooled)

    async def begin(self, seconds: float) -> None:
        milliseconds = min(round(seconds * 1000), LONGEST)
        if not self._pooled and milliseconds == self._timeout:
            return
        settings = {**SETTINGS, "statement_timeout": str(milliseconds)}
        scope = "LOCAL" if self._pooled else "SESSION"
        commands = [f"SET {scope} {name} = {value}" for name, value in settings.items()]
        if self._pooled:
            commands.insert(0, "BEGIN READ ONLY")
        await self._connection.execute("; ".join(commands))
        self._timeout = milliseconds

    async def fetch(self, statement: Statement) -> tuple[tuple[str, ...], Sequence[tuple[Value, ...]]]:
        cursor = AsyncRawCursor(self._connection)
        await cursor.execute(statement.sql, statement.parameters)
        columns = cursor.description or ()
        rows: list[tuple[Value, ...]] = []
        while columns and (batch := await cursor.fetchmany(FETCH_ROWS)):
            rows.extend(semantic(batch, columns))
            await asyncio.sleep(0)
        return tuple(column.name for column in columns), rows

    async def batches(
        self, statement: Statement, batch_rows: int
    ) -> AsyncIterator[Sequence[tuple[Value, ...]]]:
        cursor = AsyncRawCursor(self._connection)
        stream = cursor.stream(statement.sql, statement.parameters, size=min(batch_rows, CHUNK_ROWS))
        batch: list[tuple[Any, ...]] = []
        async with aclosing(stream) as rows:  # type: ignore[type-var]  # a generator
            try:
                async for row in rows:
                    batch.append(row)
                    if len(batch) == batch_rows:
                        yield semantic(batch, cursor.description or ())
                        batch = []
            except GeneratorExit:
                await self.cancel(CANCEL_SECONDS)
                await self.close()  # before the cursor is, which would read on to the end of what was sent
                raise
        if batch:
            yield semantic(batch, cursor.description or ())

    async def end(self) -> None:
        if self._pooled:
            await self._connection.execute("ROLLBACK")

    @property
    def lost(self) -> bool:
        return self._connection.closed

    def fit(self) -> bool:
        # An idle connection has nothing to say: if there is something to read, it is the server's goodbye.
        if self._connection.closed or self._connection.info.transaction_status != TransactionStatus.IDLE:
            return False
        poll = select.poll()
        poll.register(self._connection.fileno(), select.POLLIN)
        return not poll.poll(0)

    async def cancel(self, seconds: float) -> None:
        with suppress(psycopg.Error):  # no answer: who asked asks again, and hangs up in the end
            await self._connection.cancel_safe(timeout=seconds)

    def hang_up(self) -> None:
        with (
            suppress(OSError, psycopg.Error),
            socket.socket(fileno=os.dup(self._connection.fileno())) as line,
        ):
            line.shutdown(socket.SHUT_RDWR)

    async def close(self) -> None:
        with suppress(psycopg.Error):
            await self._connection.close()
