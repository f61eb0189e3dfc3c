"""Servers that die, come back, or fall silent under load: each engine's own driver and queue, and a real server."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator

import pytest
from tests.engines.fixtures import own
from tests.engines.server import Server
from tests.run.killing import AT_ONCE, LIBRARIES, opened, until

from cuboid.errors import ConnectionFailed, QueryTimeout

ROUNDS = 3

pytestmark = pytest.mark.parametrize(
    ("engine", "driver"),
    [pytest.param(engine, driver, marks=pytest.mark.engine(engine)) for engine, driver in LIBRARIES],
    scope="module",
)


@pytest.fixture(scope="module")
def server(pytestconfig: pytest.Config, engine: str) -> Iterator[Server]:
    with own(pytestconfig, engine) as started:
        yield started


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def threads() -> int:
    """Those in which the test itself waits left out."""
    return sum(not thread.name.startswith("asyncio_") for thread in threading.enumerate())


async def test_requests_under_load_fail_clearly_and_the_first_after_the_restart_succeeds(
    server, driver
) -> None:
    async with opened(server, driver) as shop:
        for _ in range(ROUNDS):
            seen = await shop.kill_and_restart()
            assert sum(seen.failed.values()) >= AT_ONCE
            await shop.ask_at_once()


async def test_a_restart_between_two_requests_is_not_noticed(server, driver) -> None:
    async with opened(server, driver) as shop:
        await shop.ask_at_once()
        await asyncio.to_thread(server.restart)
        # Every connection that was idle is dead now; none of them may cost an answer.
        await shop.ask_at_once()


async def test_nothing_leaks_when_a_server_dies_again_and_again(server, driver) -> None:
    await asyncio.to_thread(int)  # the loop's own pool of threads
    before = (descriptors(), threads())
    async with opened(server, driver) as shop:
        await shop.ask_at_once()
        open_once = (descriptors(), threads())

        async def no_more_than_once() -> bool:
            # Between statements there may be fewer connections than the queue allows, not more.
            return descriptors() <= open_once[0] + AT_ONCE and threads() <= open_once[1] + AT_ONCE

        for _ in range(ROUNDS):
            await shop.kill_and_restart()
            await shop.ask_at_once()
            await until(no_more_than_once)

        async def no_more_on_the_server() -> bool:
            return await asyncio.to_thread(shop.connections) <= AT_ONCE

        await until(no_more_on_the_server)

    async def as_before() -> bool:
        return descriptors() <= before[0] and threads() <= before[1]

    async def none_left() -> bool:
        return await asyncio.to_thread(shop.connections) == 0

    await until(as_before)
    await until(none_left)


async def test_a_silent_server_costs_a_timeout_and_then_nothing(server, driver) -> None:
    async with opened(server, driver) as shop:
        await shop.ask_at_once()
        await asyncio.to_thread(server.pause)
        shop.source.timeout, patience = 2.0, shop.source.timeout
        try:
            silent = await asyncio.gather(*(shop.ask() for _ in range(AT_ONCE)), return_exceptions=True)
        finally:
            await asyncio.to_thread(server.resume)
        shop.source.timeout = patience
        assert {type(error) for error in silent} <= {QueryTimeout, ConnectionFailed}, silent
        await shop.ask()
        await shop.ask_at_once()
