"""The exception tree: every failure Cuboid can report, as data.

Each class has a stable ``code`` and says whether the same call may succeed later (``retryable``).
Messages say what is wrong, where, and what to do; they never hold a token, a password or a DSN.
HTTP status codes live in ``cuboid.http.errors`` and nowhere else. Waiting is a value
(:class:`cuboid.types.Pending`), not an error.

    CuboidError
    ├── UserError                 the request is at fault
    │   ├── InvalidQuery          (path into the JSON)
    │   │   ├── UnknownMember     (suggestions)
    │   │   ├── NoJoinPath        (cubes that were to be joined)
    │   │   └── InvalidDateRange
    │   ├── UnsupportedFeature
    │   ├── Unauthenticated
    │   └── Forbidden
    ├── ModelError                (file, line, column, hint)
    ├── ConfigError               (setting, origin)
    ├── PluginError
    ├── DriverError
    │   ├── ConnectionFailed      retryable
    │   └── QueryFailed
    │       └── NotStored         (a rollup lacks what a query needs; the source answers)
    ├── QueueError
    │   ├── QueueFull             retryable
    │   ├── QueryTimeout
    │   └── QueryCancelled
    └── InternalError
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import ClassVar


class CuboidError(Exception):
    """Root of all errors that Cuboid raises on purpose; ``hint`` names the next step."""

    code: ClassVar[str] = "error"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message


class UserError(CuboidError):
    """The request cannot be answered as it stands; repeating it changes nothing."""

    code = "user_error"


class InvalidQuery(UserError):
    """The query is malformed or meaningless; ``path`` points into the JSON, e.g. ``filters[0].values``."""

    code = "invalid_query"

    def __init__(self, message: str, *, path: str | None = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.path = path


class UnknownMember(InvalidQuery):
    """A cube or member that the catalog does not have; ``suggestions`` are close names, best first."""

    code = "unknown_member"

    def __init__(
        self,
        message: str,
        *,
        path: str | None = None,
        suggestions: Sequence[str] = (),
        hint: str | None = None,
    ) -> None:
        super().__init__(message, path=path, hint=hint or did_you_mean(suggestions))
        self.suggestions = tuple(suggestions)


class NoJoinPath(InvalidQuery):
    """No cube reaches all others through declared joins; ``cubes`` are those that were to be joined."""

    code = "no_join_path"

    def __init__(self, cubes: Sequence[str], *, hint: str | None = None) -> None:
        names = ", ".join(f"'{cube}'" for cube in cubes)
        super().__init__(f"Can't find join path to join {names}", hint=hint)
        self.cubes = tuple(cubes)


class InvalidDateRange(InvalidQuery):
    """A date, date range or relative date expression that cannot be read."""

    code = "invalid_date_range"


class UnsupportedFeature(UserError):
    """A question that is clear but that this version, dialect or driver cannot answer."""

    code = "unsupported_feature"


class Unauthenticated(UserError):
    """No usable token where one is required."""

    code = "unauthenticated"


class Forbidden(UserError):
    """The principal is known and may not do this."""

    code = "forbidden"


class ModelError(CuboidError):
    """A mistake in a model file, at ``file:line:column`` (1-based; 0 where unknown)."""

    code = "model_error"

    def __init__(
        self, message: str, *, file: str = "", line: int = 0, column: int = 0, hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.file = file
        self.line = line
        self.column = column

    def __str__(self) -> str:
        where = ":".join(str(part) for part in (self.file, self.line, self.column) if part)
        return f"{where}: {self.message}" if where else self.message


class ConfigError(CuboidError):
    """A setting that is unknown, missing or has a bad value; ``origin`` says where it was written."""

    code = "config_error"

    def __init__(
        self, message: str, *, setting: str | None = None, origin: str | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.setting = setting
        self.origin = origin


class PluginError(CuboidError):
    """A plugin that cannot be imported, is inconsistent or is missing."""

    code = "plugin_error"


class DriverError(CuboidError):
    """The database said no; the message is the database's own, without credentials."""

    code = "driver_error"


class ConnectionFailed(DriverError):
    """The database cannot be reached, or the connection broke."""

    code = "connection_failed"
    retryable = True


class QueryFailed(DriverError):
    """The database refused or failed the statement."""

    code = "query_failed"


class NotStored(QueryFailed):
    """A rollup has not the rows that a query needs, and is not to have them: the data source answers."""


class QueueError(CuboidError):
    """The queue could not run a statement to its end."""

    code = "queue_error"


class QueueFull(QueueError):
    """Too many statements are waiting; ask again later."""

    code = "queue_full"
    retryable = True


class QueryTimeout(QueueError):
    """The statement ran longer than its data source allows and was stopped."""

    code = "query_timeout"


class QueryCancelled(QueueError):
    """The statement was stopped on request."""

    code = "query_cancelled"


class InternalError(CuboidError):
    """A broken promise inside Cuboid: a bug, never the caller's fault."""

    code = "internal_error"


def closest(name: str, known: Iterable[str], limit: int = 3) -> tuple[str, ...]:
    """Names in ``known`` that resemble ``name``, best first; case does not count."""
    by_lower: dict[str, str] = {}
    for candidate in known:
        by_lower.setdefault(candidate.lower(), candidate)
    matches = difflib.get_close_matches(name.lower(), list(by_lower), n=limit, cutoff=0.6)
    return tuple(by_lower[match] for match in matches)


def did_you_mean(suggestions: Sequence[str]) -> str | None:
    """``Did you mean 'a' or 'b'?``, or None without suggestions: the one place that words it."""
    if not suggestions:
        return None
    quoted = [f"'{name}'" for name in suggestions]
    listed = quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"
    return f"Did you mean {listed}?"


def suggest(name: str, known: Iterable[str], *, none: str) -> str:
    """What may have been meant by ``name``; if nothing resembles it, what there is.

    :param none: what to do where there is nothing.
    """
    names = list(known)
    if not names:
        return none
    listed = ", ".join(names[:_LISTED]) + (", ..." if len(names) > _LISTED else "")
    return did_you_mean(closest(name, names)) or f"There {'is only' if len(names) == 1 else 'are'} {listed}."


_LISTED = 8
"""Names that a hint lists: more are no help."""
