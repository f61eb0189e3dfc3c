"""How cells are read: psycopg's loaders where they give semantic values, own ones where they would not.

Text format throughout: numeric, the type of every sum, is read faster from text than from binary (1.07 against
0.79 million rows a second). Times of the own loaders need no second pass over the rows: that pass costs 1 to 3 µs a
cell, more than a loader in C saves.
"""

from __future__ import annotations

from datetime import datetime, time

import psycopg
from psycopg.adapt import AdaptersMap, Buffer, Loader
from psycopg.types.string import TextLoader

TEXTS = ("uuid", "interval", "inet", "cidr", "timetz")
"""Left as the server writes them: psycopg would count a month as 30 days, build objects only for core to write them
as text again, and refuse times that Python does not have. JSON is not among them: it goes on as JSON."""

RANGES = ("int4range", "int8range", "numrange", "daterange", "tsrange", "tstzrange")

PLAIN = (
    "bool",
    "int2",
    "int4",
    "int8",
    "oid",
    "numeric",
    "float4",
    "float8",
    "text",
    "varchar",
    "bpchar",
    "name",
)
"""Types of which psycopg's own loaders give semantic values."""

INFINITIES = {"infinity": datetime.max, "-infinity": datetime.min}
"""No time is later or earlier; the client libraries of other databases that have them say the same."""


class _Timestamp(Loader):
    """``date`` and ``timestamp``; the session's DateStyle is ISO."""

    def load(self, data: Buffer) -> datetime:
        return _moment(str(data, "ascii"))


class _Timestamptz(Loader):
    """The session's zone is UTC: the text ends with ``+00``."""

    def load(self, data: Buffer) -> datetime:
        return _moment(str(data, "ascii").removesuffix("+00"))


class _Time(Loader):
    """As Python writes times of day, which other drivers do; 24:00:00 is none of Python's."""

    def load(self, data: Buffer) -> str:
        text = str(data, "ascii")
        return text if text == "24:00:00" else str(time.fromisoformat(text))


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        if text in INFINITIES:
            return INFINITIES[text]
        raise psycopg.DataError(f"The time {text} is outside the years 1 to 9999.") from None


def _adapters() -> AdaptersMap:
    adapters = AdaptersMap(psycopg.adapters)
    for name in ("date", "timestamp"):
        adapters.register_loader(name, _Timestamp)
    adapters.register_loader("timestamptz", _Timestamptz)
    adapters.register_loader("time", _Time)
    for name in (*TEXTS, *RANGES):
        adapters.register_loader(name, TextLoader)
    return adapters


ADAPTERS = _adapters()
"""The context that connections are opened with."""

SEMANTIC = frozenset(
    psycopg.adapters.types[name].oid
    for name in (*PLAIN, *TEXTS, *RANGES, "date", "time", "timestamp", "timestamptz")
)
"""Types, by oid, whose cells are semantic values as they come. Arrays, records, bytea and what extensions
add are not."""
