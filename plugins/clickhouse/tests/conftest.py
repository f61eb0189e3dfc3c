"""Coroutine tests, and drivers on the run's ClickHouse server."""

from __future__ import annotations

import asyncio
import inspect
import itertools

import pytest

from cuboid.types import Job, Statement
from cuboid_clickhouse.config import ClickHouseConfig
from cuboid_clickhouse.driver import ClickHouseDriver

DEADLINE = 60.0


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Coroutine tests run on a loop of their own, within a deadline; their drivers are closed at the end."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    test = pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names})
    asyncio.run(_closing(pyfuncitem.funcargs.get("made", []), test))
    return True


async def _closing(drivers, test):
    try:
        async with asyncio.timeout(DEADLINE):
            await test
    finally:
        for driver in drivers:
            await driver.close()


@pytest.fixture
def job():
    """Makes jobs from SQL and parameters."""
    ids = itertools.count()

    def make(sql, *parameters, timeout=600.0):
        return Job(f"job-{next(ids)}", sql, Statement(sql, parameters), timeout=timeout)

    return make


def settings_of(server, **changed):
    """Settings for a server; ``changed`` replace those that would work."""
    working = {name: getattr(server, name) for name in ("host", "port", "database", "user", "password")}
    return ClickHouseConfig.model_validate({**working, **changed})


@pytest.fixture
def made():
    """The drivers that this test made."""
    return []


@pytest.fixture
def on(made):
    """Makes drivers, which are closed at the end."""

    def make(server, kind=ClickHouseDriver, **changed):
        made.append(kind(settings_of(server, **changed)))
        return made[-1]

    return make


@pytest.fixture
def driver(clickhouse_server, on):
    return on(clickhouse_server)
