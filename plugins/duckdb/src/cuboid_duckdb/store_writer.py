"""Writes the rows of one part to files, in bounded memory.

Rows are collected in a table whose columns are widened as values need it, and poured into a file when they are many;
each file has the types of its own rows, and the view over all files the types that cover them. What was chosen
against: one file for a part would have to be written anew when a column turns out wider.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import duckdb

from cuboid.run.kinds import NOTHING, Kind, as_kind, kind_of
from cuboid.run.stored import Bounds, StoredRollup
from cuboid.run.streams import Batch
from cuboid.types import SemanticType, Value
from cuboid_duckdb.driver import escaped, quoted
from cuboid_duckdb.store_bench import Bench
from cuboid_duckdb.store_folder import Shard, sync_file

CHUNK_ROWS = 20_000
"""Rows that are inserted at once: 5,000 take twice as long per row, 100,000 no shorter."""

FILE_ROWS = 2_000_000
ROW_GROUP = 100_000

INTEGER_DIGITS = 18
"""What every BIGINT has room for."""


class PartWriter:
    """Collects batches and writes files. All methods block; for one thread at a time.

    :param folder: of the build, which exists.
    :param bench: where rows are collected.
    """

    def __init__(self, folder: Path, stored: StoredRollup, bench: Bench) -> None:
        self.rows = 0
        self.bytes = 0
        self.shards: list[Shard] = []
        self._folder = folder
        self._columns = stored.columns
        self._time = next((i for i, each in enumerate(stored.columns) if each.name == stored.time), None)
        order = ", ".join(map(quoted, stored.order))
        self._order = f" ORDER BY {order}" if order else ""
        self._bench = bench
        self._waiting: list[tuple[Value, ...]] = []
        self._collected = 0
        self._kinds: list[Kind] = []
        self._table = quoted(folder.name)
        self._connection = bench.connection()

    def add(self, batch: Batch) -> None:
        """Takes more rows."""
        self._waiting.extend(batch)
        if len(self._waiting) >= CHUNK_ROWS:
            self._insert()
            if self._collected >= FILE_ROWS or self._bench.taken() > self._bench.memory // 2:
                self._pour()

    def finish(self) -> None:
        """Writes what is left."""
        self._insert()
        self._pour()
        self.close()

    def close(self) -> None:
        """Lets go of everything but the files; harmless when called twice."""
        with suppress(duckdb.Error):
            self._connection.execute(f"DROP TABLE IF EXISTS {self._table}")
            self._connection.close()

    def _insert(self) -> None:
        rows, self._waiting = self._waiting, []
        if not rows:
            return
        cells = list(zip(*rows, strict=True))
        found = [kind_of(each, column.type) for each, column in zip(cells, self._columns, strict=True)]
        if not self._kinds:
            self._kinds = found
            described = ", ".join(f"c{index} {self._type(index)}" for index in range(len(found)))
            self._connection.execute(f"CREATE OR REPLACE TABLE {self._table} ({described})")
        self._widen(found)
        # A sub-query: with the lists as arguments of unnest itself it takes twice as long.
        count = range(len(cells))
        items = ", ".join(f"unnest(c{index})" for index in count)
        lists = ", ".join(f"?::{self._bound(index)}[] AS c{index}" for index in count)
        self._connection.execute(
            f"INSERT INTO {self._table} SELECT {items} FROM (SELECT {lists})",  # noqa: S608 - no names from outside
            [as_kind(each, kind) for each, kind in zip(cells, self._kinds, strict=True)],
        )
        self._collected += len(rows)
        self.rows += len(rows)

    def _widen(self, found: Sequence[Kind]) -> None:
        for index, kind in enumerate(found):
            before = self._type(index)
            self._kinds[index] |= kind
            if self._type(index) != before:
                self._connection.execute(f"ALTER TABLE {self._table} ALTER c{index} TYPE {self._type(index)}")

    def _type(self, index: int) -> str:
        return sql_type(self._kinds[index], self._columns[index].type)

    def _bound(self, index: int) -> str:
        type = self._type(index)
        return "VARCHAR" if self._kinds[index].name == "decimal" else type

    def _pour(self) -> None:
        if not self._collected:
            return
        name = f"{len(self.shards):05}.parquet"
        path = self._folder / name
        selected = ", ".join(
            f"c{index} AS {quoted(column.name)}" for index, column in enumerate(self._columns)
        )
        self._connection.execute(
            f"COPY (SELECT {selected} FROM {self._table}{self._order}) TO '{escaped(str(path))}' "  # noqa: S608 - quoted
            f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP})"
        )
        times = self._times()
        self._connection.execute(f"DROP TABLE {self._table}")
        sync_file(path)
        self.bytes += path.stat().st_size
        self.shards.append(Shard(f"{self._folder.name}/{name}", tuple(self._kinds), times))
        self._kinds, self._collected = [], 0

    def _times(self) -> Bounds | None:
        """The first and the last time of the rows, if all have one that Python has too."""
        if self._time is None or self._kinds[self._time].name != "time":
            return None
        column = f"c{self._time}"
        found = self._connection.execute(
            f"SELECT min({column})::VARCHAR, max({column})::VARCHAR, count(*) = count({column}) FROM {self._table}"  # noqa: S608
        ).fetchone()
        if found is None or not found[2]:
            return None
        try:
            return datetime.fromisoformat(found[0]), datetime.fromisoformat(found[1])
        except ValueError:  # before year 1, or without end
            return None


def sql_type(kind: Kind, meant: SemanticType) -> str:
    """DuckDB's type for a column of the kind."""
    if kind == NOTHING:
        return {"string": "VARCHAR", "number": "BIGINT", "boolean": "BOOLEAN", "time": "TIMESTAMP"}[meant]
    if kind.name == "integer":
        return "BIGINT" if kind.digits <= INTEGER_DIGITS else "DECIMAL(38, 0)"
    if kind.name == "decimal":
        return f"DECIMAL(38, {kind.scale})"
    return {"boolean": "BOOLEAN", "float": "DOUBLE", "time": "TIMESTAMP", "text": "VARCHAR", "json": "JSON"}[
        kind.name
    ]
