"""Rollups beside the tables that they are made of: the rows never leave the server, and keep its types.

The log and the rows lie in a database of their own. Which part there is, and when its rows are removed, is told as on a
server for the rollups of all.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress

from cuboid.errors import QueryFailed, UnsupportedFeature
from cuboid.run.store import BuiltPart, NewPart, SourceStoreSettings, StoreSettings
from cuboid.run.stored import StoredRollup
from cuboid.run.streams import Batch
from cuboid.types import Statement
from cuboid_clickhouse.config import ClickHouseConfig
from cuboid_clickhouse.driver import SESSION
from cuboid_clickhouse.store import ClickHouseStore, blocking
from cuboid_clickhouse.store_contents import BUILD, Shard, quoted
from cuboid_clickhouse.store_server import StoreServer
from cuboid_clickhouse.store_writer import table_of

NOTHING = "Nullable(Nothing)"
"""The type of a column that is NULL as the statement says it; no table has that."""


class InsideStore(ClickHouseStore):
    """The store beside the tables of one data source.

    :param config: of the data source.
    """

    def __init__(self, config: ClickHouseConfig, settings: SourceStoreSettings) -> None:
        told = StoreSettings(replaced_for=settings.replaced_for, lease=settings.lease)
        super().__init__(config.model_copy(update={"database": settings.schema}), told)
        self._schema = settings.schema
        self._source = StoreServer(config, {**SESSION, "max_execution_time": round(settings.timeout)})

    async def close(self) -> None:
        await super().close()
        await blocking(self._source.close)

    def read(self, statement: Statement) -> Statement:
        return self._reader.over(statement)

    async def make(self, stored: StoredRollup, part: NewPart, statement: Statement | None) -> BuiltPart:
        async def fill(number: int) -> tuple[Shard, ...]:
            return (await blocking(lambda: self._fill(number, stored, statement)),)

        return await self._build(stored, part, fill)

    async def write(self, stored: StoredRollup, part: NewPart, batches: AsyncIterator[Batch]) -> BuiltPart:
        raise UnsupportedFeature("Rows of elsewhere are not kept in a source's database.")

    def _fill(self, number: int, stored: StoredRollup, statement: Statement | None) -> Shard:
        rows = self.read(stored.select(None) if statement is None else statement)
        named = ", ".join(
            f"{quoted(given)} AS {quoted(column.name)}"
            for given, column in zip(stored.given, stored.columns, strict=True)
        )
        selected = f"SELECT {named or '*'} FROM ({rows.sql}) AS made"  # noqa: S608 - quoted
        values = {f"p{index}": value for index, value in enumerate(rows.parameters, 1)}
        described = self._source.ask(f"DESCRIBE TABLE ({selected})", **values)
        types = ["Nullable(String)" if each[1] == NOTHING else str(each[1]) for each in described]
        table, made = table_of(stored, [str(each[0]) for each in described], types)
        name = f"{quoted(self._schema)}.{quoted(table)}" if self._schema else quoted(table)
        self._source.run(f"CREATE TABLE IF NOT EXISTS {name} {made}")
        if statement is not None:
            inserted = f"INSERT INTO {name} SELECT {number:d}, * FROM ({selected}) AS made"  # noqa: S608 - quoted
            self._source.run(inserted, **values)
        ((count,),) = self._source.ask(f"SELECT count() FROM {name} WHERE {BUILD} = {number:d}")  # noqa: S608 - quoted
        return Shard(table, (), int(count))

    def _make_all(self) -> None:
        refused: QueryFailed | None = None
        try:
            self._source.run(f"CREATE DATABASE IF NOT EXISTS {quoted(self._schema or '')}")
        except QueryFailed as error:  # it may be there: an account need not be allowed to make another
            refused = error
        try:
            super()._make_all()
        except QueryFailed as error:
            raise refused or error from None

    def _is_there(self) -> bool:
        with suppress(QueryFailed):  # so it says when there is no such database
            return super()._is_there()
        return False
