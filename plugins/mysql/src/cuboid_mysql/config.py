"""The settings of a MySQL or MariaDB data source."""

from __future__ import annotations

import ssl
from typing import Any

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

    def arguments(self) -> dict[str, Any]:
        """As the client library's ``connect`` takes them, the password among them."""
        flags: dict[str, Any] = {"ssl_disabled": True} if self.ssl is False else {}
        if self.verified:
            system = ssl.get_default_verify_paths().cafile
            flags |= {"ssl_ca": system, "ssl_verify_cert": True, "ssl_verify_identity": True}
        same = ("host", "port", "database", "user", "password", "ssl_ca", "ssl_cert", "ssl_key")
        return flags | self.named(*same, unix_socket="socket", connection_timeout="connect_timeout")
