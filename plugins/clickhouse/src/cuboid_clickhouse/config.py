"""The settings of ClickHouse data sources."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from cuboid.run.driver import DriverConfig


class ClickHouseConfig(DriverConfig):
    """A server over HTTP."""

    host: str = Field(default="localhost", min_length=1, description="The server.")
    port: int | None = Field(
        default=None, ge=1, le=65535, description="Its HTTP port; 8123, or 8443 with `ssl`, unless given."
    )
    database: str | None = Field(
        default=None,
        min_length=1,
        description="The database of unqualified tables; the user's own unless given.",
    )
    user: str = Field(default="default", min_length=1, description="The user.")
    password: SecretStr = Field(default=SecretStr(""), description="The user's password.")
    ssl: bool = Field(default=False, description="Connect over HTTPS.")
    ssl_ca: str | None = Field(
        default=None,
        description="File with the certificates to trust instead of the system's.",
        json_schema_extra={"env": ["CUBEJS_DB_SSL_CA"]},
    )
    ssl_verify: bool = Field(
        default=True,
        description="Refuse a certificate that is not trusted or is another host's.",
        json_schema_extra={"env": ["CUBEJS_DB_SSL_REJECT_UNAUTHORIZED"]},
    )
    compression: bool = Field(
        default=False,
        description="Compress results on the way: for a server that is far, near ones answer faster without.",
        json_schema_extra={"env": ["CUBEJS_DB_CLICKHOUSE_COMPRESSION"]},
    )
    connect_timeout: int = Field(default=10, ge=1, description="Seconds to wait for a connection.")
    silence_timeout: int = Field(
        default=20,
        ge=16,
        description="Seconds after which a server that sends nothing is taken for dead; a busy one reports its "
        "progress more often.",
    )

    @field_validator("ssl_ca")
    @classmethod
    def _in_project(cls, path: str | None, info: ValidationInfo) -> str | None:
        return in_project(path, info)


class ChDBConfig(DriverConfig):
    """The engine in this process."""

    path: str | None = Field(
        default=None,
        min_length=1,
        description="The folder of the data; a relative path starts at the project's folder. In memory unless given.",
        json_schema_extra={"env": ["CUBEJS_DB_CHDB_PATH"]},
    )
    database: str | None = Field(
        default=None, min_length=1, description="The database of unqualified tables; `default` unless given."
    )

    @field_validator("path")
    @classmethod
    def _in_project(cls, path: str | None, info: ValidationInfo) -> str | None:
        return in_project(path, info)


def in_project(path: str | None, info: ValidationInfo) -> str | None:
    """``path`` from the project's folder on, if it is relative and there is a project."""
    project = (info.context or {}).get("project")
    return path if path is None or project is None else str(Path(project) / Path(path).expanduser())
