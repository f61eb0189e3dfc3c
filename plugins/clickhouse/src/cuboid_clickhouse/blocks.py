"""A running statement's result, block by block."""

from __future__ import annotations

from typing import Any

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import OperationalError
from clickhouse_connect.driver.httpclient import HttpClient

from cuboid.run.blocks import BlockCursor
from cuboid.run.literals import plain_text
from cuboid.types import Statement

FORMATS = {"UUID": "string", "IPv*": "string", "FixedString": "string"}
"""As texts, whatever the client library's objects would be."""


class Blocks(BlockCursor):
    """The server sends blocks of at most 65,409 rows. Made once the first is there."""

    def __init__(self, client: Client, statement: Statement, settings: dict[str, Any]) -> None:
        stream: Any = client.query_column_block_stream(  # a StreamContext, whose source is the library's QueryResult
            statement.sql,
            # As the server reads them by the placeholders' types; the library would cut or misspell times.
            parameters={f"p{n}": plain_text(value) for n, value in enumerate(statement.parameters, 1)},
            settings=settings,
            query_formats=FORMATS,
        )
        self._stream = stream.__enter__()
        names, types = self._stream.source.column_names, self._stream.source.column_types
        description = [(name, type.name) for name, type in zip(names, types, strict=True)]
        if not names:  # a result without rows comes without a head, too
            answered = self._stream.source.summary.get("query_id") == settings["query_id"]
            if isinstance(client, HttpClient) and not answered:
                # The client library takes an answer that was cut off within its HTTP head for an empty result.
                raise OperationalError("The server closed the connection before it answered.")
            description = [(column.name, column.type) for column in statement.columns]
        super().__init__(self._stream, description)

    def close(self) -> None:
        """Reads what is left."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.__exit__(None, None, None)
