"""What can go wrong, by who can do something about it."""

from __future__ import annotations

from collections.abc import Sequence


class ClientError(Exception):
    """Root of all errors of this package."""


class InvalidQuery(ClientError):
    """The server refuses the query, or the database does: 400.

    :param path: where in the query, e.g. ``filters[0].values``.
    :param hint: what to do.
    :param suggestions: names that were perhaps meant.
    """

    def __init__(
        self,
        message: str,
        *,
        path: str | None = None,
        hint: str | None = None,
        suggestions: Sequence[str] = (),
    ) -> None:
        super().__init__(f"{message} ({hint})" if hint else message)
        self.message = message
        self.path = path
        self.hint = hint
        self.suggestions = tuple(suggestions)


class NotAllowed(ClientError):
    """No token, a bad one, or one that may not do this: 403."""


class ServerBusy(ClientError):
    """The server's queue is full, or it is stopping: 503. Worth another try after ``retry_after`` seconds."""

    def __init__(self, message: str, *, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ServerFailed(ClientError):
    """Any other answer that is none: a bug, something in front of the server, or a wrong address."""

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


class Unreachable(ClientError):
    """There is no connection, or it broke before an answer."""


class WaitedTooLong(ClientError):
    """The server has no answer within the client's patience; the query may go on there."""


class CutOff(ClientError):
    """A streamed answer broke off: what was read so far is not all."""
