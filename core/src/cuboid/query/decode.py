"""The ``query`` parameter of a request to JSON values, before anything is known about its form."""

from __future__ import annotations

from typing import Literal

import orjson

from cuboid.errors import InvalidQuery

QueryType = Literal["regularQuery", "compareDateRangeQuery", "blendingQuery"]


def decode(raw: object) -> object:
    """One query (a mapping) or several (a list), from JSON text or as decoded already.

    Raises :class:`InvalidQuery` for everything else.
    """
    if raw is None or raw == "" or raw == "undefined":
        raise InvalidQuery("Query param is required")
    value = raw
    if isinstance(raw, str):
        try:
            value = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise InvalidQuery(f"Unable to decode query param as JSON, error: {error}") from None
    if not isinstance(value, (dict, list)):
        raise InvalidQuery('Invalid query format: "value" must be of type object')
    return value


def query_type(decoded: object) -> QueryType:
    """What kind of request ``decoded`` is: an array is always blending, even of one query."""
    if isinstance(decoded, list):
        return "blendingQuery"
    entries = decoded.get("timeDimensions") if isinstance(decoded, dict) else None
    if isinstance(entries, (list, tuple)) and any(
        isinstance(entry, dict) and entry.get("compareDateRange") is not None for entry in entries
    ):
        return "compareDateRangeQuery"
    return "regularQuery"
