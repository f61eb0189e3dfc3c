"""The ``query`` parameter of a request to JSON values, before anything is known about its form."""

from __future__ import annotations

from typing import Literal

import orjson

from cuboid.errors import InvalidQuery
from cuboid.query.json_text import load_json

MAX_VALUES = 20_000
"""Values (texts, numbers, entries of objects and arrays) in one query. Planning takes some 50 µs for each at worst,
in a thread, but the SQL writer lets go of the interpreter's lock at long intervals only."""

MAX_QUERIES = 100
"""Queries in an array, or ranges in a comparison: each is a statement of its own."""

LARGE = 1000
"""Values from which a query is work for a thread: about 20 ms, which is as long as other clients may wait."""

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
            value = load_json(raw)
        except orjson.JSONDecodeError as error:
            raise InvalidQuery(f"Unable to decode query param as JSON, error: {error}") from None
    if not isinstance(value, (dict, list)):
        raise InvalidQuery('Invalid query format: "value" must be of type object')
    short = isinstance(raw, str) and len(raw) <= MAX_VALUES  # each value takes a character
    if not short and _weight(value, MAX_VALUES) > MAX_VALUES:
        raise InvalidQuery(f"The query is too large: it has more than {MAX_VALUES:,} values.")
    if isinstance(value, list) and len(value) > MAX_QUERIES:
        raise InvalidQuery(f"At most {MAX_QUERIES} queries can be asked at once.")
    return value


def is_large(raw: object) -> bool:
    """Whether reading and planning ``raw``, as :func:`decode` takes it, should not keep the event loop."""
    return len(raw) > 20 * LARGE if isinstance(raw, str) else _weight(raw, LARGE) > LARGE


def _weight(value: object, at_most: int) -> int:
    """The number of values in ``value``; counting ends soon after ``at_most``."""
    count = 0
    waiting = [value]
    while waiting and count <= at_most:
        item = waiting.pop()
        count += 1
        if isinstance(item, dict):
            count += len(item)
            waiting.extend(each for each in item.values() if isinstance(each, (dict, list)))
        elif isinstance(item, list):
            count += len(item)
            waiting.extend(each for each in item if isinstance(each, (dict, list)))
    return count


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
