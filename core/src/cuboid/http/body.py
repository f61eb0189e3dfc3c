"""JSON bodies of POST requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from cuboid.errors import InvalidQuery
from cuboid.query.json_text import load_json


def is_json(content_type: str) -> bool:
    """Whether a body of that type is read at all."""
    return content_type.partition(";")[0].strip().lower() == "application/json"


def read_json_body(content_type: str, chunks: list[bytes]) -> Mapping[str, Any]:
    """The object in a body, whose ``chunks`` are gone afterwards. Empty for other content types, an empty body and a
    list: Cube reads none of these.

    Raises :class:`InvalidQuery` for text that is not JSON, has too many values, or is a bare value.
    """
    body = b"".join(chunks)
    chunks.clear()
    if not is_json(content_type) or not body.strip():
        return {}
    try:
        value = load_json(body)
    except orjson.JSONDecodeError as error:
        raise InvalidQuery(f"Unable to decode the request body as JSON, error: {error}") from None
    if isinstance(value, list):
        return {}
    if not isinstance(value, dict):
        raise InvalidQuery('The request body must be a JSON object such as {"query": {…}}.')
    return value
