"""The settings of a MySQL or MariaDB data source."""

from __future__ import annotations

from pydantic import Field

from cuboid.run.server_config import Port, ProjectPath, ServerConfig


class MySQLConfig(ServerConfig):
    """Option files (``my.cnf``) are not read: all that counts is here."""

    port: Port = Field(default=3306, description="The server's port.")
    socket: ProjectPath | None = Field(
        default=None,
        description="The path of the server's Unix socket, instead of host and port.",
        json_schema_extra={"env": ["CUBEJS_DB_SOCKET_PATH"]},
    )
