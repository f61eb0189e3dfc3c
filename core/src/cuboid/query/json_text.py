"""JSON texts that clients send, read: neither too much at once, nor other integers than were written."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import orjson

from cuboid.errors import InvalidQuery

MOST_MARKS = 500_000
"""Opening brackets and commas in one text: 25 times what a query may have. Reading takes some 300 ns for each, on the
event loop and with the interpreter's lock: 50 MB of ``{"a":[]}`` are 8 seconds for all other clients."""

MARKS = (b"{", b"[", b",")
SLICE = 2**20

LONG = b"0" * 19
"""Fewer digits are no integer beyond 64 bits."""

DIGITS_TO_0 = bytes(0x30 if 0x30 <= byte <= 0x39 else byte for byte in range(256))


def load_json(text: str | bytes, *, beyond: Callable[[str], Any] = str) -> Any:
    """What the text says. Raises :class:`orjson.JSONDecodeError`, and :class:`InvalidQuery` for too many values.

    :param beyond: makes something of the digits of an integer beyond 64 bits, which orjson would round: their text,
        which is a filter's value as well, unless given.
    """
    data = text.encode(errors="replace") if isinstance(text, str) else text
    if _has_too_many_marks(data):
        raise InvalidQuery(f"The request is too large: it has more than {MOST_MARKS:,} values.")
    value = orjson.loads(text)
    if LONG not in data.translate(DIGITS_TO_0):
        return value
    try:
        return json.loads(text, parse_int=lambda digits: _integer(digits, beyond))
    except RecursionError:  # orjson reads 1024 levels
        raise orjson.JSONDecodeError("it is nested too deeply", "", 0) from None


def _has_too_many_marks(data: bytes) -> bool:
    if len(data) <= MOST_MARKS:
        return False
    count = 0
    for start in range(0, len(data), SLICE):
        count += sum(data.count(mark, start, start + SLICE) for mark in MARKS)
        if count > MOST_MARKS:
            return True
    return False


def _integer(digits: str, beyond: Callable[[str], Any]) -> Any:
    value = int(digits)  # of 309 digits at most: orjson has refused others
    return value if -(2**63) <= value < 2**64 else beyond(digits)
