"""Coroutine tests, and drivers on real databases."""

from __future__ import annotations

import asyncio
import inspect
import itertools

import duckdb
import pytest

from cuboid.types import Job, Statement
from cuboid_duckdb.driver import DuckDBConfig, DuckDBDriver


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Coroutine tests run on a loop of their own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True


@pytest.fixture
def job():
    """Makes jobs from SQL and parameters."""
    ids = itertools.count()

    def make(sql, *parameters):
        return Job(f"job-{next(ids)}", sql, Statement(sql, parameters))

    return make


@pytest.fixture
def driver():
    """A driver on a database in memory; it is closed when the test's loop is, so tests need not."""
    return DuckDBDriver(DuckDBConfig())


@pytest.fixture
def database(tmp_path):
    """A database file with one small table, closed."""
    path = tmp_path / "shop.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE orders AS SELECT 1 AS id, 9.50::DECIMAL(10, 2) AS amount")
    return path
