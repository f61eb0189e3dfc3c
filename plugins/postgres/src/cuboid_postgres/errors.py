"""What the server and libpq say, as Cuboid's errors, without secrets."""

from __future__ import annotations

import psycopg

from cuboid.errors import ConnectionFailed, CuboidError, DriverError, QueryFailed
from cuboid_postgres.config import PostgresConfig

GONE = ("08", "57P")
"""Classes of SQLSTATE for a connection that is no more: connection exceptions; shutdown, crash, restart."""


def interrupted() -> QueryFailed:
    return QueryFailed("The statement was interrupted.")


def translated(error: Exception, config: PostgresConfig, *, connecting: bool) -> DriverError:
    """:class:`ConnectionFailed` or :class:`QueryFailed`, with the database's words.

    :param connecting: no statement has reached the server, or the connection is gone.
    """
    if isinstance(error, DriverError):
        return error
    message, hint = _said(error)
    if config.password is not None and config.password.get_secret_value():
        message = message.replace(config.password.get_secret_value(), "********")
    state = error.sqlstate if isinstance(error, psycopg.Error) else None
    if connecting or (state or "").startswith(GONE):
        return ConnectionFailed(message, hint=hint)
    return QueryFailed(message, hint=hint)


def _said(error: Exception) -> tuple[str, str | None]:
    """Message and hint: the server's own if it spoke, else the client library's, which come in several lines."""
    if isinstance(error, CuboidError):
        return error.message, error.hint
    if isinstance(error, psycopg.Error) and error.diag.message_primary:
        detail = f" {error.diag.message_detail}" if error.diag.message_detail else ""
        return f"{error.diag.message_primary}{detail}", error.diag.message_hint
    if isinstance(error, UnicodeError):
        return "A text is no valid Unicode.", None  # the error's own words hold all of the text
    return " ".join(str(error).split()) or type(error).__name__, None
