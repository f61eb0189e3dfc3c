"""The store in a source's database, statement by statement: whatever is the last one, what is there can be read."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from itertools import count

import pytest

from cuboid.errors import ConnectionFailed, NotStored, QueryFailed
from cuboid.run.data_source import DataSource
from cuboid.run.queue import QueueSettings
from cuboid.run.source_store import SourceReader, SourceStore
from cuboid.run.store import NewPart, SourceStoreSettings
from cuboid.run.stored import StoredRollup
from cuboid.run.streams import Streams
from cuboid.types import Column, Job, Pending, Result, Statement
from cuboid_duckdb.dialect import DuckDBDialect
from cuboid_duckdb.driver import DuckDBDriver

TABLE = "orders_daily_0123456789ab"
ROWS = Statement("SELECT 1 AS n UNION ALL SELECT 2")
OTHER_ROWS = Statement("SELECT 3 AS n")


class Mortal(DuckDBDriver):
    """Runs no statement any more after some: as a process that was killed. What others do before the first statement
    that begins so is done then, and what they do before its answer arrives."""

    left: float = float("inf")
    before: tuple[str, Callable[[], Awaitable[object]]] | None = None
    late: tuple[str, Callable[[], Awaitable[object]]] | None = None

    async def execute(self, job: Job) -> Result:
        if self.before is not None and job.statement.sql.startswith(self.before[0]):
            (_, meanwhile), self.before = self.before, None
            await meanwhile()
        if self.left <= 0:
            raise ConnectionFailed("Killed.")
        self.left -= 1
        result = await super().execute(job)
        if self.late is not None and job.statement.sql.startswith(self.late[0]):
            (_, meanwhile), self.late = self.late, None
            await meanwhile()
        return result


def stored(rows: Statement = ROWS) -> StoredRollup:
    return StoredRollup(
        "orders.daily",
        "UTC",
        TABLE,
        (Column("number", "number"),),
        "default",
        lambda bounds: rows,
        given=("n",),
        inside=True,
    )


class Opened:
    """A database, and the stores of processes that use it."""

    def __init__(self, **settings: float) -> None:
        self.driver = Mortal(Mortal.Config())
        streams = Streams(self.driver)
        queue = self.driver.queue(streams, QueueSettings())
        self.source = DataSource("default", self.driver, DuckDBDialect(), queue, streams=streams)
        self.settings = SourceStoreSettings(**settings)  # type: ignore[arg-type]

    async def process(self) -> SourceStore:
        store = SourceStore(self.source, self.settings)
        await store.open()
        return store

    async def put(self, store: SourceStore, label: str, rows: Statement, **how: object) -> None:
        part = NewPart(label, "1", **how)  # type: ignore[arg-type]
        async with store.building(TABLE, label) as mine:
            assert mine
            await store.make(stored(rows), part, rows)

    async def numbers(self, store: SourceStore, table: str = TABLE) -> list[int]:
        await store.table(TABLE)
        statement = Statement(f'SELECT "number" FROM "{table}" AS "{table}" ORDER BY 1')
        found = await SourceReader(self.source, store).submit(statement, wait=50)
        assert not isinstance(found, Pending)
        return [int(number) for (number,) in found.rows]  # type: ignore[arg-type]

    async def tables(self) -> set[str]:
        found = await self.driver.rows("SELECT table_name FROM information_schema.tables")
        return {str(name) for (name,) in found if str(name).startswith("p_")}

    async def hours_later(self) -> None:
        """All that is due is dropped."""
        for moment in (1, -1):
            await self.driver.rows(f"UPDATE pre_aggregations.cuboid_builds SET until = {moment}")
            await (await self.process()).sweep()


@asynccontextmanager
async def opened(**settings: float) -> AsyncIterator[Opened]:
    database = Opened(**settings)
    try:
        yield database
    finally:
        await database.source.close()


async def test_a_late_answer_brings_no_older_rows_back() -> None:
    async with opened() as database:
        await database.put(await database.process(), "all", ROWS)
        store = await database.process()
        database.driver.late = ("SELECT contents", lambda: database.put(store, "all", OTHER_ROWS))
        assert await database.numbers(store) == [3]
        assert database.driver.late is None


async def test_a_process_may_be_killed_after_any_statement() -> None:
    ends = set()
    for statements in count():
        async with opened() as database:
            first = await database.process()
            await database.put(first, "all", ROWS)
            await database.put(first, "rest", OTHER_ROWS)
            victim = await database.process()
            database.driver.left = statements
            survived = True
            try:
                await database.put(victim, "all", OTHER_ROWS)
            except ConnectionFailed:
                survived = False
            alive = survived and database.driver.left > 0
            database.driver.left = float("inf")
            found = await database.numbers(await database.process())
            assert found in ([1, 2, 3], [3, 3]), statements
            ends.add(tuple(found))
            # Its right to build runs out, and another process has it built; nothing is left of what came to nothing.
            await database.driver.rows("UPDATE pre_aggregations.cuboid_leases SET until = 1")
            heir = await database.process()
            await database.put(heir, "all", ROWS)
            await database.hours_later()
            assert await database.numbers(await database.process()) == [1, 2, 3], statements
            assert len(await database.tables()) == 2, statements
            if alive:
                break
    assert ends == {(1, 2, 3), (3, 3)}
    assert statements > 10


async def test_a_build_that_was_given_up_is_not_published() -> None:
    async with opened() as database:
        store = await database.process()
        await database.put(store, "all", ROWS)
        ledger = store._ledger
        known = await ledger.read(TABLE)
        assert known is not None
        await ledger.drop_after(["p_0123456789ab_all_0123456789"], 60)
        await database.driver.rows("UPDATE pre_aggregations.cuboid_builds SET until = 1")
        await ledger.sweep()  # by another process, to which this one is gone
        with pytest.raises(QueryFailed, match="given up"):
            await ledger.change(
                TABLE, known.contents, lambda before: before, 60, "p_0123456789ab_all_0123456789"
            )
        assert await ledger.read(TABLE) == known


async def test_a_tail_is_shown_with_the_parts_before_it_under_a_name_of_its_own() -> None:
    january, february, march = (datetime(2024, month, 1) for month in (1, 2, 3))
    tail = "orders_live_ba9876543210"
    async with opened() as database:
        store = await database.process()
        await database.put(store, "20240101", ROWS, bounds=(january, february))
        await database.put(store, "20240201", OTHER_ROWS, bounds=(february, march))
        newest = Statement("SELECT 7 AS n")
        await database.put(store, "tail-1", newest, bounds=(february, datetime.max), tail=tail)
        assert await database.numbers(store) == [1, 2, 3]
        assert await database.numbers(store, tail) == [1, 2, 7]
        await store.drop_parts(TABLE, ["20240101", "20240201"])
        assert await database.numbers(store) == []
        assert await database.numbers(store, tail) == [7]
        await store.drop_parts(TABLE, ["tail-1"])
        assert await database.numbers(await database.process()) == []


async def test_two_processes_that_publish_at_once_lose_nothing() -> None:
    async with opened() as database:
        stores = [await database.process() for _ in range(4)]
        await database.put(stores[0], "0", ROWS)
        await asyncio.gather(
            *(database.put(store, str(index), OTHER_ROWS) for index, store in enumerate(stores, 1))
        )
        assert await database.numbers(await database.process()) == [1, 2, 3, 3, 3, 3]


async def test_the_right_to_build_is_one_processs_until_it_ends() -> None:
    async with opened() as database:
        one, other = await database.process(), await database.process()
        async with one.building(TABLE, "all") as mine, other.building(TABLE, "all") as theirs:
            assert (mine, theirs) == (True, False)
            assert not await other.drop(TABLE)
        async with other.building(TABLE, "all") as theirs:
            assert theirs
        assert await other.drop(TABLE)
        assert await other.table(TABLE) is None


@pytest.mark.parametrize("hours", [-5, 5])
async def test_the_right_to_build_runs_out_by_the_clock_of_the_database(
    hours: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(lease=60) as database:
        one, other = await database.process(), await database.process()
        await database.put(one, "all", ROWS)
        clock = time.time
        monkeypatch.setattr(time, "time", lambda: clock() + hours * 3600)
        async with one.building(TABLE, "all") as mine:
            monkeypatch.setattr(time, "time", clock)
            async with other.building(TABLE, "all") as theirs:
                assert (mine, theirs) == (True, False)
        ((until,),) = await database.driver.rows("SELECT MAX(until) FROM pre_aggregations.cuboid_leases")
        assert until is None
        await database.put(other, "all", OTHER_ROWS)
        monkeypatch.setattr(time, "time", lambda: clock() + hours * 3600)
        await one.sweep()  # what was replaced can be read for a while, whoever sweeps
        await one.sweep()
        assert len(await database.tables()) == 2


async def test_a_table_that_others_begin_to_build_is_not_removed() -> None:
    async with opened() as database:
        store, other = await database.process(), await database.process()
        await database.put(store, "all", ROWS)
        building = other.building(TABLE, "rest")
        database.driver.before = ("DELETE FROM", building.__aenter__)
        assert not await store.drop(TABLE)
        await building.__aexit__(None, None, None)
        database.driver.before = ("DELETE FROM", lambda: database.put(other, "rest", OTHER_ROWS))
        assert not await store.drop(TABLE)
        await database.hours_later()
        assert await database.numbers(await database.process()) == [1, 2, 3]
        assert await store.drop(TABLE)


async def test_a_table_that_cannot_be_dropped_keeps_no_other_from_it() -> None:
    async with opened() as database:
        store = await database.process()
        await database.put(store, "all", ROWS)
        stuck = "p_000000000000_x_0000000000"
        await database.driver.rows(f"CREATE VIEW pre_aggregations.{stuck} AS SELECT 1 AS n")
        await store._ledger.drop_after([stuck], 0)
        await database.put(store, "all", OTHER_ROWS)
        await database.hours_later()
        assert len(await database.tables()) == 2
        assert stuck in await database.tables()
        await database.driver.rows(f"DROP VIEW pre_aggregations.{stuck}")
        await database.driver.rows(f"CREATE TABLE pre_aggregations.{stuck} AS SELECT 1 AS n")
        await database.hours_later()
        assert stuck not in await database.tables()
        assert await database.numbers(store) == [3]


async def test_a_table_takes_no_part_of_another_definition() -> None:
    async with opened() as database:
        store = await database.process()
        one, other = (replace(stored(), definition=each) for each in ("one", "other"))
        async with store.building(TABLE, "a"):
            await store.make(one, NewPart("a", "1"), ROWS)
        for label in ("a", "b"):
            with pytest.raises(NotStored):
                await store.make(other, NewPart(label, "1"), ROWS)
        table = await store.table(TABLE)
        assert table is not None
        assert (table.definition, set(table.parts)) == ("one", {"a"})


async def test_rows_stream_out_too() -> None:
    async with opened() as database:
        store = await database.process()
        await database.put(store, "all", ROWS)
        reader = SourceReader(database.source, store)
        assert reader.streams_bounded
        statement = Statement(f'SELECT "number" FROM "{TABLE}" AS "{TABLE}" ORDER BY 1')
        batches = [batch async for batch in reader.stream(statement)]
        assert [row for batch in batches for row in batch] == [(1,), (2,)]
