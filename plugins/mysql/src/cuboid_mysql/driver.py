"""MySQL and MariaDB over mysql-connector-python's C extension: a thread and a connection per running statement.

Statements are sent as text, their parameters written as literals by the client library's own escaping. The server's
prepared statements would be the alternative; in this library (9.7) they cut text at a NUL, lose the connection over an
integer beyond 64 bits, and take twice as long for a small answer (2,100 against 4,400 a second).
"""

from __future__ import annotations

import re
import zoneinfo
from typing import Any

from mysql.connector import Error
from mysql.connector.connection_cext import CMySQLConnection
from mysql.connector.constants import ClientFlag

from cuboid.errors import ConnectionFailed, DriverError, QueryFailed
from cuboid.run.cells import Converter
from cuboid.run.dbapi import Cursor, DBAPIDriver
from cuboid.run.driver import DriverConfig
from cuboid.types import SemanticType, Statement
from cuboid_mysql.cells import converter, literal
from cuboid_mysql.config import MySQLConfig
from cuboid_mysql.introspect import INTROSPECTION
from cuboid_mysql.queue import MySQLQueue
from cuboid_mysql.session import Session

LOAD_ZONES = "Load them once, as root: mysql_tzinfo_to_sql /usr/share/zoneinfo | mysql -u root mysql"

ZONE = re.compile(r"'\+00:00',\s*'([^']+)'")
"""The zone in what the dialect makes of a time; a country of that name in the model's own SQL (Japan) is none."""

UNREACHABLE = frozenset(
    {1040, 1042, 1043, 1044, 1045, 1049, 1053, 1129, 1130, 1203, 1226, 1698, 1927, 3169, 4031}
)
"""Server errors that concern the connection: too many, refused, shutting down, killed, idle for too long."""

STOPPED_BY_SERVER = frozenset({1969, 3024})
"""A statement ran into ``max_statement_time`` (MariaDB) or ``max_execution_time`` (MySQL)."""


class MySQLDriver(DBAPIDriver):
    """Connections are :class:`Session`; they end statements with KILL QUERY from a second connection."""

    name = "mysql"
    dialect = "mysql"
    Config = MySQLConfig
    queue = MySQLQueue
    capabilities = frozenset({"stream", "interrupt", "introspect", "exact_decimals", "zones_before_1970"})
    introspection = INTROSPECTION
    config: MySQLConfig

    def __init__(self, config: DriverConfig) -> None:
        super().__init__(config)
        self._unknown_zones: frozenset[str] = frozenset()

    # ------------------------------------------------------------ connections

    def connect(self) -> Session:
        session = Session(self._client(), self._client)
        try:
            session.begin(encrypted=self.config.encrypted)
        except BaseException:
            session.close()
            raise
        return session

    def _client(self) -> CMySQLConnection:
        # Not mysql.connector.connect(): it falls back to pure Python, a third as fast, without a word.
        return CMySQLConnection(
            charset="utf8mb4",
            autocommit=True,
            client_flags=[-ClientFlag.MULTI_STATEMENTS],
            **self.config.arguments(),
        )

    def check(self, connection: Session) -> None:
        connection.check_version()
        zones = sorted(zoneinfo.available_timezones())
        # All in one statement: 20 to 80 ms.
        unknown = connection.rows(
            " UNION ALL ".join(
                f"SELECT '{zone}' FROM DUAL WHERE CONVERT_TZ('2024-01-01', '+00:00', '{zone}') IS NULL"  # noqa: S608
                for zone in zones
            )
        )
        if len(unknown) == len(zones):
            raise ConnectionFailed("The server's time zone tables are empty.", hint=LOAD_ZONES)
        self._unknown_zones = frozenset(bytes(zone).decode() for (zone,) in unknown)

    def alive(self, connection: Session) -> bool:
        connection.client.ping(reconnect=False)
        return True

    def cancel(self, connection: Session) -> None:
        connection.kill("KILL QUERY")

    # ------------------------------------------------------------ statements

    def limit(self, connection: Session, seconds: float) -> None:
        connection.limit(seconds)

    def start(self, connection: Session, statement: Statement, *, streaming: bool) -> Cursor:
        if self._unknown_zones and (lacked := self._unknown_zones.intersection(ZONE.findall(statement.sql))):
            # CONVERT_TZ would give NULL, and all rows would be in one group.
            names = ", ".join(sorted(lacked))
            raise QueryFailed(f"The server's time zone tables lack {names}.", hint=LOAD_ZONES)
        literals = tuple(literal(connection.client, value) for value in statement.parameters)
        return connection.ask(statement.sql.encode() % literals)

    def converter(self, described: Any, meant: SemanticType | None) -> Converter | None:
        return converter(described[1], described[8], boolean=meant == "boolean")

    def translate(self, error: Exception) -> DriverError:
        if not isinstance(error, Error):
            return QueryFailed(str(error))
        code, message = error.errno, error.msg or str(error)
        if code in UNREACHABLE or 2000 <= code < 3000 or code < 0:  # 2…: the client library's own
            return ConnectionFailed(message)
        if code in STOPPED_BY_SERVER:
            return QueryFailed(message, hint="The statement ran longer than its data source allows.")
        return QueryFailed(message)
