"""The rollup store on a server: what goes in comes out, whole or not at all, for every process that looks."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count

import pytest
from tests.engines.admin import admin, new_database

from cuboid.errors import ConnectionFailed, NotStored, QueryFailed
from cuboid.run.data_source import DataSource
from cuboid.run.kinds import Kind
from cuboid.run.queue import QueueSettings
from cuboid.run.store import NewPart, StoreSettings
from cuboid.run.stored import StoredRollup
from cuboid.types import Column, Job, Statement
from cuboid_clickhouse import store as stores
from cuboid_clickhouse import store_log, store_writer
from cuboid_clickhouse.config import ClickHouseConfig
from cuboid_clickhouse.dialect import ClickHouseDialect
from cuboid_clickhouse.driver import ClickHouseDriver
from cuboid_clickhouse.store_server import StoreServer
from cuboid_clickhouse.store_types import kept_type, shown_type

TABLE = "orders_main_0123456789ab"
COLUMNS = (
    Column("city", "string"),
    Column("amount", "number"),
    Column("paid", "boolean"),
    Column("at", "time"),
)
NUMBER = (Column("n", "number"),)
ROW = ("Berlin", Decimal("9.50"), True, datetime(2024, 1, 1))


def rollup(*columns, table=TABLE):
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


class Mortal(StoreServer):
    """Sends no statement any more after some: as a process that was killed."""

    left = float("inf")

    def _try(self, what, *arguments, **named):
        if self.left <= 0:
            raise ConnectionFailed("Killed.")
        self.left -= 1
        return super()._try(what, *arguments, **named)


class Process:
    """A store with a data source before its driver, as core has it in each process."""

    def __init__(self, config, **settings):
        self.store = ClickHouseDriver(config).store(StoreSettings(**settings))
        reader = self.store.reader
        self.source = DataSource(
            "rollups", reader, ClickHouseDialect(), reader.queue(reader, QueueSettings())
        )

    async def close(self):
        await self.source.close()
        await self.store.close()

    async def put(self, stored, label, *rows, **how):
        async with self.store.building(stored.table, label) as mine:
            assert mine
            return await self.store.write(stored, NewPart(label, "1", **how), batches(*rows))

    async def rows(self, table=TABLE, select="*", rest="ORDER BY ALL", known_as=None):
        await self.store.table(known_as or table)
        found = await self.source.submit(Statement(f'SELECT {select} FROM "{table}" {rest}'), wait=50)
        return [tuple(row) for row in found.rows]

    def sweep_hours_later(self):
        """What killed processes have left is given up, and what is gone is removed."""
        self.store._log.sweep(0, 0)
        self.store._log.sweep(0, 0)


@pytest.fixture
def config(clickhouse_server):
    with new_database(clickhouse_server) as server:
        names = ("host", "port", "database", "user", "password")
        yield ClickHouseConfig.model_validate({name: getattr(server, name) for name in names})


@pytest.fixture
def process(config, made, monkeypatch):
    """Makes processes that use one store; each sees at once what the others have done."""
    monkeypatch.setattr(stores, "KNOWN_SECONDS", 0.0)
    monkeypatch.setattr(stores, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(stores, "StoreServer", Mortal)

    def make(**settings):
        made.append(Process(config, **settings))
        return made[-1]

    return make


@pytest.fixture
def hours_later(monkeypatch):
    monkeypatch.setattr(store_log, "GONE_SECONDS", -3600)
    monkeypatch.setattr(store_log, "EMPTY_SECONDS", -3600)


@pytest.fixture
def on_server(config, clickhouse_server):
    """Asks the server past the store."""

    def ask(sql):
        with admin(replace(clickhouse_server, database=config.database)) as connection:
            return connection.run(sql)

    return ask


# ---------------------------------------------------------------- values


async def one_column(process, meant, *parts):
    """What a column of that meaning holds after each part was stored."""
    stored = rollup(Column("n", "number"), Column("value", meant))
    number = 0
    for label, cells in enumerate(parts):
        await process.put(
            stored, f"part-{label}", [(number + index, cell) for index, cell in enumerate(cells)]
        )
        number += len(cells)
    return [value for _, value in await process.rows()]


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
        [
            datetime(2024, 2, 29, 23, 59, 59, 123456),
            None,
            datetime(1969, 12, 31, 23, 59, 59, 999999),
            datetime(1900, 1, 1),
            datetime(2299, 12, 31, 23, 59, 59, 999999),
        ],
    ),
    "nothing": ("number", [None, None]),
}


@pytest.mark.parametrize("name", EXACT)
async def test_cells_come_back_as_they_went_in(process, name):
    meant, cells = EXACT[name]
    came = await one_column(process(), meant, cells)
    assert came == cells
    # Decimal("1.10") == 1.1 and True == 1: the types count too, but for whole numbers among decimals.
    assert [type(each) for each in came if type(each) is not Decimal] == [
        type(each) for each, back in zip(cells, came, strict=True) if type(back) is not Decimal
    ]


async def test_a_column_is_as_wide_as_all_parts_together_need(process):
    parts = ([1, 2], [Decimal("0.5")], [None], [10**20], [Decimal("0.0001")])
    assert await one_column(process(), "number", *parts) == [cell for part in parts for cell in part]


async def test_a_column_that_grows_wider_within_a_part(process, monkeypatch):
    monkeypatch.setattr(store_writer, "CHUNK_ROWS", 2)
    one = process()
    stored = rollup(Column("n", "number"), Column("value", "number"))
    cells = [1, 2, Decimal("0.5"), 3, 10**20, None, 1e300, 4]
    built = await one.put(stored, "all", *[[pair] for pair in enumerate(cells)])
    assert built.rows == 8
    # A float among them: then all are floats, each the nearest.
    assert [value for _, value in await one.rows()] == [
        None if each is None else float(each) for each in cells
    ]


async def test_a_decimal_beside_floats_is_the_nearest_of_them(process):
    decimals = [Decimal("123456789.123456789"), Decimal("0.1")]
    assert await one_column(process(), "number", decimals, [0.5]) == [123456789.123456789, 0.1, 0.5]


async def test_numbers_that_no_decimal_holds_become_floating_point(process):
    assert await one_column(process(), "number", [10**40, 1]) == [1e40, 1.0]


async def test_a_text_column_stays_one_though_its_source_keeps_numbers(process):
    assert await one_column(process(), "string", [1, None, 20], ["x"]) == ["1", None, "20", "x"]


async def test_zeros_and_ones_of_engines_without_booleans_are_booleans(process):
    assert await one_column(process(), "boolean", [1, 0, None]) == [True, False, None]


@pytest.mark.parametrize(
    ("values", "total"),
    [
        ([9 * 10**17] * 20, 18 * 10**18),
        ([9 * 10**36] * 20, 18 * 10**37),
        ([Decimal("9.5") * 10**34] * 20, Decimal("190") * 10**34),
    ],
    ids=["integers", "wide-integers", "decimals"],
)
async def test_sums_do_not_wrap_around(process, values, total):
    one = process()
    await one.put(rollup(*NUMBER), "all", [(each,) for each in values])
    assert await one.rows(select="sum(n)", rest="") == [(total,)]


def test_a_sum_of_ten_billion_rows_has_room():
    for digits in range(1, 39):
        largest = (10**digits - 1) * 10**10
        rooms = {"Int64": 2**63, "Int128": 2**127, "Decimal(38, 0)": 10**38, "Decimal(76, 0)": 10**76}
        assert largest < rooms[shown_type(Kind("integer", digits, 0), "number")]
        assert 10**digits - 1 < rooms[kept_type(Kind("integer", digits, 0), "number")]


@pytest.mark.parametrize("moment", [datetime(1899, 12, 31, 23, 59, 59), datetime(2300, 1, 1)])
async def test_times_that_the_server_has_not_are_refused(process, moment):
    one = process()
    await one.put(rollup(), "all", [ROW])
    with pytest.raises(NotStored, match="'at' has the time"):
        await one.put(rollup(), "all", [ROW, (*ROW[:3], moment)])
    assert await one.rows() == [ROW]


async def test_objects_are_refused(process):
    with pytest.raises(NotStored, match="'city' holds lists or objects"):
        await process().put(rollup(), "all", [({"a": 1}, *ROW[1:])])


async def test_many_rows_go_in_many_pieces(process, monkeypatch):
    monkeypatch.setattr(store_writer, "CHUNK_ROWS", 20_000)
    stored = rollup(Column("n", "number"), Column("text", "string"))
    chunks = [[(i, f"row {i % 97}") for i in range(at, at + 5000)] for at in range(0, 130_000, 5000)]
    one = process()
    built = await one.put(stored, "all", *chunks)
    assert (built.rows, built.bytes > 0) == (130_000, True)
    found = await one.rows(select="count(), uniqExact(n), sum(n), uniqExact(text)", rest="")
    assert found == [(130_000, 130_000, sum(range(130_000)), 97)]


async def test_rows_are_kept_in_the_order_that_the_rollup_wants(process, on_server):
    stored = replace(rollup(Column("m", "number"), Column("at", "time")), order=("m",), time="at")
    await process().put(stored, "all", [(None, datetime(2024, 1, 1))])
    (found,) = on_server("SELECT sorting_key FROM system.tables WHERE startsWith(name, 'cuboid_rows_')")
    assert found[0] == "m, at"


# ---------------------------------------------------------------- publishing


async def test_a_rollup_without_rows_is_built(process):
    one = process()
    assert await one.store.table(TABLE) is None
    await one.put(rollup(), "all")
    assert (await one.store.table(TABLE)).parts["all"].rows == 0
    assert await one.rows() == []
    assert await one.rows(select="toTypeName(any(city)), sum(amount)", rest="") == [
        ("Nullable(String)", None)
    ]


async def test_a_part_is_swapped_alone(process):
    one, stored = process(), rollup(*NUMBER)
    await one.put(stored, "2024-01", [(1,)])
    await one.put(stored, "2024-02", [(2,), (3,)])
    await one.put(stored, "2024-01", [(10,)])
    assert await one.rows() == [(2,), (3,), (10,)]
    table = await one.store.table(TABLE)
    assert {label: part.rows for label, part in table.parts.items()} == {"2024-01": 1, "2024-02": 2}
    await one.store.drop_parts(TABLE, ["2024-02", "2023-12"])
    assert await one.rows() == [(10,)]
    await one.store.drop_parts(TABLE, ["2024-01"])
    assert await one.rows() == []
    assert (await one.store.table(TABLE)).dropped_at is not None
    await one.put(stored, "2024-01", [(11,)])
    assert await one.rows() == [(11,)]


async def test_a_table_takes_no_part_of_another_definition(process):
    one, other = (replace(rollup(*NUMBER), definition=each) for each in ("one", "other"))
    owner, tenant = process(), process()
    await owner.put(one, "a", [(1,)])
    for label in ("a", "b"):
        with pytest.raises(NotStored):
            await tenant.put(other, label, [(2,)])
    assert await owner.rows() == [(1,)]
    assert (await tenant.store.table(TABLE)).definition == "one"


async def test_rows_of_two_definitions_are_never_in_one_table(process, monkeypatch):
    """Both are published at one moment: neither has seen the other's."""
    monkeypatch.setattr(stores, "check_same", lambda stored, definition: None)
    one, other = (replace(rollup(*NUMBER), definition=each) for each in ("one", "other"))
    first = process()
    await first.put(one, "a", [(1,)])
    await first.put(other, "b", [(2,)])
    assert await first.rows() == [(1,)]
    assert (await first.store.table(TABLE)).definition == "one"


async def test_a_build_that_fails_changes_nothing(process, monkeypatch, hours_later, on_server):
    monkeypatch.setattr(store_writer, "CHUNK_ROWS", 5)
    one = process()
    await one.put(rollup(), "all", [ROW])
    with pytest.raises(QueryFailed, match="The source is gone"):
        await one.store.write(rollup(), NewPart("all", "2"), fails([ROW] * 30))
    assert await one.rows() == [ROW]
    one.sweep_hours_later()
    (left,) = on_server(
        "SELECT sum(rows) FROM system.parts WHERE active AND startsWith(table, 'cuboid_rows_')"
        " AND database = currentDatabase()"
    )
    assert int(left[0]) == 1


async def test_a_build_that_lost_rows_on_the_way_is_not_published(process, monkeypatch):
    one = process()
    await one.put(rollup(*NUMBER), "all", [(1,)])
    insert = StoreServer.insert

    def loses(server, table, names, types, columns):
        insert(server, table, names, types, [column[1:] for column in columns])

    monkeypatch.setattr(StoreServer, "insert", loses)
    with pytest.raises(QueryFailed, match="not all rows arrived"):
        await one.put(rollup(*NUMBER), "all", [(2,), (3,)])
    assert await one.rows() == [(1,)]


async def test_a_statement_that_has_begun_reads_on_in_what_was_replaced(process, hours_later):
    one, stored = process(replaced_for=0.0), rollup(*NUMBER)
    await one.put(stored, "all", [(i,) for i in range(300_000)])
    await one.store.table(TABLE)
    seen = []
    reader = one.store.reader
    await reader.open()
    async for batch in reader.stream(Job("1", "1", Statement(f'SELECT n FROM "{TABLE}"'))):
        if not seen:
            await one.put(stored, "all", [(-1,)])
            one.sweep_hours_later()
            assert await one.rows() == [(-1,)]
        seen += batch
    assert len(seen) == 300_000


async def test_what_was_replaced_is_kept_for_a_while_and_then_removed(process, hours_later, on_server):
    patient, hasty = process(), process(replaced_for=0.0)
    for number in range(3):
        await patient.put(rollup(*NUMBER), "all", [(number,)])
    await patient.store.sweep()
    rows = "SELECT n FROM merge(currentDatabase(), '^cuboid_rows_') ORDER BY n"
    assert len(on_server(rows)) == 3
    await hasty.store.sweep()
    assert len(on_server(rows)) == 1
    assert await hasty.rows() == [(2,)]
    ((lines,),) = on_server("SELECT uniqExact(build) FROM cuboid_builds")
    assert int(lines) == 1


async def test_a_dropped_table_is_gone(process, hours_later, on_server):
    one = process()
    await one.put(rollup(), "all", [ROW])
    await one.rows()
    assert await one.store.drop(TABLE)
    assert await one.store.table(TABLE) is None
    assert await one.store.tables() == ()
    one.sweep_hours_later()
    assert on_server("SHOW TABLES LIKE 'cuboid_rows_%'") == []
    await one.put(rollup(), "all", [ROW])
    assert await one.rows() == [ROW]


async def test_the_catalogue_tells_what_is_there(process):
    one = process()
    before = datetime.now(UTC)
    await one.put(rollup(), "all", [ROW], folded=("city",), range=(datetime(2024, 1, 1), datetime.max))
    await one.store.used(TABLE)
    (table,) = await process().store.tables()
    assert (table.name, table.rollup, table.zone) == (TABLE, "orders.main", "UTC")
    assert table.columns == COLUMNS
    part = table.parts["all"]
    assert (part.version, part.rows, part.folded) == ("1", 1, ("city",))
    assert part.range == (datetime(2024, 1, 1), datetime.max)
    assert part.bytes > 0
    assert before <= part.built_at <= datetime.now(UTC)
    assert timedelta(seconds=-1) < table.used_at - before < timedelta(seconds=60)


async def test_a_tail_is_shown_with_the_parts_before_it_under_a_name_of_its_own(process):
    january, february, march = (datetime(2024, month, 1) for month in (1, 2, 3))
    one, stored, tail = process(), rollup(*NUMBER), "orders_live_ba9876543210"
    await one.put(stored, "20240101", [(1,)], bounds=(january, february))
    await one.put(stored, "20240201", [(2,)], bounds=(february, march))
    await one.put(stored, "tail-1", [(7,)], bounds=(february, datetime.max), tail=tail)
    assert await one.rows() == [(1,), (2,)]
    assert await one.rows(tail, known_as=TABLE) == [(1,), (7,)]


async def test_the_reader_cannot_write(process):
    one = process()
    await one.put(rollup(), "all", [ROW])
    with pytest.raises(QueryFailed, match=r"(?i)readonly"):
        await one.source.submit(Statement("TRUNCATE TABLE cuboid_builds"), wait=50)


# ---------------------------------------------------------------- several processes


async def test_two_processes_see_each_others_parts(process):
    one, other, stored = process(), process(), rollup(*NUMBER)
    await one.put(stored, "a", [(1,)])
    assert await other.rows() == [(1,)]
    await other.put(stored, "b", [(2,)])
    assert await one.rows() == [(1,), (2,)]
    async with (
        one.store.building(TABLE, "a") as first,
        other.store.building(TABLE, "a") as second,
    ):
        assert (first, second) == (True, False)
        assert not await other.store.drop(TABLE)
        async with other.store.building(TABLE, "b") as third:
            assert third
    async with other.store.building(TABLE, "a") as again:
        assert again


async def test_of_many_who_want_to_build_at_once_one_may(process):
    processes = [process() for _ in range(6)]
    await processes[0].store._make()
    for number in range(5):
        logs = [each.store._log for each in processes]
        wanted = [
            asyncio.to_thread(log.lease, f"t/{number}", str(index), 60.0) for index, log in enumerate(logs)
        ]
        assert sum(await asyncio.gather(*wanted)) == 1


async def test_two_who_build_one_part_at_once_agree_on_the_one_that_began_last(process):
    one, other, third, stored = process(), process(), process(), rollup(*NUMBER)
    begun, published = asyncio.Event(), asyncio.Event()

    async def late():
        begun.set()
        yield [(1,)]
        await published.wait()

    first = asyncio.create_task(one.store.write(stored, NewPart("all", "1"), late()))
    await begun.wait()
    await other.store.write(stored, NewPart("all", "2"), batches([(2,)]))
    published.set()
    await first
    for each in (one, other, third):
        assert await each.rows() == [(2,)]


@pytest.mark.parametrize("first_of_four", range(4))
async def test_a_process_may_be_killed_after_any_statement(process, hours_later, on_server, first_of_four):
    first, stored, ends = process(), rollup(*NUMBER), set()
    await first.put(stored, "all", [(1,)])
    await first.put(stored, "rest", [(3,)])
    for statements in count(first_of_four, 4):
        victim = process()
        victim.store._server.left = statements
        try:
            await victim.put(stored, "all", [(1,), (2,)])
        except ConnectionFailed:
            alive = False
        else:
            alive = victim.store._server.left > 0
        found = await first.rows()
        assert found in ([(1,), (3,)], [(1,), (2,), (3,)]), statements
        ends.add(tuple(found))
        # Its right to build runs out, and another process has it built.
        on_server(
            "INSERT INTO cuboid_leases SELECT part, number, holder, toDateTime64(0, 6, 'UTC'), now64(6)"
            " FROM cuboid_leases LIMIT 1 BY part, number"
        )
        await first.put(stored, "all", [(1,)])
        assert await first.rows() == [(1,), (3,)], statements
        if alive:
            break
    assert len(ends) == 2
    assert statements > 10
    first.sweep_hours_later()
    # Nothing is left of what came to nothing.
    ((builds,),) = on_server("SELECT uniqExact(build) FROM cuboid_builds")
    ((rows,),) = on_server("SELECT count() FROM merge(currentDatabase(), '^cuboid_rows_')")
    assert (int(builds), int(rows)) == (2, 2)
    assert await first.rows() == [(1,), (3,)]


async def test_a_build_that_was_given_up_is_not_published(process, on_server):
    one, other, stored = process(), process(), rollup(*NUMBER)
    await one.put(stored, "all", [(1,)])

    async def slow():
        yield [(2,)]
        other.store._log.sweep(900, 0)  # to the other, its process is gone

    with pytest.raises(QueryFailed, match="given up"):
        await one.store.write(stored, NewPart("all", "2"), slow())
    assert await one.rows() == [(1,)]
    # Nor is there a line that would count once those of what is gone are removed.
    assert len(on_server("SELECT build FROM cuboid_builds WHERE event = 'built'")) == 1


async def test_lines_of_a_build_that_is_gone_count_for_nothing_in_any_order(process, hours_later):
    one, stored = process(), rollup(*NUMBER)
    await one.put(stored, "all", [(1,)])
    await one.put(stored, "all", [(2,)])
    log = one.store._log
    newest = max(log._states()[0], key=lambda each: each.began)
    log.leave([newest.number])  # as somebody decided before it was published
    assert await one.rows() == [(1,)]
    log.sweep(0, 0)
    assert await one.rows() == [(1,)]


async def test_a_store_that_is_away_says_so(config, made):
    made.append(Process(config.model_copy(update={"port": 1, "password": "secret-word"})))
    with pytest.raises(ConnectionFailed) as caught:
        await made[-1].store.open()
    assert "secret-word" not in str(caught.value)
