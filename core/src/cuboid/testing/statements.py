"""Running, failing, interrupting and streaming: what a driver does beside translating."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlglot import exp

from cuboid.errors import CuboidError, DriverError, QueryFailed, UnsupportedFeature
from cuboid.run.driver import Driver
from cuboid.sql.dialect import number, text
from cuboid.sql.reading import aliased
from cuboid.testing.compose import Composer, digits, index, select
from cuboid.testing.live import Open, job, live
from cuboid.testing.subject import Subject
from cuboid.types import ColumnInfo, ForeignKeyInfo, SemanticType, Statement, TableInfo

BROKEN = (
    "SELEC 1",
    "SELECT 1 FROM",
    "SELECT kit_no_such_column",
    "SELECT * FROM kit_no_such_table_4711",
    "SELECT kit_no_such_function_4711(1)",
    "SELECT '",
)

STREAMED = 5
"""Places of the streams that are read to their end: 100,000 rows."""

UNREAD_MEMORY = 200_000_000
"""Bytes that a stream may take while a little of it is read."""


class Statements(Subject):
    """``execute``, ``interrupt``, ``stream``, ``introspect``."""

    # ------------------------------------------------------------ failing

    @pytest.mark.parametrize("sql", BROKEN)
    @live
    async def test_a_broken_statement_is_a_failed_query_and_the_next_one_works(
        self, source: Open, sql: str
    ) -> None:
        for _ in range(3):
            with pytest.raises(QueryFailed) as caught:
                await source.run(Statement(sql))
            assert caught.value.message.strip(), "the error has no message"
            assert await source.one() == 1

    @live
    async def test_statements_of_the_same_driver_fail_alone(self, source: Open) -> None:
        outcomes = await asyncio.gather(
            *(source.run(Statement(sql)) if n % 2 else source.one() for n, sql in enumerate(BROKEN[:5])),
            return_exceptions=True,
        )
        assert [type(each) for each in outcomes] == [int, QueryFailed, int, QueryFailed, int]

    @live
    async def test_many_statements_in_a_row_leave_nothing_behind(self, source: Open) -> None:
        before = _open_files()
        for n in range(60):
            composer = source.composer()
            rows = await source.rows(
                composer, select(n=composer.parameter(str(n), "string")), ("n", "string")
            )
            assert rows == [(str(n),)]
        assert _open_files() <= before + 5

    # ------------------------------------------------------------ the event loop

    @live
    async def test_the_event_loop_goes_on_while_a_statement_runs(self, source: Open) -> None:
        running = asyncio.ensure_future(source.run(self.slow_statement()))
        for _ in range(20):
            await asyncio.sleep(0.01)
        # Were the loop blocked until the statement's end, it would have ended.
        assert not running.done(), "the event loop was blocked, or the slow statement is not slow"
        await self.leave(running)

    @live
    async def test_statements_run_side_by_side(self, source: Open) -> None:
        running = asyncio.ensure_future(source.run(self.slow_statement()))
        await asyncio.sleep(0.1)
        assert [await source.one() for _ in range(5)] == [1] * 5
        assert not running.done()
        await self.leave(running)

    @live
    async def test_a_caller_that_leaves_stops_its_statement(self, source: Open) -> None:
        running = asyncio.ensure_future(source.run(self.slow_statement()))
        await asyncio.sleep(0.2)
        await self.leave(running)
        await self.gone(source)
        assert await source.one() == 1

    # ------------------------------------------------------------ interrupting

    @live
    async def test_an_interrupt_that_is_not_declared_raises(self, source: Open) -> None:
        if not self.can("interrupt"):
            with pytest.raises(UnsupportedFeature):
                await source.driver.interrupt(job(self.slow_statement()))

    @live
    async def test_an_interrupt_stops_that_statement_and_no_other(self, source: Open) -> None:
        if not self.can("interrupt"):
            return
        first, second = job(self.slow_statement()), job(self.slow_statement())
        runs = [asyncio.ensure_future(source.driver.execute(each)) for each in (first, second)]
        await asyncio.sleep(0.3)
        await source.driver.interrupt(first)
        with pytest.raises(QueryFailed):
            await runs[0]
        assert not runs[1].done(), "an interrupt stopped another statement"
        assert await source.one() == 1
        assert not runs[1].done()
        await source.driver.interrupt(second)
        with pytest.raises(QueryFailed):
            await runs[1]
        await self.gone(source)

    @live
    async def test_an_interrupt_is_never_too_early(self, source: Open) -> None:
        """Asked for before the statement has reached the database, most databases would forget it."""
        if not self.can("interrupt"):
            return
        for turns in (0, 1, 2, 5):
            each = job(self.slow_statement())
            run = asyncio.ensure_future(source.driver.execute(each))
            for _ in range(turns):
                await asyncio.sleep(0)
            if turns == 0:
                await asyncio.sleep(0)  # a task that never began has no run to interrupt
            await source.driver.interrupt(each)
            with pytest.raises(QueryFailed):
                await run
        await self.gone(source)
        assert await source.one() == 1

    @live
    async def test_an_interrupt_that_comes_late_is_harmless(self, source: Open) -> None:
        """It must not hit the next statement on the same connection."""
        if not self.can("interrupt"):
            return
        quick = Composer(source.dialect).statement(select(one=number(1)), ("one", "number"))
        await source.driver.interrupt(job(quick))  # never ran
        for _ in range(10):
            each = job(quick)
            await source.driver.execute(each)
            late = asyncio.ensure_future(source.driver.interrupt(each))
            assert await source.one() == 1
            await late
            assert await source.one() == 1

    @live
    async def test_interrupts_at_any_moment_hit_their_own_statement_only(self, source: Open) -> None:
        if not self.can("interrupt"):
            return
        chance = random.Random(7)  # noqa: S311 - the same moments in every run
        composer = Composer(source.dialect)
        quick = composer.statement(select(one=composer.parameter("x", "string")), ("one", "string"))

        async def hit() -> None:
            each = job(quick)
            run = asyncio.ensure_future(source.driver.execute(each))
            await asyncio.sleep(chance.random() * 0.004)
            await source.driver.interrupt(each)
            with suppress(QueryFailed):
                assert list((await run).rows) == [("x",)]

        async def undisturbed() -> None:
            for _ in range(5):
                assert await source.one() == 1
                await asyncio.sleep(chance.random() * 0.002)

        for _ in range(6):
            await asyncio.gather(*(hit() if n % 2 else undisturbed() for n in range(4)))
        assert [await source.one() for _ in range(5)] == [1] * 5

    # ------------------------------------------------------------ streams

    @live
    async def test_a_stream_that_is_not_declared_raises(self, source: Open) -> None:
        if self.can("stream"):
            return
        with pytest.raises(UnsupportedFeature):
            async for _ in source.driver.stream(job(_rows(source, 1, 1))):
                pass

    @live
    async def test_a_stream_has_every_row_once_in_batches(self, source: Open) -> None:
        if not self.can("stream"):
            return
        total = count = largest = 0
        async for batch in source.driver.stream(job(_rows(source, STREAMED, 1)), batch_rows=7000):
            assert len(batch) > 0
            largest = max(largest, len(batch))
            count += len(batch)
            total += sum(row[0] for row in batch)  # type: ignore[misc]
        assert largest <= 7000, "batches are larger than they may be"
        assert (count, total) == (10**STREAMED, sum(range(10**STREAMED)))
        assert await source.one() == 1

    @live
    async def test_a_stream_has_the_cells_of_execute(self, source: Open) -> None:
        if not self.can("stream"):
            return
        composer = source.composer()
        tree = select(s=composer.parameter("it's", "string"), t=exp.null(), n=number(3))
        statement = composer.statement(tree, ("s", "string"), ("t", "string"), ("n", "number"))
        streamed = [row async for batch in source.driver.stream(job(statement)) for row in batch]
        assert streamed == list((await source.run(statement)).rows)

    @live
    async def test_a_stream_of_nothing_ends(self, source: Open) -> None:
        if not self.can("stream"):
            return
        nothing = source.composer().statement(select(n=number(1)).where(exp.false()), ("n", "number"))
        assert [batch async for batch in source.driver.stream(job(nothing)) if batch] == []

    @live
    async def test_a_stream_fails_like_a_query(self, source: Open) -> None:
        if not self.can("stream"):
            return
        with pytest.raises(QueryFailed):
            async for _ in source.driver.stream(job(Statement("SELEC 1"))):
                pass
        assert await source.one() == 1

    @live
    async def test_a_stream_that_is_left_takes_little_memory_and_stops(self, source: Open) -> None:
        if not self.can("stream"):
            return
        before = _memory()
        for _ in range(2):
            # aclosing and the annotation: the contract names an iterator, drivers write a generator.
            async with aclosing(source.driver.stream(job(_rows(source, self.unread_places, 100)))) as stream:  # type: ignore[type-var]
                async for batch in stream:
                    assert 0 < len(batch) <= 5000
                    break
            assert await source.one() == 1
        assert _memory() - before < UNREAD_MEMORY, "the stream reads more than it is asked for"

    @live
    async def test_a_stream_can_be_interrupted(self, source: Open) -> None:
        if not (self.can("stream") and self.can("interrupt")):
            return
        each = job(_rows(source, self.unread_places, 100))

        async def read() -> None:
            async for _ in source.driver.stream(each):
                await asyncio.sleep(0.01)

        reading = asyncio.ensure_future(read())
        await asyncio.sleep(0.2)
        assert not reading.done()
        await source.driver.interrupt(each)
        with pytest.raises(DriverError):
            await reading
        assert await source.one() == 1

    # ------------------------------------------------------------ introspection

    @live
    async def test_tables_are_listed_in_order_or_it_raises(self, source: Open) -> None:
        if not self.can("introspect"):
            with pytest.raises(UnsupportedFeature):
                await source.driver.introspect()
            return
        tables = await source.driver.introspect()
        assert isinstance(tables, tuple)
        assert [(each.schema, each.name) for each in tables] == sorted(
            (each.schema, each.name) for each in tables
        )
        for table in tables:
            assert isinstance(table, TableInfo)
            assert all(isinstance(each, ColumnInfo) for each in table.columns)
            assert all(isinstance(each, ForeignKeyInfo) for each in table.foreign_keys)
            known = {each.name for each in table.columns}
            assert len(known) == len(table.columns), table.name
            assert {each.type for each in table.columns} <= {"string", "number", "boolean", "time"}
            for key in table.foreign_keys:
                assert set(key.columns) <= known
                assert len(key.columns) == len(key.target_columns)

    # ------------------------------------------------------------ capabilities

    def test_capabilities_that_work_are_declared(self) -> None:
        """A driver that can and does not say so is a driver nobody asks."""
        theirs, ours = self.driver_class, Driver
        for method, capability in (
            ("interrupt", "interrupt"),
            ("stream", "stream"),
            ("introspect", "introspect"),
        ):
            written = getattr(theirs, method) is not getattr(ours, method)
            written |= method == "introspect" and theirs.introspection is not None
            assert written == self.can(capability), f"{method}() and the capability '{capability}' disagree"
        try:
            self.dialect.approx_count_distinct(exp.column("value"))
        except UnsupportedFeature:
            assert not self.can("approx_count_distinct")
        else:
            assert self.can("approx_count_distinct")

    # ------------------------------------------------------------ slow statements

    async def leave(self, running: asyncio.Future[Any]) -> None:
        """Cancels the task that waits for a statement."""
        running.cancel()
        await asyncio.wait({running})
        assert running.cancelled() or isinstance(running.exception(), CuboidError)

    async def gone(self, source: Open) -> None:
        """Once no slow statement runs on the server any more; where that can be seen."""
        if self.embedded:
            await until(_idle)
        sql = self.running_slow_statements()
        if sql is None:
            return

        async def none_left() -> bool:
            return list((await source.run(Statement(sql))).rows) == [(0,)]

        await until(none_left)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Waits; the test's deadline is the limit."""
    while not await condition():  # noqa: ASYNC110 - a server's end of a statement is no event of this loop
        await asyncio.sleep(0.02)


async def _idle() -> bool:
    """Whether this process computes next to nothing; a statement takes a good part of a core at least."""
    for _ in range(3):  # on a busy machine a statement may get no time for a moment
        before = time.process_time()
        await asyncio.sleep(0.15)
        if time.process_time() - before > 0.01:
            return False
    return True


def _rows(source: Open, places: int, width: int) -> Statement:
    """10 ** places rows: a number and a text of so many characters."""
    tree = digits(places).select(aliased(index(places), "n"), aliased(text("x" * width), "s"))
    columns: tuple[tuple[str, SemanticType], ...] = (("n", "number"), ("s", "string"))
    return Composer(source.dialect).statement(tree, *columns)


def _memory() -> int:
    """Bytes of this process in memory; 0 where that cannot be asked."""
    status = Path("/proc/self/statm")
    return int(status.read_text().split()[1]) * 4096 if status.exists() else 0


def _open_files() -> int:
    """File descriptors of this process; 0 where that cannot be asked."""
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.exists() else 0
