"""A running statement's result, block by block."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import OperationalError
from clickhouse_connect.driver.httpclient import HttpClient

from cuboid.types import Statement, Value

FORMATS = {"UUID": "string", "IPv*": "string", "FixedString": "string"}
"""As texts, whatever the client library's objects would be."""


class Blocks:
    """A cursor over columns: the server sends blocks of at most 65,409 rows, which are read one at a time."""

    def __init__(self, client: Client, statement: Statement, settings: dict[str, Any]) -> None:
        self._client = client
        self._statement = statement
        self._settings = settings
        self._stream: Any = None  # a StreamContext, whose source is the library's QueryResult
        self._block: Sequence[Sequence[Any]] = ()
        self._position = 0
        self.complete = False
        self.description: Sequence[tuple[str, str]] = ()

    def open(self) -> None:
        """Sends the statement and waits for the first block."""
        statement = self._statement
        stream: Any = self._client.query_column_block_stream(
            statement.sql,
            parameters={f"p{n}": _text(value) for n, value in enumerate(statement.parameters, 1)},
            settings=self._settings,
            query_formats=FORMATS,
        )
        self._stream = stream.__enter__()
        names, types = self._stream.source.column_names, self._stream.source.column_types
        self.description = [(name, type.name) for name, type in zip(names, types, strict=True)]
        if not names:  # a result without rows comes without a head, too
            answered = self._stream.source.summary.get("query_id") == self._settings["query_id"]
            if isinstance(self._client, HttpClient) and not answered:
                # The client library takes an answer that was cut off within its HTTP head for an empty result.
                raise OperationalError("The server closed the connection before it answered.")
            self.description = [(column.name, column.type) for column in statement.columns]

    def fetchmany(self, size: int = 5000, /) -> list[Any]:
        """Up to ``size`` rows of the current block; none at the end."""
        while not self._block or self._position >= len(self._block[0]):
            block = next(self._stream, None)
            if block is None:
                self.complete = True
                return []
            self._block, self._position = block, 0
        start, self._position = self._position, self._position + size
        return list(zip(*(column[start : start + size] for column in self._block), strict=True))

    def close(self) -> None:
        """Reads what is left."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.__exit__(None, None, None)


def _text(value: Value) -> str | bool | None:
    """As the server reads it by the placeholder's type; the client library would cut or misspell times."""
    if isinstance(value, datetime):
        utc = value if value.tzinfo is None else value.astimezone(UTC)
        return utc.replace(tzinfo=None).isoformat(" ", "microseconds")
    if isinstance(value, date):
        return f"{value.isoformat()} 00:00:00"
    if isinstance(value, Decimal):
        return format(value, "f")
    return value if value is None or isinstance(value, (bool, str)) else str(value)
