"""JSON bodies of POST requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from cuboid.errors import InvalidQuery


def read_json_body(content_type: str, body: bytes) -> Mapping[str, Any]:
    """The object in ``body``. Empty for other content types, an empty body and a list: Cube reads none of these.

    Raises :class:`InvalidQuery` for text that is not JSON, or a bare value.
    """
    if content_type.partition(";")[0].strip().lower() != "application/json" or not body.strip():
        return {}
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidQuery(f"Unable to decode the request body as JSON, error: {error}") from None
    if isinstance(value, list):
        return {}
    if not isinstance(value, dict):
        raise InvalidQuery('The request body must be a JSON object such as {"query": {…}}.')
    return value
