"""One connection: how it is opened and set up, told to stop, and judged fit for the next statement."""

from __future__ import annotations

import os
import select
import socket
from contextlib import suppress
from typing import Any, Self

import psycopg
from psycopg import AsyncConnection, AsyncRawCursor
from psycopg.pq import TransactionStatus

from cuboid_postgres.cells import ADAPTERS

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


class Session:
    """A connection for one statement at a time, each in a transaction of its own that only reads.

    :param pooled: a pooler between gives each transaction another server connection: settings hold
        for one transaction only, and are sent with each.
    """

    def __init__(self, connection: AsyncConnection[tuple[Any, ...]], *, pooled: bool) -> None:
        self.connection = connection
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
        """Makes ready for a statement that the server stops after ``seconds``."""
        milliseconds = min(max(1, round(seconds * 1000)), LONGEST)
        if not self._pooled and milliseconds == self._timeout:
            return
        settings = {**SETTINGS, "statement_timeout": str(milliseconds)}
        scope = "LOCAL" if self._pooled else "SESSION"
        commands = [f"SET {scope} {name} = {value}" for name, value in settings.items()]
        if self._pooled:
            commands.insert(0, "BEGIN READ ONLY")
        await self.connection.execute("; ".join(commands))
        self._timeout = milliseconds

    async def end(self) -> None:
        """After a statement, failed or not: ends the transaction where there is one."""
        if self._pooled and not self.connection.closed:
            await self.connection.execute("ROLLBACK")

    def cursor(self) -> AsyncRawCursor[tuple[Any, ...]]:
        return AsyncRawCursor(self.connection)

    @property
    def lost(self) -> bool:
        return self.connection.closed

    def fit(self) -> bool:
        """Whether another statement can be run. An idle connection has nothing to say: if there is something to
        read, it is the server's goodbye. Asking the server would cost a round trip."""
        if self.connection.closed or self.connection.info.transaction_status != TransactionStatus.IDLE:
            return False
        poll = select.poll()
        poll.register(self.connection.fileno(), select.POLLIN)
        return not poll.poll(0)

    async def cancel(self, seconds: float) -> None:
        """Asks the server, over a connection of its own, to stop what runs; returns when the server has been told."""
        with suppress(psycopg.Error):  # no answer: the caller asks again, and hangs up in the end
            await self.connection.cancel_safe(timeout=seconds)

    def hang_up(self) -> None:
        """Breaks the connection under a statement that ignores its cancel: who reads from it gets an error."""
        with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(self.connection.fileno())) as line:
            line.shutdown(socket.SHUT_RDWR)

    async def close(self) -> None:
        with suppress(psycopg.Error):
            await self.connection.close()
