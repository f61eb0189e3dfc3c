"""The settings of a Postgres data source."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from cuboid.run.server_config import Port, ServerConfig


class PostgresConfig(ServerConfig):
    """What is not set is libpq's to find: its ``PG*`` variables, ``~/.pgpass``, the system's user."""

    manners = ServerConfig.manners | {"transaction_pooling", "application_name"}

    host: str = Field(
        default="localhost",
        min_length=1,
        description="The server's name or address, or the folder of its socket; several, with commas between, are "
        "tried in order.",
    )
    port: Port = Field(default=5432, description="The server's port.")
    database: str = Field(min_length=1, description="The database's name.")
    connect_timeout: int = Field(default=10, ge=2, description="Seconds to wait for a connection.")
    transaction_pooling: bool = Field(
        default=False,
        description="A pooler in transaction mode (such as PgBouncer) is between: the session's settings are sent "
        "with each statement, which costs two round trips.",
    )
    application_name: str = Field(
        default="cuboid", description="How the server's activity view calls the connections."
    )

    def parameters(self) -> dict[str, Any]:
        """As libpq's connection parameters, the password among them."""
        same = ("host", "port", "user", "password", "connect_timeout", "application_name")
        theirs = {"dbname": "database", "sslrootcert": "ssl_ca", "sslcert": "ssl_cert", "sslkey": "ssl_key"}
        mode = "require" if self.encrypted else "prefer" if self.ssl is None else "disable"
        checked = {"sslmode": "verify-full", "sslrootcert": "system"} if self.verified else {"sslmode": mode}
        return checked | self.named(*same, **theirs)
