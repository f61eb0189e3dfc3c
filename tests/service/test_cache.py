"""Answers that are kept: told again while no refresh key has changed, in each cache mode, and never to others."""

from __future__ import annotations

import asyncio
import hashlib
import json
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from cuboid.catalog.compile import compile_catalog
from cuboid.catalog.files import ModelFile
from cuboid.errors import DriverError, QueryFailed
from cuboid.planning import ServiceSettings
from cuboid.request import RequestContext
from cuboid.run.cache import OVERHEAD, Cache
from cuboid.run.data_source import DataSource
from cuboid.run.queue import QueueSettings
from cuboid.service import Service
from cuboid.types import Job, Pending, Principal, Result, Statement
from cuboid_duckdb.dialect import DuckDBDialect
from cuboid_duckdb.driver import DuckDBConfig, DuckDBDriver
from cuboid_duckdb.queue import DuckDBQueue

MODEL = """
cubes:
  - name: sales
    sql_table: sales
    refresh_key: {sql: SELECT max(number) AS number FROM loads, every: 1 second}
    measures:
      - {name: total, type: sum, sql: amount}
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: shop, sql: shop, type: string}
      - {name: effort, sql: "(SELECT sum(hash(range)) FROM range((SELECT max(rows) FROM efforts)))", type: number}
    joins: [{name: shops, relationship: many_to_one, sql: "{CUBE}.shop = {shops}.name"}]
  - name: shops
    sql: SELECT 'north' AS name, 'Oslo' AS city UNION ALL SELECT 'south', 'Rome'
    refresh_key: {immutable: true}
    dimensions:
      - {name: name, sql: name, type: string, primary_key: true}
      - {name: city, sql: city, type: string}
  - name: broken
    sql: SELECT 1 AS id
    refresh_key: {sql: SELECT max(number) FROM late_table}
    measures: [{name: count, type: count}]
  - name: personal
    sql_table: sales
    refresh_key: {sql: "SELECT max(number) FROM loads WHERE {SECURITY_CONTEXT.tenant.filter('tenant')}"}
    measures: [{name: total, type: sum, sql: amount}]
views:
  - name: overview
    cubes: [{join_path: sales, includes: [total]}, {join_path: sales.shops, includes: [city]}]
"""
TABLES = """
CREATE TABLE sales AS SELECT * FROM (VALUES (1, 'north', 10), (2, 'south', 20)) AS t (id, shop, amount);
CREATE TABLE loads AS SELECT 1 AS number;
CREATE TABLE efforts AS SELECT 1::BIGINT AS rows;
"""
TOTAL = {"measures": ["sales.total"]}
EFFORT = {"measures": ["sales.total"], "dimensions": ["sales.effort"]}
ENDLESS = 10**13


class Noting(DuckDBDriver):
    """DuckDB, with the statements that reached it."""

    def __init__(self, config: DuckDBConfig) -> None:
        super().__init__(config)
        self.seen: list[str] = []

    async def execute(self, job: Job) -> Result:
        self.seen.append(job.statement.sql)
        return await super().execute(job)

    def count(self, text: str) -> int:
        return sum(text in sql for sql in self.seen)


class World:
    """A service that keeps answers, over tables that change."""

    def __init__(self, **settings: Any) -> None:
        self.catalog = compile_catalog([ModelFile("model.yml", MODEL)])
        assert not self.catalog.errors, self.catalog.errors
        self.driver = Noting(DuckDBConfig())
        queue = DuckDBQueue(self.driver, QueueSettings(limit=4))
        self.source = DataSource("default", self.driver, DuckDBDialect(), queue, refresh_every=3600)
        options = {"cache_size": 1_000_000, **settings}
        self.service = Service(lambda: self.catalog, {"default": self.source}, ServiceSettings(**options))

    async def write(self, sql: str) -> None:
        for each in filter(None, map(str.strip, sql.split(";"))):
            await self.source.submit(Statement(each), wait=50)

    async def load(
        self, query: Any, cache: str | None = None, context: RequestContext | None = None, **options: Any
    ) -> Any:
        """The body, or that it is pending."""
        body = await self.service.load(query, context or RequestContext(), cache=cache, **options)
        return body if isinstance(body, Pending) else json.loads(body)

    async def total(self, cache: str | None = None, query: Any = TOTAL) -> int:
        return int((await self.load(query, cache))["data"][0]["sales.total"])

    async def sell(self, amount: int, *, told: bool) -> None:
        """One more sale; the refresh key changes if it is ``told``. Values of keys are asked anew from here on."""
        await self.write(f"INSERT INTO sales VALUES ({amount}, 'north', {amount})")
        if told:
            await self.write("INSERT INTO loads SELECT max(number) + 1 FROM loads")
        self.service._freshness.values.forget()


def told(work: Callable[[World], Awaitable[None]], **settings: Any) -> None:
    """Runs ``work`` over a world of its own."""

    async def run() -> None:
        world = World(**settings)
        try:
            await world.write(TABLES)
            await work(world)
        finally:
            await world.service.close()

    asyncio.run(asyncio.wait_for(run(), 120))


def test_an_answer_is_found_out_once_and_told_again_byte_by_byte() -> None:
    async def work(world: World) -> None:
        first = await world.service.load(TOTAL, RequestContext())
        assert [await world.service.load(TOTAL, RequestContext()) for _ in range(5)] == [first] * 5
        assert world.driver.count("FROM sales") == 1
        figures = world.service.figures().cache
        assert (figures.hits, figures.misses, figures.entries) == (5, 1, 1)

    told(work)


def test_without_a_cache_each_answer_is_found_out() -> None:
    async def work(world: World) -> None:
        for _ in range(3):
            await world.total()
        assert world.driver.count("FROM sales") == 3
        assert world.driver.count("FROM loads") == 0

    told(work, cache_size=0)


@pytest.mark.parametrize(
    ("mode", "unchanged", "changed"),
    [
        (None, 30, 35),
        ("stale-if-slow", 30, 35),
        ("must-revalidate", 30, 35),
        ("stale-while-revalidate", 30, 30),
        ("no-cache", 35, 35),
    ],
)
def test_what_each_mode_tells_by_whether_the_refresh_key_changed(
    mode: str | None, unchanged: int, changed: int
) -> None:
    """``unchanged``, ``changed``: the total after a sale that the key does not, or does, tell of."""

    async def work(world: World, told_of: bool, total: int) -> None:
        assert await world.total() == 30
        await world.sell(5, told=told_of)
        assert await world.total(mode) == total

    told(lambda world: work(world, False, unchanged))
    told(lambda world: work(world, True, changed))


def test_renew_query_asks_the_key_and_no_cache_overwrites_what_is_kept() -> None:
    async def work(world: World) -> None:
        assert await world.total() == 30
        await world.sell(5, told=False)
        assert await world.total(query={**TOTAL, "renewQuery": True}) == 30
        assert await world.total("no-cache") == 35
        assert await world.total() == 35

    told(work)


def test_what_is_stale_is_renewed_behind_the_scenes() -> None:
    async def work(world: World) -> None:
        assert await world.total() == 30
        await world.sell(5, told=True)

        async def renewed() -> bool:
            return await world.total("stale-while-revalidate") == 35

        assert not await renewed()
        await asyncio.gather(*world.service._answers._renewing.values())
        assert await renewed()
        assert world.driver.count("FROM sales") == 2
        assert world.service.figures().cache.stale >= 1

    told(work)


@pytest.mark.parametrize("mode", ["stale-if-slow", "must-revalidate"])
def test_a_slow_refresh_is_waited_for_or_not(mode: str) -> None:
    async def work(world: World) -> None:
        first = await world.load(EFFORT)
        assert first["slowQuery"] is False
        await world.write(f"UPDATE efforts SET rows = {ENDLESS}")
        await world.sell(5, told=True)
        second = await world.load(EFFORT, mode)
        if mode == "must-revalidate":
            assert isinstance(second, Pending)
        else:
            assert second == {**first, "slowQuery": True}

    told(work, continue_wait=0.3)


def test_the_refresh_time_is_when_the_rows_were_read() -> None:
    async def work(world: World) -> None:
        before = datetime.now(UTC)
        first = await world.load(TOTAL)
        after = datetime.now(UTC)
        read = datetime.fromisoformat(first["lastRefreshTime"])
        assert before.replace(microsecond=before.microsecond // 1000 * 1000) <= read <= after
        assert (await world.load(TOTAL))["lastRefreshTime"] == first["lastRefreshTime"]
        await world.sell(5, told=True)
        assert datetime.fromisoformat((await world.load(TOTAL))["lastRefreshTime"]) > read

    told(work)


def test_one_refresh_answers_all_who_ask() -> None:
    async def work(world: World) -> None:
        for sale in range(3):
            await world.sell(sale, told=True)
            totals = await asyncio.gather(*(world.total() for _ in range(50)))
            assert len(set(totals)) == 1
        assert world.driver.count("FROM sales") == 3
        assert world.driver.count("SELECT max(number) AS number FROM loads") == 3

    told(work)


def test_an_error_is_never_kept_and_no_rows_are() -> None:
    async def work(world: World) -> None:
        await world.write("ALTER TABLE sales RENAME TO sold")
        for _ in range(2):
            with pytest.raises(QueryFailed):
                await world.load(TOTAL)
        await world.write("ALTER TABLE sold RENAME TO sales; DELETE FROM sales")
        empty = {"measures": ["sales.total"], "dimensions": ["sales.shop"]}
        asked = world.driver.count("FROM sales")
        for _ in range(2):
            assert (await world.load(empty))["data"] == []
            assert (await world.load(TOTAL))["data"] == [{"sales.total": None}]
        assert world.driver.count("FROM sales") == asked + 2

    told(work)


def test_a_refresh_key_that_cannot_be_asked_names_its_cube_or_leaves_what_is_stale() -> None:
    async def work(world: World) -> None:
        query = {"measures": ["broken.count"]}
        with pytest.raises(
            DriverError, match=r"refresh_key of the cube 'broken' cannot be asked: .*late_table"
        ):
            await world.load(query)
        assert (await world.load(query, "no-cache"))["data"] == [{"broken.count": "1"}]
        await world.write("CREATE TABLE late_table AS SELECT 1 AS number")
        first = await world.load(query)
        await world.write("DROP TABLE late_table")
        world.service._freshness.values.forget()
        assert await world.load(query) == first
        assert await world.load(query, "stale-while-revalidate") == first
        with pytest.raises(DriverError, match="broken"):
            await world.load(query, "must-revalidate")

    told(work)


def test_answers_are_not_kept_whose_refresh_key_depends_on_who_asks() -> None:
    async def work(world: World) -> None:
        for total in ("30", "35"):
            for mode in (None, "stale-while-revalidate", "must-revalidate"):
                body = await world.load({"measures": ["personal.total"]}, mode)
                assert body["data"] == [{"personal.total": total}]
            await world.sell(5, told=False)
        assert world.service.figures().cache.entries == 0

    told(work)


def test_what_was_invalidated_is_found_out_anew_in_every_mode() -> None:
    async def work(world: World) -> None:
        by_city = {"measures": ["overview.total"], "dimensions": ["overview.city"]}
        for query in (TOTAL, by_city, {"dimensions": ["shops.city"]}):
            await world.load(query)
        await world.sell(5, told=False)
        assert await world.total() == 30
        assert json.loads(await world.service.invalidate(["sales"], RequestContext())) == {
            "cubes": ["sales"],
            "answers": 2,
        }
        assert await world.total("stale-while-revalidate") == 35
        assert (await world.load(by_city))["data"] == [
            {"overview.city": "Rome", "overview.total": "20"},
            {"overview.city": "Oslo", "overview.total": "15"},
        ]

    told(work)


def test_a_run_that_began_before_an_invalidation_answers_nobody_who_asks_after_it() -> None:
    async def work(world: World) -> None:
        await world.write(f"UPDATE efforts SET rows = {ENDLESS}")
        assert isinstance(await world.load(EFFORT), Pending)
        await world.write("UPDATE efforts SET rows = 1")
        await world.service.invalidate(["overview"], RequestContext())
        assert (await world.load(EFFORT))["data"][0]["sales.total"] == "30"

    told(work, continue_wait=2)


@pytest.mark.parametrize("wait", [100, 0.3])
def test_who_joins_a_run_keeps_its_rows_under_the_values_of_before_it(wait: float) -> None:
    """The second asker wants the same statement written otherwise, and knows of a sale that the run does not see."""

    async def ask(world: World, cast: bool) -> Any:
        body = Pending("", 0)
        while isinstance(body, Pending):
            body = await world.load(TOTAL, cast_numerics=cast)
        return body["data"][0]["sales.total"]

    async def work(world: World) -> None:
        reached, go = asyncio.Event(), asyncio.Event()
        execute = world.driver.execute

        async def hold(job: Job) -> Result:
            result = await execute(job)
            if "FROM sales" in job.statement.sql and not reached.is_set():
                reached.set()
                await go.wait()
            return result

        world.driver.execute = hold  # type: ignore[method-assign]
        before = asyncio.create_task(ask(world, False))
        await reached.wait()
        await world.sell(5, told=True)
        after = asyncio.create_task(ask(world, True))
        (run,) = world.service._answers._begun._runs.values()
        seen = run.askers
        more = 1 if wait > 1 else 3  # both have joined, more than once if they do not wait
        while run.askers < seen + more:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.01)
        go.set()
        assert [await before, await after] == ["30", 30]
        assert world.driver.count("FROM sales") == 1
        assert [await ask(world, False), await ask(world, True)] == ["35", 35]
        assert not world.service._answers._begun._runs

    told(work, continue_wait=wait)


def test_answers_differ_by_all_that_shapes_them() -> None:
    async def work(world: World) -> None:
        plain = await world.load(TOTAL)
        assert (await world.load({**TOTAL, "responseFormat": "compact"}))["data"]["dataset"] == [["30"]]
        assert (await world.load(TOTAL, cast_numerics=True))["data"] == [{"sales.total": 30}]
        shown = await world.load(TOTAL, context=RequestContext(dev=True, request_id="r"))
        assert shown["refreshKeyValues"] == [[{"number": "1"}]]
        assert shown["requestId"] == "r"
        multi = await world.load(TOTAL, query_type="multi")
        assert multi["results"][0]["data"] == plain["data"]
        assert (await world.load({**TOTAL, "limit": 1}))["query"]["limit"] == 1
        assert await world.load(TOTAL) == plain

    told(work)


def test_equal_hashes_are_not_equal_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    class Same:
        """A digest that tells nothing apart."""

        def __init__(self, *args: object, **options: object) -> None: ...

        def update(self, data: bytes) -> None: ...

        def digest(self) -> bytes:
            return b"same"

        def hexdigest(self) -> str:
            return "same"

    monkeypatch.setattr(hashlib, "blake2b", Same)

    async def shop(world: World, name: str, tenant: str) -> Any:
        query = {
            "measures": ["sales.total"],
            "filters": [{"member": "sales.shop", "operator": "equals", "values": [name]}],
        }
        context = RequestContext(Principal({"tenant": tenant}), poll_id="r")
        return (await world.load(query, context=context))["data"][0]["sales.total"]

    async def work(world: World) -> None:
        for _ in range(2):
            asked = [("north", "a"), ("south", "b"), ("north", "b"), ("south", "a")]
            found = await asyncio.gather(*(shop(world, *each) for each in asked))
            assert found == ["10", "20", "10", "20"]

    told(work)


class Colliding(str):
    """A text whose hash is that of every other."""

    def __hash__(self) -> int:
        return 1


def test_a_cache_compares_keys_whole() -> None:
    cache: Cache[str] = Cache(1_000_000)
    keys = [Colliding(uuid.uuid4().hex) for _ in range(50)]
    for key in keys:
        cache.put((key,), f"of {key}", 10)
    assert [cache.get((key,)) for key in keys] == [f"of {key}" for key in keys]
    assert cache.get((Colliding("other"),)) is None


def test_a_cache_holds_its_bytes_and_forgets_what_was_used_longest_ago() -> None:
    cache: Cache[int] = Cache(10 * (OVERHEAD + 100))
    for number in range(10):
        cache.put(number, number, 100)
    assert cache.get(0) == 0
    cache.put(10, 10, 100)
    cache.put(11, 11, 10 * OVERHEAD * 100)  # larger than the whole
    assert [number for number in range(12) if cache.get(number) is not None] == [0, *range(2, 11)]
    figures = cache.figures()
    assert (figures.entries, figures.evictions, figures.bytes) == (10, 1, cache.limit)
    cache.put(5, 50, 0)
    assert cache.figures().bytes == cache.limit - 100
