"""Coroutine tests, and drivers on the run's Postgres server."""

from __future__ import annotations

import asyncio
import inspect
import itertools
from contextlib import closing

import pytest
from tests.engines.admin import PostgresAdmin

from cuboid.types import Job, Statement
from cuboid_postgres.config import PostgresConfig
from cuboid_postgres.driver import PostgresDriver

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


def on(server, **settings):
    """A driver on a server; settings replace those that would work."""
    working = {name: getattr(server, name) for name in ("host", "port", "database", "user", "password")}
    return PostgresDriver(PostgresConfig.model_validate({**working, **settings}))


@pytest.fixture
def made():
    """The drivers that this test made."""
    return []


@pytest.fixture
def make(postgres_server, made):
    """Makes drivers on the server, with other settings."""

    def with_settings(server=postgres_server, **settings):
        made.append(on(server, **settings))
        return made[-1]

    return with_settings


@pytest.fixture
def driver(make):
    return make()


@pytest.fixture
def admin(postgres_server):
    """Says and sees what the driver must not."""
    with closing(PostgresAdmin(postgres_server)) as opened:
        yield opened
