"""Reads what a store in the source's database holds: statements name rollups, which consist of tables for their
parts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing

from cuboid.run.asker import NOBODY, Asker
from cuboid.run.data_source import DataSource
from cuboid.run.store import RollupStore
from cuboid.run.streams import Batch
from cuboid.types import Pending, Result, Statement


class SourceReader(DataSource):
    """The data source, for statements over what is stored in it; connections, queue and limits are its own."""

    def __init__(self, source: DataSource, store: RollupStore) -> None:
        super().__init__(
            source.name,
            source.driver,
            source.dialect,
            source.queue,
            timeout=source.timeout,
            stream_timeout=source.stream_timeout,
            refresh_every=source.refresh_every,
            identity=source.identity,
        )
        self._source = source
        self.store = store

    async def submit(
        self, statement: Statement, *, wait: float, priority: int | None = None, asker: Asker = NOBODY
    ) -> Result | Pending:
        return await self._source.submit(
            self.store.read(statement), wait=wait, priority=priority, asker=asker
        )

    async def stream(
        self,
        statement: Statement,
        *,
        asker: Asker = NOBODY,
        priority: int | None = None,
        seconds: float | None = None,
    ) -> AsyncIterator[Batch]:
        rows = self._source.stream(
            self.store.read(statement), asker=asker, priority=priority, seconds=seconds
        )
        async with aclosing(rows) as batches:  # type: ignore[type-var]
            async for batch in batches:
                yield batch

    @property
    def underlying(self) -> DataSource:
        return self._source

    @property
    def used(self) -> bool:
        return self._source.used

    @property
    def streams_bounded(self) -> bool:
        return self._source.streams_bounded

    async def ping(self, wait: float = 5.0) -> None:
        await self._source.ping(wait)

    async def close(self) -> None:
        """The source is others' to close."""
