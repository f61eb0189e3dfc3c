"""A connection of mysql-connector-python's C extension: how it is set up, read, killed and closed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from mysql.connector import Error
from mysql.connector.connection_cext import CMySQLConnection

from cuboid.errors import ConnectionFailed
from cuboid.run.literals import literal
from cuboid.types import Scalar
from cuboid_mysql.server import IDENTITY, NO_SUCH_THREAD, Server


@dataclass(slots=True)
class Answer:
    """A result that is fetched as it is read; cells are the text protocol's bytes."""

    client: CMySQLConnection
    description: Sequence[tuple[Any, ...]] | None
    unread: bool

    def fetchmany(self, size: int = 1, /) -> list[Any]:
        if not self.unread:
            return []
        rows, end = self.client.get_rows(count=size, raw=True)
        self.unread = end is None
        return rows

    def close(self) -> None:
        """Nothing is left to release: the result was read to its end."""


class Session:
    """A connection of the client library.

    :param second: opens another, to kill this one's statement.
    :param encrypted: refuse a connection that is not.
    :param writes: its statements may write.
    """

    def __init__(
        self,
        client: CMySQLConnection,
        second: Callable[[], CMySQLConnection],
        *,
        encrypted: bool,
        writes: bool = False,
    ) -> None:
        self.client = client
        self._second = second
        self.server = Server.greeted(*self.rows(IDENTITY)[0])
        client.cmd_query(self.server.set_up(writes=writes))
        if encrypted and not any(cipher for _, cipher in self.rows("SHOW SESSION STATUS LIKE 'Ssl_cipher'")):
            raise ConnectionFailed("The server does not encrypt, and the setting 'ssl' asks for it.")

    def limit(self, seconds: float) -> None:
        self.client.cmd_query(self.server.limit(seconds))

    def ask(self, sql: str, parameters: Sequence[Scalar]) -> Answer:
        """Runs one statement."""
        written = tuple(literal(value, self._quoted) for value in parameters)
        asked = self.client.cmd_query((sql % written).encode(), raw=True, buffered=False)
        found = asked.get("columns") if asked else None
        return Answer(self.client, found, unread=found is not None)

    def _quoted(self, text: str) -> str:
        (quoted,) = self.client.prepare_for_mysql((text,))
        return bytes(quoted).decode()

    def rows(self, sql: str) -> list[Any]:
        """All rows of a small internal question."""
        self.client.cmd_query(sql, raw=False, buffered=False)
        return list(self.client.get_rows(raw=False)[0])

    def kill(self, command: str) -> None:
        """``KILL QUERY`` or ``KILL`` for this connection, from another."""
        other = self._second()
        try:
            other.cmd_query(f"{command} {self.server.connection}")
        except Error as error:
            if error.errno != NO_SUCH_THREAD:
                raise
        finally:
            other.close()

    def close(self) -> None:
        """Says goodbye. The client library would first read what is left of a result, were it millions of rows: it
        is killed."""
        if self.client.unread_result:
            with suppress(Error):
                self.kill("KILL")
        self.client.close()
