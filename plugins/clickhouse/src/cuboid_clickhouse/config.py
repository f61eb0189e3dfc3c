"""The settings of ClickHouse data sources."""

from __future__ import annotations

from pydantic import Field

from cuboid.run.driver import DriverConfig
from cuboid.run.server_config import Port, ProjectPath, ServerConfig


class ClickHouseConfig(ServerConfig):
    """A server over HTTP."""

    manners = ServerConfig.manners | {"compression", "silence_timeout"}

    port: Port | None = Field(
        default=None, description="Its HTTP port; 8123, or 8443 with `ssl`, unless given."
    )
    user: str = Field(
        default="default", min_length=1, description="The user; one that may only read is enough."
    )
    ssl: bool | None = Field(
        default=None, description="Connect over HTTPS; a file or `ssl_verify: true` implies it."
    )
    ssl_verify: bool | None = Field(
        default=None,
        description="Refuse a certificate that is not trusted or is another host's: done over HTTPS unless false.",
        json_schema_extra={"env": ["CUBEJS_DB_SSL_REJECT_UNAUTHORIZED"]},
    )
    compression: bool = Field(
        default=False,
        description="Compress results on the way: for a server that is far, near ones answer faster without.",
        json_schema_extra={"env": ["CUBEJS_DB_CLICKHOUSE_COMPRESSION"]},
    )
    silence_timeout: int = Field(
        default=20,
        ge=16,
        description="Seconds after which a server that sends nothing is taken for dead; a busy one reports its "
        "progress more often.",
    )


class ChDBConfig(DriverConfig):
    """The engine in this process."""

    path: ProjectPath | None = Field(
        default=None,
        min_length=1,
        description="The folder of the data; a relative path starts at the project's folder. In memory unless given.",
        json_schema_extra={"env": ["CUBEJS_DB_CHDB_PATH"]},
    )
    database: str | None = Field(
        default=None, min_length=1, description="The database of unqualified tables; `default` unless given."
    )
