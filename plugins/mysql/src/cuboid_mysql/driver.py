"""MySQL and MariaDB over mysql-connector-python's C extension: a thread and a connection per running statement.

Statements are sent as text, their parameters written as literals by the client library's own escaping. The server's
prepared statements would be the alternative; in this library (9.7) they cut text at a NUL, lose the connection over an
integer beyond 64 bits, and take twice as long for a small answer (2,100 against 4,400 a second).
"""

from __future__ import annotations

import uuid
import zoneinfo
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

from mysql.connector import Error
from mysql.connector.connection_cext import CMySQLConnection
from mysql.connector.constants import ClientFlag
from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator

from cuboid.errors import ConnectionFailed, DriverError, QueryFailed
from cuboid.run.cells import semantic_rows
from cuboid.run.dbapi import Cursor, DBAPIDriver
from cuboid.run.driver import DriverConfig
from cuboid.run.queue import QueryQueue
from cuboid.types import Capability, Job, Statement, TableInfo, Value
from cuboid_mysql import introspect
from cuboid_mysql.cells import literal
from cuboid_mysql.queue import MySQLQueue
from cuboid_mysql.session import Answer, Session

GRACE_SECONDS = 1
"""How much longer than its queue the server lets a statement run."""

LOAD_ZONES = "Load them once, as root: mysql_tzinfo_to_sql /usr/share/zoneinfo | mysql -u root mysql"

UNREACHABLE = frozenset(
    {1040, 1042, 1043, 1044, 1045, 1049, 1053, 1129, 1130, 1203, 1226, 1698, 1927, 3169, 4031}
)
"""Server errors that concern the connection: too many, refused, shutting down, killed, idle for too long."""

STOPPED_BY_SERVER = frozenset({1969, 3024})
"""A statement ran into ``max_statement_time`` (MariaDB) or ``max_execution_time`` (MySQL)."""


class MySQLConfig(DriverConfig):
    """The settings of a MySQL or MariaDB data source."""

    host: str = Field(default="localhost", min_length=1, description="Name or address of the server.")
    port: int = Field(default=3306, ge=1, le=65535, description="TCP port.")
    socket: str | None = Field(
        default=None,
        description="Path of a Unix socket, instead of host and port.",
        json_schema_extra={"env": ["CUBEJS_DB_SOCKET_PATH"]},
    )
    database: str | None = Field(
        default=None, min_length=1, description="The database that bare table names are in."
    )
    user: str | None = Field(default=None, description="User name.")
    password: SecretStr = Field(default=SecretStr(""), description="Password.")
    ssl: bool | None = Field(
        default=None,
        description="Whether to encrypt: true or it fails, false never; by default if the server can.",
    )
    ssl_ca: str | None = Field(
        default=None,
        description="File with the authorities (PEM) that must have signed the server's certificate, whose name must "
        "be the host's. Without it the certificate is not looked at.",
        json_schema_extra={"env": ["CUBEJS_DB_SSL_CA"]},
    )
    ssl_cert: str | None = Field(
        default=None,
        description="File with this client's certificate (PEM).",
        json_schema_extra={"env": ["CUBEJS_DB_SSL_CERT"]},
    )
    ssl_key: SecretStr | None = Field(
        default=None,
        description="File with the private key of `ssl_cert` (PEM).",
        json_schema_extra={"env": ["CUBEJS_DB_SSL_KEY"]},
    )
    ssl_verify_host: bool = Field(
        default=True, description="With `ssl_ca`: whether the certificate must be for the host's name."
    )
    connect_timeout: int = Field(default=10, ge=1, description="Seconds to wait for a connection.")

    @field_validator("socket", "ssl_ca", "ssl_cert", "ssl_key", mode="before")
    @classmethod
    def _in_project(cls, path: object, info: ValidationInfo) -> object:
        if not isinstance(path, str):
            return path
        if "-----BEGIN" in path:
            raise ValueError("give the path of a file, not its content")
        project = (info.context or {}).get("project")
        return path if project is None else str(Path(project) / Path(path).expanduser())

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.ssl is False and (self.ssl_ca or self.ssl_cert or self.ssl_key):
            raise ValueError("ssl: false contradicts ssl_ca, ssl_cert and ssl_key")
        if bool(self.ssl_cert) != bool(self.ssl_key):
            raise ValueError("ssl_cert and ssl_key belong together")
        return self


class MySQLDriver(DBAPIDriver):
    """Connections are :class:`Session`; they end statements with KILL QUERY from a second connection."""

    name = "mysql"
    dialect = "mysql"
    Config = MySQLConfig
    queue: ClassVar[type[QueryQueue]] = MySQLQueue
    capabilities: ClassVar[frozenset[Capability]] = frozenset(
        {"stream", "interrupt", "introspect", "exact_decimals", "zones_before_1970"}
    )
    config: MySQLConfig

    def __init__(self, config: DriverConfig) -> None:
        super().__init__(config)
        self._unknown_zones: tuple[str, ...] = ()

    # ------------------------------------------------------------ connections

    def connect(self) -> Session:
        session = Session(self._client(), self._client)
        try:
            session.begin(encrypted=bool(self.config.ssl or self.config.ssl_ca))
        except BaseException:
            session.close()
            raise
        return session

    def _client(self) -> CMySQLConnection:
        config = self.config
        # CMySQLConnection, not mysql.connector.connect(): that falls back to pure Python, a third as fast, in silence.
        settings: dict[str, Any] = {
            "unix_socket": config.socket,
            "user": config.user,
            "password": config.password.get_secret_value(),
            "database": config.database,
            "ssl_disabled": config.ssl is False or None,
            "ssl_ca": config.ssl_ca,
            "ssl_cert": config.ssl_cert,
            "ssl_key": config.ssl_key and config.ssl_key.get_secret_value(),
            "ssl_verify_cert": bool(config.ssl_ca) or None,
            "ssl_verify_identity": (bool(config.ssl_ca) and config.ssl_verify_host) or None,
        }
        return CMySQLConnection(
            host=config.host,
            port=config.port,
            connection_timeout=config.connect_timeout,
            charset="utf8mb4",
            autocommit=True,
            client_flags=[-ClientFlag.MULTI_STATEMENTS],
            **{name: value for name, value in settings.items() if value is not None},
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
        self._unknown_zones = tuple(bytes(zone).decode() for (zone,) in unknown)

    def alive(self, connection: Session) -> bool:
        connection.client.ping(reconnect=False)
        return True

    def cancel(self, connection: Session) -> None:
        connection.kill("KILL QUERY")

    # ------------------------------------------------------------ statements

    def limit(self, connection: Session, seconds: float) -> None:
        connection.limit(seconds + GRACE_SECONDS)

    def start(self, connection: Session, statement: Statement, *, streaming: bool) -> Cursor:
        for zone in self._unknown_zones:
            if f"'{zone}'" in statement.sql:  # CONVERT_TZ would give NULL
                raise QueryFailed(f"The server's time zone tables lack {zone}.", hint=LOAD_ZONES)
        literals = tuple(literal(connection.client, value) for value in statement.parameters)
        return connection.ask(statement.sql.encode() % literals, statement.columns)

    def convert(self, rows: Sequence[tuple[Any, ...]], cursor: Cursor) -> Sequence[tuple[Value, ...]]:
        assert isinstance(cursor, Answer)
        return semantic_rows(rows, cursor.converters)

    def translate(self, error: Exception) -> DriverError:
        if not isinstance(error, Error):
            return QueryFailed(str(error))
        code, message = error.errno, error.msg or str(error)
        if code in UNREACHABLE or 2000 <= code < 3000 or code < 0:  # 2…: the client library's own
            return ConnectionFailed(message)
        if code in STOPPED_BY_SERVER:
            return QueryFailed(message, hint="The statement ran longer than its data source allows.")
        return QueryFailed(message)

    async def introspect(self) -> tuple[TableInfo, ...]:
        columns = await self._rows(introspect.COLUMNS)
        return introspect.tables(columns, await self._rows(introspect.KEYS))

    async def _rows(self, sql: str) -> Sequence[tuple[Value, ...]]:
        result = await self.execute(Job(uuid.uuid4().hex, sql, Statement(sql)))
        return result.rows
