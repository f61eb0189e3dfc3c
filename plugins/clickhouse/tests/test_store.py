"""The rollup store on a server: a part is there whole or not at all, for every process that looks."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.stores_on_clickhouse import (
    COLUMNS,
    NUMBER,
    ROW,
    TABLE,
    Process,
    batches,
    config,
    fails,
    on_server,
    process,
    rollup,
)

from cuboid.errors import ConnectionFailed, NotStored, QueryFailed
from cuboid.run.store import NewPart
from cuboid.types import Job, Statement
from cuboid_clickhouse import store as stores
from cuboid_clickhouse import store_writer
from cuboid_clickhouse.store_server import StoreServer

__all__ = ["config", "on_server", "process"]


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


async def test_a_build_that_fails_changes_nothing(process, monkeypatch, on_server):
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


async def test_a_statement_that_has_begun_reads_on_in_what_was_replaced(process):
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


async def test_what_was_replaced_is_kept_for_a_while_and_then_removed(process, on_server):
    patient = process()
    for number in range(3):
        await patient.put(rollup(*NUMBER), "all", [(number,)])
    await patient.store.sweep()
    rows = "SELECT n FROM merge(currentDatabase(), '^cuboid_rows_') ORDER BY n"
    assert len(on_server(rows)) == 3
    patient.sweep_hours_later()
    assert len(on_server(rows)) == 1
    assert await patient.rows() == [(2,)]
    ((lines,),) = on_server("SELECT uniqExact(build) FROM cuboid_builds")
    assert int(lines) == 1


async def test_a_dropped_table_is_gone(process, on_server):
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


async def test_a_build_replaces_those_before_though_the_clock_was_put_back(process, on_server):
    one, stored = process(), rollup(*NUMBER)
    await one.put(stored, "all", [(1,)])
    on_server(
        "INSERT INTO cuboid_builds SELECT name, label, build, began + INTERVAL 1 HOUR, event, at, contents"
        " FROM cuboid_builds WHERE event = 'built'"
    )
    await one.put(stored, "all", [(2,)])
    assert await one.rows() == [(2,)]


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


async def test_lines_of_a_build_that_is_gone_count_for_nothing_in_any_order(process):
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
