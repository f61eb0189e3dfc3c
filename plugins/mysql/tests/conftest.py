"""Coroutine tests, and drivers on both kinds of server."""

from __future__ import annotations

import asyncio
import inspect
import itertools

import mysql.connector
import pytest

from cuboid.types import Job, Statement
from cuboid_mysql.asyncmy_driver import AsyncmyDriver
from cuboid_mysql.config import MySQLConfig
from cuboid_mysql.driver import MySQLDriver


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Coroutine tests run on a loop of their own, within a deadline."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters

    async def in_time():
        async with asyncio.timeout(100):
            await pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names})

    asyncio.run(in_time())
    return True


@pytest.fixture
def job():
    """Makes jobs from SQL and parameters."""
    ids = itertools.count()

    def make(sql, *parameters, columns=(), timeout=600.0):
        return Job(f"job-{next(ids)}", sql, Statement(sql, parameters, columns), timeout=timeout)

    return make


@pytest.fixture(
    params=[
        pytest.param("mysql", marks=pytest.mark.engine("mysql")),
        pytest.param("mariadb", marks=pytest.mark.engine("mariadb")),
    ]
)
def server(request):
    """MySQL, then MariaDB."""
    return request.getfixturevalue(f"{request.param}_server")


@pytest.fixture(params=[MySQLDriver, AsyncmyDriver], ids=lambda driver: driver.name)
def make_driver(request):
    """Makes a driver on a server, by either client library; tests close it."""

    def make(server, **settings):
        names = ("host", "port", "user", "password", "database")
        return request.param(
            MySQLConfig.model_validate({name: getattr(server, name) for name in names} | settings)
        )

    return make


@pytest.fixture
def driver(server, make_driver):
    return make_driver(server)


@pytest.fixture
def admin():
    """Runs statements as the administrator; the last one's rows."""

    def run(server, *statements):
        account = {"user": server.user, "password": server.password, "database": server.database}
        connection = mysql.connector.connect(
            host=server.host, port=server.port, autocommit=True, use_pure=False, **account
        )
        try:
            rows = []
            for statement in statements:
                cursor = connection.cursor()
                cursor.execute(statement)
                rows = cursor.fetchall() if cursor.with_rows else []
                cursor.close()
            return rows
        finally:
            connection.close()

    return run
