"""What clients send over a WebSocket: JSON texts, read and checked.

Every text of a mistake is as close to Cube's as makes sense; the first mistake is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, cast

import orjson

from cuboid.errors import InvalidQuery
from cuboid.query.json_text import load_json

Method = Literal["load", "sql", "dry-run", "meta", "subscribe"]

PARAMETERS: Mapping[Method, tuple[str, ...]] = MappingProxyType(
    {
        "load": ("query", "queryType", "cache", "castNumerics", "priority"),
        "sql": ("query",),
        "dry-run": ("query",),
        "meta": ("onlyViews",),
        "subscribe": ("query", "queryType", "cache", "castNumerics", "priority"),
    }
)
"""The methods, and what each of them takes."""

SENT_FOR_NOTHING = ("queryType", "signal")
"""Cube's client puts these into every method's parameters."""

LONGEST_ID = 16
LONGEST_REQUEST_ID = 64


@dataclass(frozen=True, slots=True)
class Authorization:
    """The connection is the bearer's of this token from now on; None is a client without one."""

    token: str | None


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """What that message asked for is wanted no longer."""

    message_id: str


@dataclass(frozen=True, slots=True)
class Ask:
    """One question, or a subscription to one.

    :param request_id: as the client names its request; empty if it does not.
    """

    message_id: str
    method: Method
    parameters: Mapping[str, Any]
    request_id: str


def decode(text: str | bytes) -> Mapping[str, Any]:
    """The object in a message. Raises :class:`InvalidQuery`."""
    try:
        value = load_json(text)
    except orjson.JSONDecodeError as error:
        raise InvalidQuery(f"Unable to decode the message as JSON, error: {error}") from None
    if not isinstance(value, dict):
        raise InvalidQuery(f"Invalid input: expected object, received {_kind(value)}")
    return value


def message_id(message: Mapping[str, Any]) -> str | None:
    """The id that an answer to the message has; None if it has none that could be given back."""
    return _id(message.get("messageId"))


def read(message: Mapping[str, Any]) -> Authorization | Unsubscribe | Ask:
    """What the message says. Raises :class:`InvalidQuery`."""
    if "authorization" in message or not message:
        return Authorization(_optional_text(message.get("authorization"), "authorization"))
    if "unsubscribe" in message:
        return Unsubscribe(_required_id(message["unsubscribe"], "unsubscribe"))
    return _ask(message)


def _ask(message: Mapping[str, Any]) -> Ask:
    identity = _required_id(message.get("messageId"), "messageId")
    method = message.get("method")
    if not isinstance(method, str) or method not in PARAMETERS:
        expected = " | ".join(f"'{name}'" for name in PARAMETERS)
        raise InvalidQuery(f"method: Invalid discriminator value. Expected {expected}", path="method")
    known = cast("Method", method)
    request_id = _optional_text(message.get("requestId"), "requestId") or ""
    if len(request_id) > LONGEST_REQUEST_ID:
        raise InvalidQuery(
            f"requestId: Too big: expected string to have <={LONGEST_REQUEST_ID} characters", path="requestId"
        )
    return Ask(identity, known, _parameters(message, known), request_id)


def _parameters(message: Mapping[str, Any], method: Method) -> Mapping[str, Any]:
    parameters = message.get("params")
    if parameters is None and method == "meta":
        return {}
    if not isinstance(parameters, dict):
        kind = "undefined" if "params" not in message else _kind(parameters)
        raise InvalidQuery(f"params: Invalid input: expected object, received {kind}", path="params")
    for name in parameters:
        if name not in PARAMETERS[method] and name not in SENT_FOR_NOTHING:
            raise InvalidQuery(f'params: Unrecognized key: "{name[:100]}"', path="params")
    return parameters


def _required_id(value: object, name: str) -> str:
    found = _id(value)
    if found is None:
        raise InvalidQuery(
            f"{name}: Invalid input: expected an integer, or a string of 1 to {LONGEST_ID} characters",
            path=name,
        )
    return found


def _id(value: object) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return value if isinstance(value, str) and 0 < len(value) <= LONGEST_ID else None


def _optional_text(value: object, name: str) -> str | None:
    if value is None or isinstance(value, str):
        return value or None
    raise InvalidQuery(f"{name}: Invalid input: expected string, received {_kind(value)}", path=name)


def _kind(value: object) -> str:
    """What JavaScript calls it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    names = {dict: "object", list: "array", str: "string"}
    return next((name for kind, name in names.items() if isinstance(value, kind)), "number")
