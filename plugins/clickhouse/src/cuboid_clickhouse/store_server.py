"""What a store asks of its server: statements that may write, and rows that stream in."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from clickhouse_connect.driver.client import Client

from cuboid.errors import ConnectionFailed
from cuboid.run.literals import plain_text
from cuboid.types import Scalar
from cuboid_clickhouse.config import ClickHouseConfig
from cuboid_clickhouse.driver import ClickHouseDriver

SECONDS = 60
"""How long a statement may take; what depends on a statement that somebody else may have sent waits for longer."""

SETTINGS = {
    "session_timezone": "UTC",
    "async_insert": 0,  # what an INSERT has answered is there
    "max_execution_time": SECONDS,
    "timeout_overflow_mode": "throw",
    "mutations_sync": 1,
}
"""Of every statement that writes."""


class StoreServer:
    """One client without session, so that several threads may use it at once. All methods block.

    :param settings: of each statement, beside those of all.

    Raises :class:`cuboid.DriverError`.
    """

    def __init__(self, config: ClickHouseConfig, settings: Mapping[str, Any] | None = None) -> None:
        self._driver = ClickHouseDriver(config)
        self._settings = {**SETTINGS, **(settings or {})}
        self._lock = threading.Lock()
        self._client: Client | None = None
        self._closed = False

    def ask(self, sql: str, /, **values: Scalar) -> Sequence[tuple[Any, ...]]:
        """The rows of a statement."""
        return self._try("query", sql, parameters=_texts(values), settings=self._settings).result_rows  # type: ignore[no-any-return]

    def run(self, sql: str, settings: Mapping[str, Any] | None = None, /, **values: Scalar) -> None:
        """A statement without rows."""
        self._try("command", sql, parameters=_texts(values), settings={**self._settings, **(settings or {})})

    def insert(
        self, table: str, names: Sequence[str], types: Sequence[str], columns: Sequence[Sequence[Any]]
    ) -> None:
        """Rows, column by column, in one block: all of them or none."""
        self._try(
            "insert",
            table,
            columns,
            column_names=names,
            column_type_names=types,
            column_oriented=True,
            settings=self._settings,
        )

    def close(self) -> None:
        """Harmless when called twice."""
        with self._lock:
            self._closed = True
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _try(self, what: str, *arguments: Any, **named: Any) -> Any:
        try:
            return getattr(self._connected(), what)(*arguments, **named)
        except ConnectionFailed:
            raise
        except Exception as error:
            raise self._driver.translate(error) from None

    def _connected(self) -> Client:
        with self._lock:
            if self._closed:
                raise ConnectionFailed("The rollup store is closed.")
            if self._client is None:
                self._client = self._driver.client()
            return self._client


def _texts(values: Mapping[str, Scalar]) -> dict[str, Any]:
    return {name: plain_text(value) for name, value in values.items()}
