"""A data source over a server that is killed under load, and what its users saw.

``python -m tests.run.killing 10`` kills each engine's server ten times and prints the transcript.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import re
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.engines.admin import admin
from tests.engines.server import Server, ask, keeper, start

from cuboid.errors import ConnectionFailed
from cuboid.plugins import Registry
from cuboid.run.bounded import BoundedQueue
from cuboid.run.data_source import DataSource
from cuboid.run.queue import QueueSettings
from cuboid.types import Result, Statement

DEADLINE = 60.0
AT_ONCE = 4

DRIVERS = {"postgres": "postgres", "mysql": "mysql", "mariadb": "mysql", "clickhouse": "clickhouse"}
LIBRARIES = [*DRIVERS.items(), ("mysql", "asyncmy"), ("mariadb", "asyncmy")]
"""Engines and the drivers that speak with them: the first is the usual one."""

SLOW = {
    "postgres": "SELECT pg_sleep(50)",
    "mysql": "SELECT SLEEP(50)",
    "mariadb": "SELECT SLEEP(50)",
    "clickhouse": "SELECT sum(sleepEachRow(1)) FROM numbers(50) SETTINGS max_block_size = 1",
}
# Connections of the data source that the server knows of, the one that asks left out.
PROCESSES = (
    "SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'cuboid' AND id <> CONNECTION_ID()"
)
CONNECTIONS = {
    "postgres": "SELECT COUNT(*) FROM pg_stat_activity "
    "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
    "mysql": PROCESSES,
    "mariadb": PROCESSES,
    "clickhouse": "SELECT value - 1 FROM system.metrics WHERE metric = 'HTTPConnection'",
}


@dataclass
class Seen:
    """What users saw of one kill."""

    sent: int = 0
    answered: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    """From the moment the server was back to the first answer."""

    def __str__(self) -> str:
        errors = "; ".join(f"{count} x {error}" for error, count in self.failed.most_common())
        first = f"first answer {1000 * self.seconds:.0f} ms after it was back"
        return f"{self.sent} sent, {self.answered} answered, {first}; failed: {errors}"


@dataclass
class Shop:
    """A data source over a server of one's own, and questions for it that are all different."""

    server: Server
    source: DataSource
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    async def ask(self) -> int:
        """Asks the database for a number."""
        number = next(self.numbers)
        result = await self.source.submit(Statement(f"SELECT {number}"), wait=DEADLINE)
        assert isinstance(result, Result)
        assert result.rows == [(number,)], f"a wrong answer: {result.rows}"
        return number

    async def ask_at_once(self) -> None:
        """Opens as many connections as the queue allows; they stay idle."""
        await asyncio.gather(*(self.ask() for _ in range(4 * AT_ONCE)))

    async def ask_slowly(self) -> None:
        sql = f"/* {next(self.numbers)} */ {SLOW[self.server.engine]}"
        await self.source.submit(Statement(sql), wait=DEADLINE)

    async def kill_and_restart(self) -> Seen:
        """Kills the server under statements that run, are queued, and keep coming; has it started again, and asks."""
        seen, over = Seen(), asyncio.Event()
        await self.ask_at_once()
        slow = [asyncio.create_task(self._try(self.ask_slowly, seen)) for _ in range(AT_ONCE - 1)]
        load = [asyncio.create_task(self._keep_asking(seen, over)) for _ in range(AT_ONCE)]
        await until(self._is_full)
        await asyncio.sleep(0.2)
        await asyncio.to_thread(self.server.kill)
        answers = await asyncio.gather(*slow)
        assert answers == [False] * len(slow)
        assert not await self._try(self.ask, seen)
        over.set()
        await asyncio.gather(*load)
        await asyncio.to_thread(self.server.restart)
        back = asyncio.get_running_loop().time()
        assert await self._try(self.ask, seen), seen
        seen.seconds = asyncio.get_running_loop().time() - back
        return seen

    def connections(self) -> int:
        with admin(self.server) as connection:
            [(count,)] = connection.run(CONNECTIONS[self.server.engine])
            return int(count)

    async def _is_full(self) -> bool:
        assert isinstance(self.source.queue, BoundedQueue)
        return self.source.queue.snapshot().running == AT_ONCE

    async def _keep_asking(self, seen: Seen, over: asyncio.Event) -> None:
        while not over.is_set():
            if not await self._try(self.ask, seen):
                await asyncio.sleep(0.01)

    async def _try(self, question: Callable[[], Awaitable[object]], seen: Seen) -> bool:
        """Whether it was answered; if not, the error is one that names the data source and no secret."""
        seen.sent += 1
        try:
            await question()
        except ConnectionFailed as error:
            seen.failed[re.sub(r"\d+", "N", self._clear(error))] += 1
            return False
        seen.answered += 1
        return True

    def _clear(self, error: ConnectionFailed) -> str:
        """Its text, which names the data source and no secret."""
        assert str(error).startswith("Data source 'shop': "), error
        assert self.server.password not in f"{error} {error.hint}"
        return str(error)


@asynccontextmanager
async def opened(server: Server, driver_name: str) -> AsyncIterator[Shop]:
    """The shop over ``server``, for less time than a test may take."""
    registry = Registry.load()
    driver_class = registry.driver(driver_name)
    names = ("host", "port", "user", "password", "database")
    driver = driver_class(driver_class.Config.model_validate({name: getattr(server, name) for name in names}))
    queue = driver_class.queue(driver, QueueSettings(limit=AT_ONCE))
    dialect = registry.dialect(driver_class.dialect)
    source = DataSource("shop", driver, dialect, queue, timeout=DEADLINE)
    try:
        async with asyncio.timeout(1.8 * DEADLINE):
            yield Shop(server, source)
    finally:
        await source.close()


async def until(reached: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(DEADLINE):
        while not await reached():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.02)


async def transcript(server: Server, driver_name: str, times: int) -> None:
    print(f"{server.engine} {server.version}, driver {driver_name}")
    for number in range(1, times + 1):
        async with opened(server, driver_name) as shop:
            print(f"  {number:2} {await shop.kill_and_restart()}", flush=True)


def main(times: int) -> None:
    control = keeper(Path(tempfile.mkdtemp(prefix="cuboid-engines-")), os.getpid())
    for engine, driver_name in LIBRARIES:
        asyncio.run(transcript(start(control, engine, engine), driver_name, times))
    ask(control, "end")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
