"""Puts the rows of one build into tables, in bounded memory.

Rows are inserted as they come, into a table with columns of their types. When a column turns out wider the next rows go
into another table: builds of equal types share one, with a partition for each. What was chosen against: a table for
each part, of which a rollup may have thousands; and widening a column, for which ClickHouse writes all its rows anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from cuboid.run.kinds import Kind, kind_of
from cuboid.run.stored import StoredRollup
from cuboid.run.streams import Batch
from cuboid.types import Value
from cuboid_clickhouse.store_contents import BUILD, Shard, quoted
from cuboid_clickhouse.store_log import ROWS
from cuboid_clickhouse.store_server import StoreServer
from cuboid_clickhouse.store_types import cells_of, kept_type

CHUNK_ROWS = 50_000
"""Rows that are inserted at once: each time makes a file or more, which the server puts together again later."""


class PartWriter:
    """Collects batches and inserts them. All methods block; for one thread at a time.

    :param build: whose rows they are; nobody else writes any.
    """

    def __init__(self, server: StoreServer, stored: StoredRollup, build: int) -> None:
        self._server = server
        self._stored = stored
        self._build = build
        self._waiting: list[tuple[Value, ...]] = []
        self._kinds: list[Kind] = []
        self._shards: dict[str, Shard] = {}

    @property
    def shards(self) -> tuple[Shard, ...]:
        """Where the rows are."""
        return tuple(self._shards.values())

    def add(self, batch: Batch) -> None:
        """Takes more rows."""
        self._waiting.extend(batch)
        if len(self._waiting) >= CHUNK_ROWS:
            self._insert()

    def finish(self) -> None:
        """Inserts what is left."""
        if self._waiting:
            self._insert()

    def _insert(self) -> None:
        rows, self._waiting = self._waiting, []
        columns = self._stored.columns
        cells = list(zip(*rows, strict=True))
        found = [kind_of(each, column.type) for each, column in zip(cells, columns, strict=True)]
        self._kinds = [one | other for one, other in zip(self._kinds or found, found, strict=True)]
        kept = [
            cells_of(column.name, each, kind)
            for each, column, kind in zip(cells, columns, self._kinds, strict=True)
        ]
        types = [
            f"Nullable({kept_type(kind, column.type)})"
            for kind, column in zip(self._kinds, columns, strict=True)
        ]
        names = [column.name for column in columns]
        shard = self._shard(names, types)
        self._server.insert(
            shard.table, [BUILD, *names], ["UInt64", *types], [[self._build] * len(rows), *kept]
        )
        self._shards[shard.table] = replace(shard, kinds=tuple(self._kinds), rows=shard.rows + len(rows))

    def _shard(self, names: Sequence[str], types: Sequence[str]) -> Shard:
        """Where rows of these types go, by a table that is there."""
        table, described = table_of(self._stored, names, types)
        if table not in self._shards:
            self._server.run(f"CREATE TABLE IF NOT EXISTS {quoted(table)} {described}")
            self._shards[table] = Shard(table, (), 0)
        return self._shards[table]


def table_of(stored: StoredRollup, names: Sequence[str], types: Sequence[str]) -> tuple[str, str]:
    """The name of the table for rows of the rollup in these types, and what it is."""
    columns = ", ".join(f"{quoted(name)} {type}" for name, type in zip(names, types, strict=True))
    time = stored.time
    order = ", ".join(map(quoted, dict.fromkeys((*stored.order, *([time] if time else ())))))
    index = f", INDEX by_time {quoted(time)} TYPE minmax GRANULARITY 1" if time else ""
    described = (
        f"({BUILD} UInt64, {columns}{index}) ENGINE = MergeTree PARTITION BY {BUILD} ORDER BY ({order})"
        " SETTINGS allow_nullable_key = 1"
    )
    digest = hashlib.blake2b(described.encode(), digest_size=5).hexdigest()
    return f"{ROWS}{stored.table.rpartition('_')[2]}_{digest}", described
