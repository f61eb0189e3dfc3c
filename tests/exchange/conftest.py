"""Several services that share an exchange, over one DuckDB: each is what a process would be."""

from __future__ import annotations

import asyncio
import inspect
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.engines.server import Server

from cuboid.catalog.compile import compile_catalog
from cuboid.catalog.files import ModelFile
from cuboid.catalog.model import Catalog
from cuboid.errors import QueryFailed
from cuboid.planning import ServiceSettings
from cuboid.request import RequestContext
from cuboid.run.data_source import DataSource
from cuboid.run.exchange import ExchangeSettings
from cuboid.run.link import Link
from cuboid.run.places import SharedPlaces
from cuboid.run.queue import QueueSettings
from cuboid.service import Service
from cuboid.types import Job, Pending, Principal, Result, Statement
from cuboid_duckdb.dialect import DuckDBDialect
from cuboid_duckdb.driver import DuckDBConfig, DuckDBDriver
from cuboid_duckdb.queue import DuckDBQueue
from cuboid_redis.exchange import RedisExchange

DEADLINE = 30.0

MODEL = """
cubes:
  - name: sales
    sql: "SELECT * FROM sales WHERE {SECURITY_CONTEXT.tenant.filter('tenant')}"
    refresh_key: {every: 1 day}
    measures: [{name: total, type: sum, sql: amount}]
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: shop, sql: shop, type: string}
  - name: shops
    sql: SELECT 'north' AS name
    refresh_key: {immutable: true}
    dimensions: [{name: name, sql: name, type: string, primary_key: true, public: true}]
"""
TABLES = """
CREATE TABLE sales AS
    SELECT * FROM (VALUES (1, 'a', 'north', 10), (2, 'b', 'north', 20)) AS t (id, tenant, shop, amount)
"""
TOTAL = {"measures": ["sales.total"]}


def url(server: Server) -> str:
    return f"redis://:{server.password}@{server.host}:{server.port}"


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Coroutine tests run on a loop of their own, within a deadline."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    asyncio.run(_in_time(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names})))
    return True


async def _in_time(test: Any) -> None:
    async with asyncio.timeout(DEADLINE):
        await test


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Waits; the test's deadline is the limit."""
    while not await holds():  # noqa: ASYNC110 - what happens in the exchange is no event of this loop
        await asyncio.sleep(0.02)


class Shared(DuckDBDriver):
    """One database for all services, and the statements that reached it; which wait while the gate is shut."""

    def __init__(self) -> None:
        super().__init__(DuckDBConfig())
        self.seen: list[str] = []
        self.running = self.most = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self._stops: dict[str, asyncio.Event] = {}
        self._opened = False

    async def open(self) -> None:
        if not self._opened:
            self._opened = True
            await super().open()

    async def close(self) -> None:
        pass

    async def execute(self, job: Job) -> Result:
        self.seen.append(job.statement.sql)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await self._pass(job)
            return await super().execute(job)
        finally:
            self.running -= 1

    async def _pass(self, job: Job) -> None:
        stop = self._stops[job.id] = asyncio.Event()
        waits = [asyncio.create_task(each.wait()) for each in (self.gate, stop)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for each in waits:
            each.cancel()
        if stop.is_set():
            raise QueryFailed("interrupted")

    async def interrupt(self, job: Job) -> None:
        self._stops[job.id].set()
        await super().interrupt(job)

    def count(self, text: str = "sum(") -> int:
        return sum(text.lower() in sql.lower() for sql in self.seen)


class Process:
    """A service of a deployment."""

    def __init__(self, deployment: Deployment, catalog: Catalog | None = None, **settings: Any) -> None:
        self.exchange = RedisExchange(
            ExchangeSettings(deployment.url, deployment.prefix, uuid.uuid4().hex, lease=2)
        )
        self.link = Link(self.exchange, processes=2)
        driver = deployment.driver
        places = SharedPlaces(self.link, "shop")
        queue = DuckDBQueue(driver, QueueSettings(limit=deployment.limit, places=places))
        self.source = DataSource(
            "default", driver, DuckDBDialect(), queue, identity="shop", refresh_every=3600
        )
        options = {"cache_size": 1_000_000, **settings}
        self.service = Service(
            lambda: catalog or deployment.catalog,
            {"default": self.source},
            ServiceSettings(**options),
            link=self.link,
        )

    async def load(self, query: Any = TOTAL, cache: str | None = None, **claims: Any) -> Any:
        """The body, or that it is pending."""
        body = await self.service.load(query, RequestContext(Principal(claims)), cache=cache)
        return body if isinstance(body, Pending) else json.loads(body)

    async def total(self, cache: str | None = None, **claims: Any) -> int:
        return int((await self.load(TOTAL, cache, **claims))["data"][0]["sales.total"])


class Deployment:
    """Processes that share an exchange."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.prefix = uuid.uuid4().hex
        self.limit = 4
        self.driver = Shared()
        self.catalog = compile_catalog([ModelFile("model.yml", MODEL)])
        assert not self.catalog.errors, self.catalog.errors
        self.processes: list[Process] = []

    def start(self, **settings: Any) -> Process:
        self.processes.append(Process(self, **settings))
        return self.processes[-1]

    async def write(self, sql: str) -> None:
        await self.driver.open()
        await DuckDBDriver.execute(self.driver, Job(uuid.uuid4().hex, sql, Statement(sql)))


Deployed = Callable[..., Any]


@pytest.fixture
def deployed(valkey_server: Server) -> Deployed:
    """``async with deployed() as deployment``: with the tables, all closed at the end."""

    @asynccontextmanager
    async def deploy(server: Server = valkey_server) -> AsyncIterator[Deployment]:
        deployment = Deployment(url(server))
        await deployment.write(TABLES)
        try:
            yield deployment
        finally:
            for each in deployment.processes:
                await each.service.close()
            await DuckDBDriver.close(deployment.driver)

    return deploy
