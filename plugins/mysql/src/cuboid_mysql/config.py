"""The settings of a MySQL or MariaDB data source."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any, Self

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator

from cuboid.run.driver import DriverConfig


class MySQLConfig(DriverConfig):
    """Option files (``my.cnf``) are not read: all that counts is here."""

    host: str = Field(default="localhost", min_length=1, description="The server's name or address.")
    port: int = Field(default=3306, ge=1, le=65535, description="The server's port.")
    socket: str | None = Field(
        default=None,
        description="The path of the server's Unix socket, instead of host and port.",
        json_schema_extra={"env": ["CUBEJS_DB_SOCKET_PATH"]},
    )
    database: str | None = Field(
        default=None, min_length=1, description="The database that table names without one belong to."
    )
    user: str | None = Field(default=None, description="The account; one that may only read is enough.")
    password: SecretStr | None = Field(default=None, description="The account's password.")
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
        description="The file of its private key (PEM).",
        json_schema_extra={"env": ["CUBEJS_DB_SSL_KEY"]},
    )
    connect_timeout: int = Field(default=10, ge=1, description="Seconds to wait for a connection.")

    @field_validator("socket", "ssl_ca", "ssl_cert", "ssl_key", mode="before")
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

    @property
    def encrypted(self) -> bool:
        """Whether a connection must be encrypted."""
        return bool(self.ssl or self.ssl_ca or self.ssl_cert or self.ssl_verify)

    def arguments(self) -> dict[str, Any]:
        """As the client library's ``connect`` takes them, the password among them."""
        verify = self.ssl_verify if self.ssl_verify is not None else self.ssl_ca is not None
        system = ssl.get_default_verify_paths().cafile if verify else None
        named = {
            "host": self.host,
            "port": self.port,
            "unix_socket": self.socket,
            "database": self.database,
            "user": self.user,
            "password": self.password.get_secret_value() if self.password else None,
            "ssl_disabled": self.ssl is False or None,
            "ssl_ca": self.ssl_ca or system,
            "ssl_cert": self.ssl_cert,
            "ssl_key": self.ssl_key.get_secret_value() if self.ssl_key else None,
            "ssl_verify_cert": verify or None,
            "ssl_verify_identity": verify or None,
            "connection_timeout": self.connect_timeout,
        }
        return {name: value for name, value in named.items() if value is not None}
