"""JSON bodies of POST requests."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Mapping
from typing import Any

import orjson

from cuboid.errors import InvalidQuery
from cuboid.query.json_text import load_json

WIDE = re.compile(r';\s*charset\s*=\s*"?(utf-(?:16|32)(?:le|be)?)"?\s*(?:;|$)', re.IGNORECASE)
"""A content type whose text has characters of two or four bytes."""


def is_json(content_type: str) -> bool:
    """Whether a body of that type is read at all."""
    return content_type.partition(";")[0].strip().lower() == "application/json"


def read_json_body(content_type: str, chunks: list[bytes]) -> Mapping[str, Any]:
    """The object in a body, whose ``chunks`` are gone afterwards. Empty for other content types, an empty body and a
    list: Cube reads none of these. A byte order mark is passed over.

    Raises :class:`InvalidQuery` for text that is not JSON, has too many values, or is a bare value.
    """
    body = b"".join(chunks)
    chunks.clear()
    if not is_json(content_type):
        return {}
    text = _text(content_type, body)
    if not text.strip():
        return {}
    try:
        value = load_json(text)
    except orjson.JSONDecodeError as error:
        raise InvalidQuery(f"Unable to decode the request body as JSON, error: {error}") from None
    if isinstance(value, list):
        return {}
    if not isinstance(value, dict):
        raise InvalidQuery('The request body must be a JSON object such as {"query": {…}}.')
    return value


def _text(content_type: str, body: bytes) -> bytes | str:
    """The text of a body, as UTF-8 or decoded: UTF-16 and UTF-32 are read where the content type says so, as Cube's
    parser does."""
    found = WIDE.search(content_type)
    if found is None:
        return body.removeprefix(BOM_UTF8)
    try:
        return body.decode(found[1]).removeprefix("\ufeff")
    except UnicodeDecodeError:
        raise InvalidQuery(
            f"Unable to decode the request body as {found[1].upper()}.", hint="Send JSON as UTF-8."
        ) from None
