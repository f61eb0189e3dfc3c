"""Reads the tables of a store: statements name rollups, which consist of the rows of their builds."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from cuboid.run.dbapi import Cursor
from cuboid.run.driver import DriverConfig
from cuboid.types import Statement
from cuboid_clickhouse.driver import ClickHouseDriver, Connection

LONGEST_STATEMENT = 16 * 1024**2
"""Bytes: it has the numbers of all builds that are read."""

_TABLE = re.compile(r'(?<! AS )"(\w+)"(?!\.)')


class StoreReader(ClickHouseDriver):
    """A driver that only reads, as all do."""

    def __init__(self, config: DriverConfig) -> None:
        super().__init__(config)
        self._shown: dict[str, str] = {}

    def show(self, table: str, rows: str) -> None:
        """Has ``table`` read these rows, as FROM has them, in statements that begin from now on."""
        self._shown[table] = rows

    def hide(self, tables: Iterable[str]) -> None:
        """There are no such tables any more."""
        for table in tables:
            self._shown.pop(table, None)

    def connect(self) -> Connection:
        connection = super().connect()
        connection.client.set_client_setting("max_query_size", LONGEST_STATEMENT)
        return connection

    def start(self, connection: Connection, statement: Statement, *, streaming: bool) -> Cursor:
        return super().start(connection, self.over(statement), streaming=streaming)

    def over(self, statement: Statement) -> Statement:
        """The statement over what is shown, for one that names tables."""
        sql = _TABLE.sub(lambda found: self._shown.get(found[1], found[0]), statement.sql)
        return replace(statement, sql=sql)
