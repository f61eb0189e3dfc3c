"""The rollup store: what goes in comes out, whole or not at all, for every process that looks."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from cuboid.errors import NotStored, QueryFailed
from cuboid.run.data_source import DataSource
from cuboid.run.queue import QueueSettings
from cuboid.run.store import NewPart, StoreSettings
from cuboid.run.stored import StoredRollup
from cuboid.types import Column, Job, Statement
from cuboid_duckdb.dialect import DuckDBDialect
from cuboid_duckdb.driver import quoted
from cuboid_duckdb.locks import FileLock
from cuboid_duckdb.store import DuckDBStore
from cuboid_duckdb.store_folder import TableFolder

COLUMNS = (
    Column("city", "string"),
    Column("amount", "number"),
    Column("paid", "boolean"),
    Column("at", "time"),
)


def rollup(*columns, table="orders_main_1a2b"):
    return StoredRollup(
        "orders.main", "UTC", table, columns or COLUMNS, "default", lambda bounds: Statement("")
    )


async def batches(*found):
    for each in found:
        yield each


async def fails(*found):
    for each in found:
        yield each
    raise QueryFailed("The source is gone.")


class Opened:
    """A store with a data source before its driver, as core has it."""

    def __init__(self, folder, **settings):
        self.store = DuckDBStore(StoreSettings(folder, **settings))
        reader = self.store.reader
        self.source = DataSource("rollups", reader, DuckDBDialect(), reader.queue(reader, QueueSettings()))

    async def __aenter__(self):
        await self.store.open()
        return self

    async def __aexit__(self, *_):
        await self.source.close()
        await self.store.close()

    async def put(self, stored, label, *rows):
        return await self.store.write(stored, NewPart(label, "1"), batches(*rows))

    async def rows(self, table="orders_main_1a2b", select="*", rest="ORDER BY ALL"):
        await self.store.table(table)
        statement = Statement(f"SELECT {select} FROM {quoted(table)} {rest}")
        return [tuple(row) for row in (await self.source.submit(statement, wait=50)).rows]


# ---------------------------------------------------------------- values


async def one_column(folder, meant, *parts):
    """What a column of that meaning holds after each part was stored as batches of one row."""
    async with Opened(folder) as opened:
        stored = rollup(Column("n", "number"), Column("value", meant))
        count = 0
        for number, cells in enumerate(parts):
            rows = [[(count + index, cell)] for index, cell in enumerate(cells)]
            count += len(cells)
            await opened.put(stored, f"part-{number}", *rows)
        return [value for _, value in await opened.rows()]


EXACT = {
    "integers": ("number", [1, -7, 2**53 + 1, None, 0]),
    "wide-integers": ("number", [1, 10**37, -(10**37) - 1]),
    "decimals": (
        "number",
        [Decimal("1.10"), Decimal("-0.0000000001"), None, Decimal("12345678901234567890.5")],
    ),
    "many-digits": ("number", [Decimal("0.12345678901234567890123456789012345678"), Decimal("-0.1")]),
    "integers-then-decimals": ("number", [3, Decimal("0.25"), 4]),
    "floats": ("number", [0.1, 1e300, -5e-324, None]),
    "texts": ("string", ["", "O'Hare", 'a"b', "\\ % _", "Žluťoučký 🐎", "a\nb\x00c", None]),
    "booleans": ("boolean", [True, None, False]),
    "times": (
        "time",
        [datetime(2024, 2, 29, 23, 59, 59, 123456), None, datetime(1, 1, 1), datetime(9999, 12, 31)],
    ),
    "json": ("string", [{"a": [1, None]}, None, ["x"]]),
    "nothing": ("number", [None, None]),
}


@pytest.mark.parametrize("name", EXACT)
async def test_cells_come_back_as_they_went_in(tmp_path, name):
    meant, cells = EXACT[name]
    came = await one_column(tmp_path, meant, cells)
    assert came == cells
    # Decimal("1.10") == 1.1 and True == 1: the types count too, but for whole numbers among decimals.
    assert [type(each) for each in came if type(each) is not Decimal] == [
        type(each) for each, back in zip(cells, came, strict=True) if type(back) is not Decimal
    ]


async def test_a_column_is_as_wide_as_all_parts_together_need(tmp_path):
    parts = ([1, 2], [Decimal("0.5")], [None], [10**20], [Decimal("0.0001")])
    came = await one_column(tmp_path, "number", *parts)
    assert came == [cell for part in parts for cell in part]


async def test_numbers_that_no_decimal_holds_become_floating_point(tmp_path):
    assert await one_column(tmp_path, "number", [10**40, 1]) == [1e40, 1.0]
    assert await one_column(tmp_path / "2", "number", [Decimal(10**30), Decimal("1e-20")]) == [1e30, 1e-20]


async def test_a_text_column_stays_one_though_its_source_keeps_numbers(tmp_path):
    assert await one_column(tmp_path, "string", [1, None, 20], ["x"]) == ["1", None, "20", "x"]


async def test_zeros_and_ones_of_engines_without_booleans_are_booleans(tmp_path):
    assert await one_column(tmp_path, "boolean", [1, 0, None]) == [True, False, None]


async def test_many_rows_go_through_several_files(tmp_path, monkeypatch):
    monkeypatch.setattr("cuboid_duckdb.store_writer.FILE_ROWS", 50_000)
    stored = rollup(Column("n", "number"), Column("text", "string"))
    chunks = [[(i, f"row {i % 97}") for i in range(at, at + 5000)] for at in range(0, 130_000, 5000)]
    async with Opened(tmp_path) as opened:
        built = await opened.put(stored, "all", *chunks)
        assert built.rows == 130_000
        found = await opened.rows(select="count(*), count(DISTINCT n), sum(n), count(DISTINCT text)", rest="")
    assert found == [(130_000, 130_000, sum(range(130_000)), 97)]
    assert len(list(tmp_path.rglob("*.parquet"))) == 3


async def test_rows_are_kept_in_the_order_that_the_rollup_wants(tmp_path):
    stored = replace(rollup(Column("n", "number"), Column("m", "number")), order=("m", "n"))
    rows = [(i * 7 % 10, i % 3) for i in range(10)]
    async with Opened(tmp_path) as opened:
        await opened.put(stored, "all", rows)
        assert await opened.rows(rest="") == sorted(rows, key=lambda row: (row[1], row[0]))


# ---------------------------------------------------------------- publishing


ROW = ("Berlin", Decimal("9.50"), True, datetime(2024, 1, 1))


async def test_a_rollup_without_rows_is_built(tmp_path):
    async with Opened(tmp_path) as opened:
        assert await opened.store.table("orders_main_1a2b") is None
        await opened.put(rollup(), "all")
        assert (await opened.store.table("orders_main_1a2b")).parts["all"].rows == 0
        assert await opened.rows() == []
        assert await opened.rows(select="typeof(any_value(city)), sum(amount)", rest="") == [
            ("VARCHAR", None)
        ]


async def test_a_part_is_swapped_alone(tmp_path):
    async with Opened(tmp_path) as opened:
        stored = rollup(Column("n", "number"))
        await opened.put(stored, "2024-01", [(1,)])
        await opened.put(stored, "2024-02", [(2,), (3,)])
        await opened.put(stored, "2024-01", [(10,)])
        assert await opened.rows() == [(2,), (3,), (10,)]
        table = await opened.store.table(stored.table)
        assert {label: part.rows for label, part in table.parts.items()} == {"2024-01": 1, "2024-02": 2}
        await opened.store.drop_parts(stored.table, ["2024-02", "2023-12"])
        assert await opened.rows() == [(10,)]


async def test_a_build_that_fails_changes_nothing(tmp_path):
    async with Opened(tmp_path) as opened:
        await opened.put(rollup(), "all", [ROW])
        with pytest.raises(QueryFailed, match="The source is gone"):
            await opened.store.write(rollup(), NewPart("all", "2"), fails([ROW] * 30_000))
        assert await opened.rows() == [ROW]
        assert len(list(tmp_path.rglob("*.parquet"))) == 1


async def test_a_statement_that_has_begun_reads_on_in_what_was_replaced(tmp_path):
    async with Opened(tmp_path) as opened:
        stored = rollup(Column("n", "number"))
        await opened.put(stored, "all", [(i,) for i in range(300_000)])
        await opened.store.table(stored.table)
        seen = []
        reader = opened.store.reader
        await reader.open()
        async for batch in reader.stream(Job("1", "1", Statement(f'SELECT n FROM "{stored.table}"'))):
            if not seen:
                await opened.put(stored, "all", [(-1,)])
                await opened.store.sweep()
                assert await opened.rows() == [(-1,)]
            seen += batch
        assert len(seen) == 300_000


async def test_what_was_replaced_is_removed_in_time(tmp_path):
    async with Opened(tmp_path, replaced_for=0.0) as opened:
        for number in range(3):
            await opened.put(rollup(Column("n", "number")), "all", [(number,)])
        await opened.store.sweep()
        assert await opened.rows() == [(2,)]
    assert len(list(tmp_path.rglob("*.parquet"))) == 1


async def test_a_table_takes_no_part_of_another_definition(tmp_path):
    one, other = (replace(rollup(Column("n", "number")), definition=each) for each in ("one", "other"))
    async with Opened(tmp_path) as opened:
        await opened.put(one, "a", [(1,)])
        for label in ("a", "b"):
            with pytest.raises(NotStored):
                await opened.put(other, label, [(2,)])
        assert await opened.rows() == [(1,)]
    async with Opened(tmp_path) as opened:
        assert (await opened.store.table("orders_main_1a2b")).definition == "one"


async def test_a_dropped_table_is_gone(tmp_path):
    async with Opened(tmp_path) as opened:
        await opened.put(rollup(), "all", [ROW])
        await opened.rows()
        assert await opened.store.drop("orders_main_1a2b")
        assert await opened.store.table("orders_main_1a2b") is None
        assert await opened.store.tables() == ()
        await opened.put(rollup(), "all", [ROW])
        assert await opened.rows() == [ROW]


async def test_the_catalogue_tells_what_is_there(tmp_path):
    async with Opened(tmp_path) as opened:
        before = datetime.now(UTC)
        await opened.put(rollup(), "all", [ROW])
        await opened.store.used("orders_main_1a2b")
        (table,) = await opened.store.tables()
    assert (table.name, table.rollup, table.zone) == ("orders_main_1a2b", "orders.main", "UTC")
    assert table.columns == COLUMNS
    part = table.parts["all"]
    assert (part.version, part.rows) == ("1", 1)
    assert part.bytes > 0
    assert before <= part.built_at <= datetime.now(UTC)
    assert (table.used_at - before).total_seconds() > -1


async def test_names_with_quotes_and_folders_with_patterns(tmp_path):
    folder = tmp_path / "it's [a-z]*" / "r"
    table = "a\"b/../c'd" + "x" * 150
    async with Opened(folder) as opened:
        stored = rollup(Column("n\"'", "number"), table=table)
        await opened.put(stored, "all", [(1,)])
        assert await opened.rows(table) == [(1,)]
    assert [each.name for each in tmp_path.iterdir()] == ["it's [a-z]*"]


async def test_the_reader_sees_nothing_but_the_store(tmp_path):
    (tmp_path / "secret.csv").write_text("secret\n1\n")
    async with Opened(tmp_path / "store") as opened:
        await opened.put(rollup(), "all", [ROW])
        await opened.rows()
        with pytest.raises(QueryFailed, match="Permission"):
            await opened.source.submit(Statement(f"FROM read_csv('{tmp_path}/secret.csv')"), wait=50)


async def test_a_store_without_a_folder_lives_as_long_as_its_process():
    async with Opened(None) as opened:
        await opened.put(rollup(), "all", [ROW])
        assert await opened.rows() == [ROW]
        folder = opened.store._root
        assert folder.is_dir()
    assert not folder.exists()


# ---------------------------------------------------------------- several processes


async def test_two_processes_see_each_others_parts(tmp_path):
    stored = rollup(Column("n", "number"))
    async with Opened(tmp_path) as one, Opened(tmp_path) as other:
        await one.put(stored, "a", [(1,)])
        assert await other.rows() == [(1,)]
        await other.put(stored, "b", [(2,)])
        assert await one.rows() == [(1,), (2,)]
        async with (
            one.store.building(stored.table, "a") as first,
            other.store.building(stored.table, "a") as second,
        ):
            assert (first, second) == (True, False)
            async with other.store.building(stored.table, "b") as third:
                assert third
        async with other.store.building(stored.table, "a") as again:
            assert again


CHILD = """
    import asyncio, sys
    from pathlib import Path
    from cuboid.run.store import NewPart, StoreSettings
    from cuboid.run.stored import StoredRollup
    from cuboid.types import Column, Job, Statement
    from cuboid_duckdb.store import DuckDBStore

    async def endless():
        for batch in range(10**9):
            yield [(batch,)] * 5000
            if batch == 20:
                print("building", flush=True)
            await asyncio.sleep(0)

    async def main():
        store = DuckDBStore(StoreSettings(Path(sys.argv[1])))
        await store.open()
        stored = StoredRollup("orders.main", "UTC", "orders_main_1a2b", (Column("n", "number"),), "default",
                              lambda bounds: Statement(""))
        async with store.building(stored.table, "all") as mine:
            assert mine
            if sys.argv[2] == "build":
                await store.write(stored, NewPart("all", "2"), endless())
            else:
                async def few(number):
                    yield [(number,)] * 1000
                print("building", flush=True)
                for number in range(10**9):
                    await store.write(stored, NewPart("all", str(number)), few(number))

    asyncio.run(main())
"""


@contextmanager
def child(folder, what):
    """A process that builds without end; killed, if the test has not done it."""
    command = [sys.executable, "-c", textwrap.dedent(CHILD), str(folder), what]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "building\n"
            yield process
        finally:
            process.kill()


async def test_a_killed_build_leaves_the_old_rows_and_no_litter(tmp_path):
    stored = rollup(Column("n", "number"))
    async with Opened(tmp_path) as opened:
        await opened.put(stored, "all", [(1,)])
        with child(tmp_path, "build"):
            async with opened.store.building(stored.table, "all") as mine:
                assert not mine
            await opened.store.sweep()  # what is being built is no litter
            assert len([each for each in tmp_path.rglob("all.*") if each.is_dir()]) == 2
            assert not await opened.store.drop(stored.table)
        assert await opened.rows() == [(1,)]
        async with opened.store.building(stored.table, "all") as mine:
            assert mine
    async with Opened(tmp_path) as opened:
        assert await opened.rows() == [(1,)]
        assert len([each for each in tmp_path.rglob("all.*") if each.is_dir()]) == 1


async def test_killed_at_any_moment_a_swap_has_happened_or_not(tmp_path):
    """The child replaces the part without end; each kill hits another moment of it."""
    for delay in range(12):
        with child(tmp_path, "swap"):
            await asyncio.sleep(0.03 + delay * 0.037)
        async with Opened(tmp_path, replaced_for=0.0) as opened:
            table = await opened.store.table("orders_main_1a2b")
            if table is None:
                continue  # killed before its first part was there
            rows = await opened.rows()
            assert len(rows) == 1000
            assert len(set(rows)) == 1
            assert str(rows[0][0]) == table.parts["all"].version
            assert len(list(tmp_path.rglob("*.parquet"))) == 1
    assert table is not None


def test_a_lock_whose_file_was_removed_is_taken_anew(tmp_path):
    one, other = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    assert one.acquire()
    assert not other.acquire(wait=False)
    os.unlink(tmp_path / "lock")
    assert other.acquire(wait=False)
    one.release()
    other.release()


async def test_whoever_is_cancelled_while_he_takes_the_right_to_build_has_it_not(tmp_path):
    """One thread, kept busy between its two steps, so that the lock is taken after the cancellation."""
    busy, threads = threading.Event(), ThreadPoolExecutor(1)
    async with Opened(tmp_path) as opened:
        asyncio.get_running_loop().set_default_executor(threads)

        async def build():
            async with opened.store.building("orders_main_1a2b", "all"):
                raise AssertionError("it was cancelled before")

        building = asyncio.ensure_future(build())
        while not TableFolder(tmp_path, "orders_main_1a2b").path.exists():  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0)
        blocked = threads.submit(busy.wait)
        while not blocked.running() or threads._work_queue.empty():  # noqa: ASYNC110 - until it would take the lock
            await asyncio.sleep(0)
        building.cancel()
        await asyncio.sleep(0)
        busy.set()
        with pytest.raises(asyncio.CancelledError):
            await building
        async with opened.store.building("orders_main_1a2b", "all") as mine:
            assert mine


async def test_a_tail_is_shown_with_the_parts_that_end_before_it(tmp_path):
    january, february, march, april = (datetime(2024, month, 1) for month in (1, 2, 3, 4))
    async with Opened(tmp_path) as opened:
        stored = rollup(Column("city", "string"))

        async def put(label, bounds, *, tail=None):
            part = NewPart(label, "1", None, bounds, tail)
            await opened.store.write(stored, part, batches([(label,)]))

        await put("rest", None)
        await put("20240101", (january, february))
        await put("tail-1", (february, datetime.max), tail="orders_live")
        await put("20240201", (february, march))
        assert await opened.rows() == [("20240101",), ("20240201",), ("rest",)]
        assert await opened.rows("orders_live") == [("20240101",), ("rest",), ("tail-1",)]
        await put("tail-1", (march, datetime.max), tail="orders_live")
        await put("20240301", (march, april))
        await opened.store.table(stored.table)
        assert await opened.rows("orders_live") == [("20240101",), ("20240201",), ("rest",), ("tail-1",)]
        assert await opened.store.drop("orders_main_1a2b")
        with pytest.raises(QueryFailed, match="orders_live"):
            await opened.rows("orders_live")


async def test_a_statement_over_some_times_opens_no_files_of_others(tmp_path):
    """Of hundreds of parts; rows without a time, and those of a bucket that begins before its part, are there too."""
    first = datetime(2020, 1, 1)
    days = [first + timedelta(days=day) for day in range(150)]
    async with Opened(tmp_path) as opened:
        stored = replace(rollup(Column("n", "number"), Column("at", "time")), time="at")
        for number, day in enumerate(days):
            part = NewPart(f"{day:%Y%m%d}", "1", None, (day, day + timedelta(days=1)))
            rows = [(number, day), (1000 + number, day - timedelta(days=6))]
            await opened.store.write(stored, part, batches(rows))
        await opened.store.write(stored, NewPart("rest", "1"), batches([(None, None)]))
        expected = [*range(150), *range(1000, 1150), None]
        assert await opened.rows(select="n") == [(each,) for each in expected]
        late = "WHERE \"at\" >= TIMESTAMP '2020-05-20' ORDER BY ALL"
        june = await opened.rows(select="n", rest=late)
        assert june == [(each,) for each in range(140, 150)] + [(each,) for each in range(1146, 1150)]
        for path in opened.store._root.glob("*/2020011*/*.parquet"):
            path.write_bytes(b"no longer one")
        assert await opened.rows(select="n", rest=late) == june
        with pytest.raises(QueryFailed):
            await opened.rows(select="n")
