"""The error table: which status and which body each failure has on the wire.

The text in ``error`` is Cube's, since clients match on it; what we can say beyond (``hint``, ``path``,
``suggestions``) has keys of its own. Bodies hold neither stack nor request id outside dev mode.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from tornado.web import HTTPError

from cuboid.errors import (
    ConfigError,
    CuboidError,
    DriverError,
    Forbidden,
    InternalError,
    InvalidQuery,
    ModelError,
    NoJoinPath,
    PluginError,
    QueueError,
    QueueFull,
    Unauthenticated,
    UnknownMember,
    UnsupportedFeature,
    UserError,
)

STATUS: Mapping[type[CuboidError], int] = MappingProxyType(
    {
        Unauthenticated: 403,  # not 401: Cube's clients know only this one
        Forbidden: 403,
        UserError: 400,
        ModelError: 400,
        ConfigError: 400,  # a data source that is set up wrongly fails its queries, not the server
        PluginError: 400,
        DriverError: 400,
        QueueError: 400,
        QueueFull: 503,  # the one failure that goes away by asking later: load balancers and retries know 503
        InternalError: 500,
        CuboidError: 500,
    }
)
"""Status by class; a class that is not listed has its nearest ancestor's."""

TYPED = (UnknownMember, NoJoinPath, UnsupportedFeature, ModelError)
"""What Cube's schema compiler reports: the body says ``"type": "UserError"``."""

ERROR_PREFIX = (DriverError, QueueError, ConfigError, PluginError)
"""What Cube's orchestrator reports: the text begins with ``Error: ``."""

RETRY_AFTER = "5"
"""Seconds after which a full queue is worth another try."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as it goes over the wire."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def describe(error: BaseException, *, dev: bool, request_id: str) -> Failure:
    """Status, body and extra headers of ``error``; anything that is not a :class:`CuboidError` is a 500."""
    if isinstance(error, HTTPError):
        return Failure(error.status_code, {"error": error.reason or "Bad request"})
    if not isinstance(error, CuboidError):
        return _internal(error, dev, request_id)
    status = status_of(type(error))
    if status >= 500 and not error.retryable:
        return _internal(error, dev, request_id)
    if isinstance(error, Unauthenticated | Forbidden):
        return Failure(status, {"error": error.message})
    body: dict[str, Any] = {"type": "UserError"} if isinstance(error, TYPED) else {}
    body["error"] = _never_wait(f"Error: {error}" if isinstance(error, ERROR_PREFIX) else str(error))
    body |= _extras(error)
    if dev:
        body |= {"stack": _stack(error), "requestId": request_id}
    return Failure(status, body, {"Retry-After": RETRY_AFTER} if isinstance(error, QueueFull) else {})


def status_of(error: type[CuboidError]) -> int:
    """The status of an error class: its own, or its nearest ancestor's."""
    return next(STATUS[ancestor] for ancestor in error.__mro__ if ancestor in STATUS)


def _internal(error: BaseException, dev: bool, request_id: str) -> Failure:
    if not dev:
        return Failure(500, {"error": "InternalError: The server failed on this request; its log says why."})
    text = _never_wait(f"{type(error).__name__}: {error}")
    return Failure(500, {"error": text, "stack": _stack(error), "requestId": request_id})


def _extras(error: CuboidError) -> dict[str, Any]:
    extras: dict[str, Any] = {}
    if error.hint:
        extras["hint"] = error.hint
    if isinstance(error, InvalidQuery) and error.path:
        extras["path"] = error.path
    if isinstance(error, UnknownMember) and error.suggestions:
        extras["suggestions"] = error.suggestions
    if isinstance(error, ModelError):
        extras["plainError"] = error.message
    return extras


def _never_wait(text: str) -> str:
    """``text`` without the words that make Cube's clients repeat a request for ever, whatever its status."""
    return text.replace("Continue wait", "Continue_wait")


def _stack(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))
