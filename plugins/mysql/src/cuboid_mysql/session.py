"""One connection: how its session is set up, limited, read, killed and closed."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from mysql.connector import Error
from mysql.connector.connection_cext import CMySQLConnection

from cuboid.errors import ConnectionFailed

SESSION = {
    "time_zone": "'+00:00'",
    "net_write_timeout": "3600",  # a stream whose reader pauses for a minute would be cut off
    "div_precision_increment": "16",  # by default 1/3 is 0.3333, and so is the average of 0, 0 and 1
    "group_concat_max_len": "1048576",  # MySQL cuts at 1024 bytes, and says so in a warning only
}
# Differences of unsigned numbers may be below zero; casts cut fractions as everywhere else (MariaDB's do by default).
# Not ONLY_FULL_GROUP_BY: it refuses ORDER BY … IS NULL over a grouped expression, which is how NULLs come last.
MYSQL = SESSION | {
    "sql_mode": "'NO_UNSIGNED_SUBTRACTION,TIME_TRUNCATE_FRACTIONAL'",
    "collation_connection": "utf8mb4_0900_bin",
    "transaction_read_only": "1",
}
MARIADB = SESSION | {
    "sql_mode": "'NO_UNSIGNED_SUBTRACTION'",
    "collation_connection": "utf8mb4_nopad_bin",
    "tx_read_only": "1",
}
# The collations are of texts that come from no column, such as the labels of a CASE: by code point, as elsewhere. A
# column's own is stronger.

OLDEST = {False: (8, 0), True: (10, 6)}
"""MySQL, MariaDB: the first versions with all the SQL that is used."""

NO_SUCH_THREAD = 1094


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


@dataclass(slots=True)
class Session:
    """A connection of the client library; ``second`` opens another, to kill this one's statement."""

    client: CMySQLConnection
    second: Callable[[], CMySQLConnection]
    mariadb: bool = False
    version: str = ""
    _id: int = 0

    def begin(self, *, encrypted: bool) -> None:
        """Sets the session up. :param encrypted: refuse a connection that is not."""
        (id, version), *_ = self.rows("SELECT CONNECTION_ID(), VERSION()")
        self._id, self.version = int(id), bytes(version).decode()
        self.mariadb = "mariadb" in self.version.lower()
        settings = MARIADB if self.mariadb else MYSQL
        self.client.cmd_query(
            "SET SESSION " + ", ".join(f"{name} = {value}" for name, value in settings.items())
        )
        if encrypted and not any(cipher for _, cipher in self.rows("SHOW SESSION STATUS LIKE 'Ssl_cipher'")):
            raise ConnectionFailed("The server does not encrypt, and the setting 'ssl' asks for it.")

    def check_version(self) -> None:
        """Raises :class:`ConnectionFailed` if the server is too old."""
        found = re.match(r"(?:5\.5\.5-)?(\d+)\.(\d+)", self.version)  # MariaDB's greeting to old replicas
        if found is None or tuple(map(int, found.groups())) < OLDEST[self.mariadb]:
            raise ConnectionFailed(
                f"The server is {self.version}: MySQL 8.0 or MariaDB 10.6 is the oldest that will do."
            )

    def limit(self, seconds: float) -> None:
        """Has the server end statements after so long."""
        setting = (
            f"max_statement_time = {seconds}"
            if self.mariadb
            else f"max_execution_time = {round(seconds * 1000)}"
        )
        self.client.cmd_query(f"SET SESSION {setting}")

    def ask(self, sql: bytes) -> Answer:
        """Runs one statement."""
        asked = self.client.cmd_query(sql, raw=True, buffered=False)
        found = asked.get("columns") if asked else None
        return Answer(self.client, found, unread=found is not None)

    def rows(self, sql: str) -> list[Any]:
        """All rows of a small internal question, as bytes."""
        self.client.cmd_query(sql, raw=True, buffered=False)
        return list(self.client.get_rows(raw=True)[0])

    def kill(self, command: str) -> None:
        """``KILL QUERY`` or ``KILL`` for this connection, from another."""
        other = self.second()
        try:
            other.cmd_query(f"{command} {self._id}")
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
