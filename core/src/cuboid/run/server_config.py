"""The settings that databases behind a network have in common, and paths in settings."""

from __future__ import annotations

import ssl as tls
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, SecretStr, ValidationInfo, model_validator

from cuboid.errors import ConnectionFailed
from cuboid.run.driver import DriverConfig


def in_project(path: object, info: ValidationInfo) -> object:
    """``path`` from the project's folder on, if it is relative and there is a project. What begins with a colon
    (``:memory:``) is no path."""
    if not isinstance(path, str) or path.startswith(":") or not path:
        return path
    if "-----BEGIN" in path:
        raise ValueError("must be the path of a file; write the text into one")
    project = (info.context or {}).get("project")
    file = Path(path).expanduser()
    return str(file if project is None else Path(project) / file)


ProjectPath = Annotated[str, BeforeValidator(in_project)]
"""A path in a setting."""

Port = Annotated[int, Field(ge=1, le=65535)]


class ServerConfig(DriverConfig):
    """A server's address, account and encryption. A subclass gives ``port`` its default, says anew what is different
    for its database, and adds what only that has."""

    manners = frozenset({"ssl", "ssl_verify", "ssl_ca", "ssl_cert", "ssl_key", "connect_timeout"})

    host: str = Field(default="localhost", min_length=1, description="The server's name or address.")
    port: Port | None = Field(default=None, description="The server's port.")
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
    ssl_ca: ProjectPath | None = Field(
        default=None,
        description="A file of the authorities to trust (PEM).",
        json_schema_extra={"env": ["CUBEJS_DB_SSL_CA"]},
    )
    ssl_cert: ProjectPath | None = Field(
        default=None,
        description="The file of the client's own certificate (PEM).",
        json_schema_extra={"env": ["CUBEJS_DB_SSL_CERT"]},
    )
    ssl_key: Annotated[SecretStr, BeforeValidator(in_project)] | None = Field(
        default=None,
        description="The file of its private key (PEM); nobody else should be allowed to read it.",
        json_schema_extra={"env": ["CUBEJS_DB_SSL_KEY"]},
    )
    connect_timeout: int = Field(default=10, ge=1, description="Seconds to wait for a connection.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.ssl is False and (self.ssl_verify or self.ssl_ca or self.ssl_cert):
            raise ValueError("ssl: false contradicts the other ssl settings")
        return self

    @property
    def encrypted(self) -> bool:
        """Whether a connection must be encrypted."""
        return bool(self.ssl or self.ssl_ca or self.ssl_cert or self.ssl_verify)

    @property
    def verified(self) -> bool:
        """Whether the server's certificate must be checked."""
        return self.ssl_ca is not None if self.ssl_verify is None else self.ssl_verify

    def ssl_context(self) -> tls.SSLContext | None:
        """What these settings mean to client libraries that leave encryption to Python; None if it is forbidden. Raises
        :class:`ConnectionFailed` if the files are of no use."""
        if self.ssl is False:
            return None
        with _usable("ssl_ca"):
            context = tls.create_default_context(cafile=self.ssl_ca)
        if not self.verified:
            context.check_hostname = False
            context.verify_mode = tls.CERT_NONE
        if self.ssl_cert is not None:
            key = None if self.ssl_key is None else self.ssl_key.get_secret_value()
            with _usable("ssl_key and ssl_cert"):
                context.load_cert_chain(self.ssl_cert, key)
        return context

    def named(self, *same: str, **theirs: str) -> dict[str, Any]:
        """Settings by the names that a client library has for them: ``named("host", username="user")``. What is not set
        is left out; secrets are in clear."""
        found = {}
        for name, ours in {**dict(zip(same, same, strict=True)), **theirs}.items():
            value = getattr(self, ours)
            plain = value.get_secret_value() if isinstance(value, SecretStr) else value
            if plain not in (None, ""):
                found[name] = plain
        return found


@contextmanager
def _usable(settings: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:  # ssl.SSLError among them
        raise ConnectionFailed(f"The files of {settings} are of no use for SSL: {error}") from error
