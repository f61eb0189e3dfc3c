"""The settings of a Postgres data source."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator

from cuboid.run.driver import DriverConfig


class PostgresConfig(DriverConfig):
    """What is not set is libpq's to find: its ``PG*`` variables, ``~/.pgpass``, the system's user."""

    host: str = Field(
        default="localhost",
        min_length=1,
        description="The server's name or address, or the folder of its socket; several, with commas between, are "
        "tried in order.",
    )
    port: int = Field(default=5432, ge=1, le=65535, description="The server's port.")
    database: str = Field(min_length=1, description="The database's name.")
    user: str | None = Field(
        default=None, description="The role to log in as; one that may only read is enough."
    )
    password: SecretStr | None = Field(default=None, description="The role's password.")
    ssl: bool | None = Field(
        default=None,
        description="Encrypt the connection: true insists, false forbids, unset encrypts if the server can.",
    )
    ssl_verify: bool | None = Field(
        default=None,
        description="Check that the server's certificate is valid and is its host's. The default if `ssl_ca` is set; "
        "without `ssl_ca`, the system's authorities are asked.",
        json_schema_extra={"env": ["CUBEJS_DB_SSL_REJECT_UNAUTHORIZED"]},
    )
    ssl_ca: str | None = Field(
        default=None,
        description="A file of the authorities to trust (PEM).",
        json_schema_extra={"env": ["CUBEJS_DB_SSL_CA"]},
    )
    ssl_cert: str | None = Field(
        default=None,
        description="The file of the client's own certificate (PEM).",
        json_schema_extra={"env": ["CUBEJS_DB_SSL_CERT"]},
    )
    ssl_key: SecretStr | None = Field(
        default=None,
        description="The file of its private key (PEM); nobody else may be allowed to read it.",
        json_schema_extra={"env": ["CUBEJS_DB_SSL_KEY"]},
    )
    connect_timeout: int = Field(default=10, ge=2, description="Seconds to wait for a connection.")
    transaction_pooling: bool = Field(
        default=False,
        description="A pooler in transaction mode (such as PgBouncer) is between: the session's settings are sent "
        "with each statement, which costs two round trips.",
    )
    application_name: str = Field(
        default="cuboid", description="How the server's activity view calls the connections."
    )

    @field_validator("ssl_ca", "ssl_cert", "ssl_key", mode="before")
    @classmethod
    def _in_project(cls, path: object, info: ValidationInfo) -> object:
        if not isinstance(path, str):
            return path
        if "-----BEGIN" in path:
            raise ValueError("must be the path of a file; write the text into one")
        project = (info.context or {}).get("project")
        file = Path(path).expanduser()
        return str(file if project is None else Path(project) / file)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.ssl is False and (self.ssl_verify or self.ssl_ca or self.ssl_cert):
            raise ValueError("ssl: false contradicts the other ssl settings")
        return self

    def parameters(self) -> dict[str, Any]:
        """As libpq's connection parameters, the password among them."""
        named = {
            "host": self.host,
            "port": self.port,
            "dbname": self.database,
            "user": self.user,
            "password": self.password.get_secret_value() if self.password else None,
            "sslmode": self._sslmode(),
            "sslrootcert": self.ssl_ca or ("system" if self.ssl_verify else None),
            "sslcert": self.ssl_cert,
            "sslkey": self.ssl_key.get_secret_value() if self.ssl_key else None,
            "connect_timeout": self.connect_timeout,
            "application_name": self.application_name,
        }
        return {name: value for name, value in named.items() if value is not None}

    def _sslmode(self) -> str:
        if self.ssl_verify or (self.ssl_verify is None and self.ssl_ca):
            return "verify-full"
        if self.ssl or self.ssl_ca or self.ssl_cert:
            return "require"
        return "prefer" if self.ssl is None else "disable"
