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
    """Coroutine tests run on a loop of their own, within a deadline."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    test = pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names})
    asyncio.run(asyncio.wait_for(test, DEADLINE))
    return True


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
def make(postgres_server):
    """Makes drivers on the server, with other settings."""
    return lambda **settings: on(postgres_server, **settings)


@pytest.fixture
def driver(make):
    return make()


@pytest.fixture
def admin(postgres_server):
    """Says and sees what the driver must not."""
    with closing(PostgresAdmin(postgres_server)) as opened:
        yield opened
