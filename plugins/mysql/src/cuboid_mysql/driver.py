"""MySQL and MariaDB over mysql-connector-python's C extension: a thread and a connection per running statement.

Statements are sent as text, their parameters written as literals with the client library's own escaping. The server's
prepared statements would be the alternative; in this library (9.7) they cut text at a NUL, lose the connection over an
integer beyond 64 bits, and take twice as long for a small answer (2,100 against 4,400 a second).
"""

from __future__ import annotations

import json
import ssl
from typing import Any, ClassVar

from mysql.connector import Error
from mysql.connector.connection_cext import CMySQLConnection
from mysql.connector.constants import ClientFlag

from cuboid.errors import DriverError, QueryFailed
from cuboid.run.cells import Converter
from cuboid.run.dbapi import Cursor, DBAPIDriver
from cuboid.run.driver import DriverConfig
from cuboid.types import SemanticType, Statement
from cuboid_mysql.cells import BINARY, READERS, special
from cuboid_mysql.config import MySQLConfig
from cuboid_mysql.introspect import INTROSPECTION
from cuboid_mysql.queue import MySQLQueue
from cuboid_mysql.server import Zones, failed
from cuboid_mysql.session import Session

OF_BYTES = (int, float, json.loads)
"""What reads bytes as well as texts."""


class MySQLDriver(DBAPIDriver):
    """Connections are :class:`Session`; they end statements with KILL QUERY from a second connection."""

    name = "mysql"
    dialect = "mysql"
    Config = MySQLConfig
    queue = MySQLQueue
    capabilities = frozenset({"stream", "interrupt", "introspect", "exact_decimals", "zones_before_1970"})
    introspection = INTROSPECTION
    config: MySQLConfig
    writes: ClassVar[bool] = False

    def __init__(self, config: DriverConfig) -> None:
        super().__init__(config)
        self._zones = Zones()

    def connect(self) -> Session:
        client = self._client()
        try:
            return Session(client, self._client, encrypted=self.config.encrypted, writes=self.writes)
        except BaseException:
            client.close()
            raise

    def writer(self) -> MySQLDriver:
        return MySQLWriter(self.config)

    def _client(self) -> CMySQLConnection:
        config = self.config
        flags: dict[str, Any] = {"ssl_disabled": True} if config.ssl is False else {}
        if config.verified:
            system = ssl.get_default_verify_paths().cafile
            flags |= {"ssl_ca": system, "ssl_verify_cert": True, "ssl_verify_identity": True}
        same = ("host", "port", "database", "user", "password", "ssl_ca", "ssl_cert", "ssl_key")
        flags |= config.named(*same, unix_socket="socket", connection_timeout="connect_timeout")
        # Not mysql.connector.connect(): it falls back to pure Python, a third as fast, without a word.
        return CMySQLConnection(
            charset="utf8mb4", autocommit=True, client_flags=[-ClientFlag.MULTI_STATEMENTS], **flags
        )

    def check(self, connection: Session) -> None:
        self._zones.learn(zone for (zone,) in connection.rows(self._zones.question()))

    def alive(self, connection: Session) -> bool:
        connection.client.ping(reconnect=False)
        return True

    def cancel(self, connection: Session) -> None:
        connection.kill("KILL QUERY")

    def limit(self, connection: Session, seconds: float) -> None:
        connection.limit(seconds)

    def start(self, connection: Session, statement: Statement, *, streaming: bool) -> Cursor:
        self._zones.require(statement.sql)
        return connection.ask(statement.sql, statement.parameters)

    def converter(self, described: Any, meant: SemanticType | None) -> Converter | None:
        type, charset = described[1], described[8]
        if convert := special(type, boolean=meant == "boolean"):
            return convert
        if read := READERS.get(type):
            return read if read in OF_BYTES else lambda cell: read(cell.decode())
        return (lambda cell: "0x" + cell.hex()) if charset == BINARY else bytes.decode

    def translate(self, error: Exception) -> DriverError:
        if isinstance(error, Error):
            return failed(error.errno, error.msg or str(error))
        return QueryFailed(str(error))


class MySQLWriter(MySQLDriver):
    """Sessions that write: what keeps rollups in the database has no others."""

    writes = True
