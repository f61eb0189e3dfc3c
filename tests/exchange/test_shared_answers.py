"""Answers that one process has found out, others tell: while they are good, and never to another tenant."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.engines.server import Server
from tests.exchange.conftest import Deployed, Process, until

from cuboid.catalog.compile import compile_catalog
from cuboid.catalog.files import ModelFile
from cuboid.request import RequestContext


async def settled(process: Process) -> None:
    """Until what the process puts into the exchange is there."""
    shared = process.service._answers._shared
    assert shared is not None
    while shared._tasks:
        await asyncio.wait(shared._tasks)


async def tells(process: Process, total: int) -> bool:
    return await process.total() == total


async def is_up(process: Process) -> bool:
    return process.link.up


async def test_an_answer_of_one_process_is_told_by_another(deployed: Deployed) -> None:
    async with deployed() as world:
        one, other = world.start(), world.start()
        first = await one.load()
        await settled(one)
        assert await other.load() == first
        assert world.driver.count() == 1
        assert first["data"] == [{"sales.total": "30"}]
        figures = other.service.figures().cache
        assert (figures.hits, figures.misses) == (1, 0)


async def test_what_another_has_found_out_is_kept_in_memory_too(deployed: Deployed) -> None:
    async with deployed() as world:
        one, other = world.start(), world.start()
        await one.total()
        await settled(one)
        await other.total()
        assert other.service.figures().cache.entries == 1


@pytest.mark.parametrize(
    "text", [b"", b"nothing", b"[]\n", b'[1, "", [2, 3], null, 4]\n{}', b"{}\n", b"\xff"]
)
async def test_what_is_no_answer_is_not_told(deployed: Deployed, text: bytes) -> None:
    async with deployed() as world:
        one, other = world.start(), world.start()
        await one.total()
        await settled(one)
        [name] = await one.exchange._client.keys(f"*{world.prefix}*:answer:*")
        await one.exchange._client.set(name, text)
        assert await other.total() == 30
        assert world.driver.count() == 2


async def test_an_answer_is_found_out_anew_once_its_key_has_changed(deployed: Deployed) -> None:
    model = """
cubes:
  - name: sales
    sql_table: sales
    refresh_key: {sql: SELECT max(number) AS n FROM loads, every: 1 second}
    measures: [{name: total, type: sum, sql: amount}]
    dimensions: [{name: id, sql: id, type: number, primary_key: true}]
"""
    catalog = compile_catalog([ModelFile("model.yml", model)])
    async with deployed() as world:
        await world.write("CREATE TABLE loads AS SELECT 1 AS number")
        one, other = world.start(catalog=catalog), world.start(catalog=catalog)
        assert await one.total() == 30
        await settled(one)
        await world.write("INSERT INTO sales VALUES (3, 'a', 'south', 5)")
        assert await other.total() == 30  # no key has changed
        await world.write("INSERT INTO loads VALUES (2)")
        await until(lambda: tells(other, 35))
        await settled(other)
        await until(lambda: tells(one, 35))
        assert world.driver.count("SUM(") == 2


async def test_a_refresh_key_is_asked_once_for_all_in_its_threshold(deployed: Deployed) -> None:
    model = """
cubes:
  - name: sales
    sql_table: sales
    refresh_key: {sql: SELECT max(number) AS n FROM loads, every: 6 seconds}
    measures: [{name: total, type: sum, sql: amount}]
    dimensions: [{name: id, sql: id, type: number, primary_key: true}]
"""
    catalog = compile_catalog([ModelFile("model.yml", model)])
    async with deployed() as world:
        await world.write("CREATE TABLE loads AS SELECT 1 AS number")
        one, other, third = (world.start(catalog=catalog) for _ in range(3))
        began = time.monotonic()
        assert await one.total() == 30
        await settled(one)
        assert await other.total() == 30
        assert world.driver.count("max(") == 1
        await world.write("INSERT INTO loads VALUES (2)")
        await world.write("INSERT INTO sales VALUES (3, 'a', 'south', 5)")
        await until(lambda: tells(other, 35))
        assert time.monotonic() - began > 5.9  # good for as long as if it had been asked here, and no longer
        await one.service.invalidate(["sales"], RequestContext())
        asked = world.driver.count("max(")
        await world.write("INSERT INTO sales VALUES (4, 'a', 'south', 1)")
        assert await third.total() == 36
        assert world.driver.count("max(") == asked + 1


@pytest.mark.parametrize("mode", ["no-cache", "must-revalidate", "stale-while-revalidate", "stale-if-slow"])
async def test_the_modes_mean_what_they_mean_in_one_process(deployed: Deployed, mode: str) -> None:
    async with deployed() as world:
        one, other = world.start(), world.start()
        await one.total()
        await settled(one)
        await world.write("INSERT INTO sales VALUES (3, 'a', 'south', 5)")
        assert await other.total(mode) == (35 if mode == "no-cache" else 30)


@pytest.mark.parametrize("digest", ["as it is", "all are equal"])
async def test_tenants_zones_and_catalogs_never_meet(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch, digest: str
) -> None:
    if digest == "all are equal":
        same = hashlib.blake2b(b"")
        monkeypatch.setattr(hashlib, "blake2b", lambda *_, **__: same)
    async with deployed() as world:
        catalog = compile_catalog([ModelFile("model.yml", MODEL_OF_ANOTHER)])
        one, other, third = world.start(), world.start(), world.start(catalog=catalog)
        assert await one.total(tenant="a") == 10
        await settled(one)
        assert await other.total(tenant="b") == 20
        await settled(other)
        assert await third.total(tenant="a") == 11
        await settled(third)
        assert await third.total() == 32
        assert await one.total(tenant="b") == 20
        assert await other.total(tenant="a") == 10


MODEL_OF_ANOTHER = """
cubes:
  - name: sales
    sql: "SELECT id, tenant, amount + 1 AS amount FROM sales WHERE {SECURITY_CONTEXT.tenant.filter('tenant')}"
    refresh_key: {every: 1 day}
    measures: [{name: total, type: sum, sql: amount}]
    dimensions: [{name: id, sql: id, type: number, primary_key: true}]
"""


async def test_titles_of_a_catalog_are_not_told_over_another(deployed: Deployed) -> None:
    """The statement is the same, the annotation is not."""
    async with deployed() as world:
        catalogs = [
            compile_catalog([ModelFile("model.yml", MODEL_WITH_TITLE.format(title=title))])
            for title in ("First", "Second")
        ]
        for catalog, title in zip(catalogs, ("First", "Second"), strict=True):
            process = world.start(catalog=catalog)
            body = await process.load()
            await settled(process)
            assert body["annotation"]["measures"]["sales.total"]["shortTitle"] == title


MODEL_WITH_TITLE = """
cubes:
  - name: sales
    sql_table: sales
    refresh_key: {{every: 1 day}}
    measures: [{{name: total, type: sum, sql: amount, title: {title}}}]
    dimensions: [{{name: id, sql: id, type: number, primary_key: true}}]
"""

# ------------------------------------------------------------------------------------------------ what was said of data


async def test_no_process_tells_what_was_found_out_before_data_was_said_to_have_changed(
    deployed: Deployed,
) -> None:
    async with deployed() as world:
        one, other = world.start(), world.start()
        assert await one.total() == await other.total() == 30
        for amount in range(1, 4):
            await world.write(f"INSERT INTO sales VALUES ({amount + 10}, 'a', 'south', 1)")
            assert await other.total() == 30 + amount - 1
            await one.service.invalidate(["sales"], RequestContext())
            assert await other.total() == 30 + amount
            assert await one.total() == 30 + amount


async def test_a_process_that_starts_later_tells_nothing_from_before(deployed: Deployed) -> None:
    async with deployed() as world:
        one = world.start()
        await one.total()
        await settled(one)
        await world.write("INSERT INTO sales VALUES (3, 'a', 'south', 5)")
        await one.service.invalidate(["sales"], RequestContext())
        assert await world.start().total() == 35


async def test_a_process_that_starts_later_knows_when_data_had_changed(deployed: Deployed) -> None:
    """So it builds no rollup anew that was built since."""
    async with deployed() as world:
        one, later = world.start(), world.start()
        before = datetime.now(UTC)
        await one.service.invalidate(["sales"], RequestContext())
        after = datetime.now(UTC)
        heard: list[Mapping[str, datetime]] = []
        later.service._epochs.forget = heard.append
        await later.link.beat()
        await later.link.beat()
        assert [set(each) for each in heard] == [{"sales"}]
        assert before <= heard[0]["sales"] <= after


async def test_what_nobody_spoke_of_is_kept(deployed: Deployed) -> None:
    async with deployed() as world:
        one, other = world.start(), world.start()
        query = {"dimensions": ["shops.name"]}
        await other.load(query)
        await one.service.invalidate(["sales"], RequestContext())
        await other.load(query)
        assert world.driver.count("north") == 1


async def test_what_the_exchange_forgets_is_said_to_it_again(deployed: Deployed) -> None:
    async with deployed() as world:
        one, other = world.start(), world.start()
        await one.total()
        await settled(one)
        await world.write("INSERT INTO sales VALUES (3, 'a', 'south', 5)")
        await one.service.invalidate(["sales"], RequestContext())
        await other.link.beat()
        await one.exchange._client.delete(one.exchange._key("counts"))
        await other.link.beat()
        await other.link.beat()
        assert await world.start().total() == 35


# ------------------------------------------------------------------------------------------------ without an exchange


async def test_a_process_goes_on_alone_while_the_exchange_is_away_and_says_so_once(
    deployed: Deployed, own_server: Callable[[str], Server], caplog: Any
) -> None:
    server = own_server("valkey")
    async with deployed(server) as world:
        one, other = world.start(), world.start()
        assert await one.total() == 30
        server.kill()
        await world.write("INSERT INTO sales VALUES (3, 'a', 'south', 5)")
        assert await one.total() == 30  # as its model says
        assert await other.total() == 35
        assert not one.link.up
        await one.service.invalidate(["sales"], RequestContext())
        assert await one.total() == 35
        said = [each.message for each in caplog.records if "goes on alone" in each.message]
        assert len(said) == 2, said  # each process once
        assert not any(server.password in each.getMessage() for each in caplog.records)
        await world.write("INSERT INTO sales VALUES (4, 'a', 'south', 100)")
        assert await other.total() == 35
        server.restart()
        await until(lambda: tells(other, 135))  # what was said meanwhile is said now


async def test_a_process_starts_though_there_is_no_exchange(
    deployed: Deployed, own_server: Callable[[str], Server]
) -> None:
    server = own_server("valkey")
    server.kill()
    async with deployed(server) as world:
        assert await world.start().total() == 30


async def test_an_exchange_that_does_not_answer_keeps_nobody_for_long(
    deployed: Deployed, own_server: Callable[[str], Server]
) -> None:
    server = own_server("valkey")
    async with deployed(server) as world:
        one = world.start()
        assert await one.total() == 30
        server.pause()
        try:
            assert await one.total(tenant="a") == 10
            assert not one.link.up
        finally:
            server.resume()
        await until(lambda: is_up(one))
