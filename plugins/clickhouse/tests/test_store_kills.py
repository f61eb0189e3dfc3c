"""Processes that use a store on a server are killed after any of their statements: nothing is lost, nothing is left."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import count

import pytest
from tests.stores_on_clickhouse import (
    NUMBER,
    TABLE,
    Mortal,
    Process,
    config,
    config_of,
    dies_after,
    on_server,
    process,
    rollup,
)

from cuboid.errors import ConnectionFailed
from cuboid.run.store import NewPart, SourceStoreSettings
from cuboid.types import Statement
from cuboid_clickhouse import store as stores
from cuboid_clickhouse import store_inside, store_writer
from cuboid_clickhouse.driver import ClickHouseDriver
from cuboid_clickhouse.store_log import BuildLog

__all__ = ["config", "on_server", "process"]


@pytest.mark.parametrize("first_of_four", range(4))
async def test_a_process_may_be_killed_after_any_statement(process, on_server, first_of_four):
    first, stored, ends = process(), rollup(*NUMBER), set()
    await first.put(stored, "all", [(1,)])
    await first.put(stored, "rest", [(3,)])
    for statements in count(first_of_four, 4):
        victim = process()
        left = dies_after(statements, victim.store._server)
        try:
            await victim.put(stored, "all", [(1,), (2,)])
        except ConnectionFailed:
            alive = False
        else:
            alive = next(left, False)
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


async def test_a_server_that_dies_amid_a_build_has_the_old_rows_and_takes_new_ones(
    own_server, made, monkeypatch
):
    monkeypatch.setattr(store_writer, "CHUNK_ROWS", 1)
    server = await asyncio.to_thread(own_server, "clickhouse")
    one, stored = Process(config_of(server)), rollup(*NUMBER)
    made.append(one)
    await one.put(stored, "all", [(1,)])

    async def dying():
        yield [(2,)]
        await asyncio.to_thread(server.kill)
        yield [(3,)]

    with pytest.raises(ConnectionFailed):
        await one.store.write(stored, NewPart("all", "2"), dying())
    await asyncio.to_thread(server.restart)
    other = Process(config_of(server))
    made.append(other)
    assert await other.rows() == [(1,)]
    await other.put(stored, "all", [(4,)])
    assert await other.rows() == [(4,)]


@pytest.mark.parametrize("first_of_four", range(4))
async def test_a_process_that_builds_beside_the_tables_may_be_killed_after_any_statement(
    config, made, monkeypatch, on_server, first_of_four
):
    monkeypatch.setattr(stores, "KNOWN_SECONDS", 0.0)
    monkeypatch.setattr(stores, "LOOK_SECONDS", 0.0)
    schema = f"{config.database}_kept"
    driver = ClickHouseDriver(config)
    made.append(driver)
    stored = replace(rollup(*NUMBER), given=("n",), inside=True)

    def process():
        monkeypatch.setattr(stores, "StoreServer", Mortal)
        monkeypatch.setattr(store_inside, "StoreServer", Mortal)
        made.append(driver.inside(SourceStoreSettings(schema)))
        return made[-1]

    async def put(store, label, rows):
        async with store.building(TABLE, label) as mine:
            assert mine
            await store.make(stored, NewPart(label, "1"), Statement(rows))

    async def rows(store):
        await store.table(TABLE)
        statement = Statement(f'SELECT "n" FROM "{TABLE}" AS "{TABLE}" ORDER BY 1')
        return await driver.rows(store.read(statement).sql)

    try:
        first, ends = process(), set()
        await driver.open()
        await put(first, "all", "SELECT 1 AS n")
        await put(first, "rest", "SELECT 3 AS n")
        for statements in count(first_of_four, 4):
            victim = process()
            left = dies_after(statements, victim._server, victim._source)
            try:
                await put(victim, "all", "SELECT arrayJoin([1, 2]) AS n")
            except ConnectionFailed:
                alive = False
            else:
                alive = next(left, False)
            found = await rows(first)
            assert found in ([(1,), (3,)], [(1,), (2,), (3,)]), statements
            ends.add(tuple(found))
            on_server(
                f"INSERT INTO {schema}.cuboid_leases SELECT part, number, holder, toDateTime64(0, 6, 'UTC'), now64(6)"
                f" FROM {schema}.cuboid_leases LIMIT 1 BY part, number"
            )
            await put(first, "all", "SELECT 1 AS n")
            assert await rows(first) == [(1,), (3,)], statements
            if alive:
                break
        assert len(ends) == 2
        assert statements > 12
        for _ in range(2):
            BuildLog(first._server, gone=-3600, empty=-3600).sweep(0, 0)
        assert on_server(f"SELECT count() FROM merge('{schema}', '^cuboid_rows_')") in ([(2,)], [("2",)])
        assert await rows(first) == [(1,), (3,)]
    finally:
        on_server(f"DROP DATABASE IF EXISTS {schema}")


async def test_rows_that_a_killed_process_still_has_made_are_removed(config, on_server):
    """Its server has not noticed, and goes on: the build was given up meanwhile, and its lines are gone."""
    schema = f"{config.database}_kept"
    store = ClickHouseDriver(config).inside(SourceStoreSettings(schema))
    stored = replace(rollup(*NUMBER), given=("n",), inside=True)
    try:
        await store.make(stored, NewPart("all", "1"), Statement("SELECT 1 AS n"))
        ((table,),) = on_server(
            f"SELECT name FROM system.tables WHERE database = '{schema}' AND startsWith(name, 'cuboid_rows_')"
        )
        on_server(f"INSERT INTO {schema}.{table} VALUES (123, 9)")
        BuildLog(store._server).sweep(900, 60)
        assert (
            len(on_server(f"SELECT n FROM {schema}.{table}")) == 2
        )  # they may be of one that has just begun
        BuildLog(store._server, gone=-3600).sweep(900, 60)
        assert len(on_server(f"SELECT n FROM {schema}.{table}")) == 1
    finally:
        await store.close()
        on_server(f"DROP DATABASE IF EXISTS {schema}")
