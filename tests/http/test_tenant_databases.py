"""The hook ``data_source``: each tenant's model asks a database of its own, which nobody knew at the start."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
from tests.engines.server import Server

import cuboid
from cuboid.project import Project
from cuboid.request import RequestContext
from cuboid.types import Principal

Call = Callable[..., Any]

PLUGIN = """
import cuboid

given = {}
versions = {}

@cuboid.hookimpl
def tenant(principal):
    return principal.claims.get("firm")

@cuboid.hookimpl
def model_version(principal):
    return versions.get(principal.claims.get("firm"))

@cuboid.hookimpl
def data_source(name, principal):
    return given.get((name, principal.claims.get("firm")))
"""
MODEL = """
cubes:
  - name: orders
    sql_table: orders
    measures: [{name: count, type: count}, {name: total, type: sum, sql: amount}]
    dimensions: [{name: id, type: number, sql: id, primary_key: true}]
    pre_aggregations: [{name: all, measures: [total]}]
"""
COUNT = {"measures": ["orders.count"]}
TOTAL = {"measures": ["orders.total"]}


def database(file: Path, rows: int) -> str:
    with duckdb.connect(str(file)) as connection:
        connection.execute(f"CREATE TABLE orders AS SELECT range AS id, 1 AS amount FROM range({rows})")
    return str(file)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    common = database(tmp_path / "common.duckdb", 1)
    (tmp_path / "cuboid.yml").write_text(
        f"tenants_kept: 2\ndata_sources:\n  default: {{driver: duckdb, database: {common}}}\n"
    )
    (tmp_path / "cuboid_plugin.py").write_text(PLUGIN)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "orders.yml").write_text(MODEL)
    return Project.open(tmp_path, environ={})


@pytest.fixture
def client_of(project: Project, run: Call, token: Call) -> Callable[..., Any]:
    first = run(project.service)
    return lambda firm=None: type(first)(first.port, token({"firm": firm} if firm else {}))


def plugin(project: Project) -> Any:
    return next(each.module for each in project.registry.plugins if each.name == "cuboid_plugin")


def give(project: Project, firm: str, **connection: Any) -> None:
    plugin(project).given["default", firm] = connection


def number(client: Any, query: dict[str, Any] = COUNT) -> int:
    answer = client.get("load", query)
    assert answer.status == 200, answer.raw
    ((value,),) = [row.values() for row in answer.body["data"]]
    return int(value)


def test_hook_data_source(project: Project, client_of: Call, tmp_path: Path) -> None:
    for firm, rows in (("a", 20), ("b", 30)):
        give(project, firm, driver="duckdb", database=database(tmp_path / f"{firm}.duckdb", rows))
    for _ in range(2):  # the second time from the cache
        assert [number(client_of(firm)) for firm in ("a", "b", None)] == [20, 30, 1]
    assert [number(client_of(firm), TOTAL) for firm in ("a", "b", None)] == [20, 30, 1]
    stored = client_of("a").get("load", TOTAL).body
    assert stored["usedPreAggregations"]  # of rollups, each has its own
    assert len(project.data_sources) == 3


def test_tenants_of_one_connection_share_it(project: Project, client_of: Call, tmp_path: Path) -> None:
    both = database(tmp_path / "both.duckdb", 5)
    for firm in ("a", "b"):
        give(project, firm, driver="duckdb", database=both)
    assert [number(client_of(firm)) for firm in ("a", "b")] == [5, 5]
    assert len(project.data_sources) == 2
    assert len({id(catalog) for catalog in project.tenants.held()}) == 1


def test_asked_at_once_each_has_its_own(project: Project, client_of: Call, tmp_path: Path) -> None:
    for firm in "abcdef":
        give(project, firm, driver="duckdb", database=database(tmp_path / f"{firm}.duckdb", ord(firm)))
    with ThreadPoolExecutor(12) as pool:  # more than are remembered
        found = list(pool.map(lambda firm: (firm, number(client_of(firm))), "abcdef" * 6))
    assert found == [(firm, ord(firm)) for firm in "abcdef" * 6]


def test_another_connection_is_taken_with_another_version(
    project: Project, client_of: Call, tmp_path: Path
) -> None:
    give(project, "a", driver="duckdb", database=database(tmp_path / "first.duckdb", 2))
    assert number(client_of("a")) == 2
    give(project, "a", driver="duckdb", database=database(tmp_path / "second.duckdb", 3))
    assert number(client_of("a")) == 2
    plugin(project).versions["a"] = "2"
    assert number(client_of("a")) == 3


def test_what_no_tenant_uses_any_more_is_closed(project: Project, tmp_path: Path) -> None:
    for firm in "abcd":
        give(project, firm, driver="duckdb", database=database(tmp_path / f"{firm}.duckdb", 1))

    async def ask() -> set[str]:
        context = RequestContext
        try:
            for firm in "abcd":
                await project.service.load(COUNT, context(Principal({"firm": firm}), "r"))
            gc.collect()
            return set(project.data_sources)
        finally:
            await project.close()

    names = asyncio.run(ask())
    assert len(names) <= 1 + 3  # the configured one, the two that are remembered, and what was planned last
    for firm in "abcd":  # nothing holds a file that was closed
        duckdb.connect(str(tmp_path / f"{firm}.duckdb")).close()


@pytest.mark.parametrize(
    ("connection", "message"),
    [
        ({"database": "x"}, "names no driver for 'default'"),
        ({"driver": "nosuch"}, "nosuch"),
        ({"driver": "duckdb", "databse": "x"}, "databse"),
        ({"driver": "duckdb", "database": "missing/x.duckdb"}, "x.duckdb does not exist"),
    ],
)
def test_what_is_wrong_with_a_connection_is_told_and_others_are_answered(
    project: Project, client_of: Call, connection: dict[str, Any], message: str
) -> None:
    give(project, "a", **connection)
    answer = client_of("a").get("load", COUNT)
    assert answer.status >= 400
    assert number(client_of()) == 1
    with pytest.raises(cuboid.CuboidError, match=message):
        asyncio.run(_asked(project, "a"))


async def _asked(project: Project, firm: str) -> None:
    context = RequestContext(Principal({"firm": firm}), "r")
    await project.service.load(COUNT, context)


def test_databases_of_a_server_and_a_password_that_changes(
    project: Project, client_of: Call, postgres_server: Server
) -> None:
    server = postgres_server
    login: dict[str, Any] = {"host": server.host, "port": server.port}
    admin: dict[str, Any] = {**login, "user": server.user, "password": server.password, "autocommit": True}
    role = "firm_reader"
    with psycopg.connect(dbname=server.database, **admin) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'first'")
        for firm in ("firm_a", "firm_b"):
            connection.execute(f"CREATE DATABASE {firm}")
    try:
        for firm, rows in (("firm_a", 7), ("firm_b", 8)):
            with psycopg.connect(dbname=firm, **admin) as connection:
                connection.execute(
                    f"CREATE TABLE orders AS SELECT id, 1 AS amount FROM generate_series(1, {rows}) id"
                )
                connection.execute(f"GRANT SELECT ON orders TO {role}")
            give(project, firm, driver="postgres", database=firm, user=role, password="first", **login)
        assert [number(client_of(firm)) for firm in ("firm_a", "firm_b", "firm_a")] == [7, 8, 7]
        anew = {**COUNT, "cache": "no-cache"}  # known again, and asked of whoever has the name by then
        assert number(client_of("firm_a"), anew) == 7
        with psycopg.connect(dbname=server.database, **admin) as connection:
            connection.execute(f"ALTER ROLE {role} PASSWORD 'second'")
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", [role]
            )
        give(project, "firm_a", driver="postgres", database="firm_a", user=role, password="second", **login)
        plugin(project).versions["firm_a"] = "2"
        assert number(client_of("firm_a"), anew) == 7
    finally:
        with psycopg.connect(dbname=server.database, **admin) as connection:
            for firm in ("firm_a", "firm_b"):
                connection.execute(f"DROP DATABASE {firm} WITH (FORCE)")
            connection.execute(f"DROP ROLE {role}")


def test_with_another_password_nothing_is_shared(
    project: Project, client_of: Call, postgres_server: Server
) -> None:
    server = postgres_server
    login: dict[str, Any] = {"host": server.host, "port": server.port}
    admin: dict[str, Any] = {**login, "user": server.user, "password": server.password, "autocommit": True}
    role = "shared_reader"
    with psycopg.connect(dbname=server.database, **admin) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'right'")
        connection.execute("CREATE DATABASE shared_shop")
    try:
        with psycopg.connect(dbname="shared_shop", **admin) as connection:
            connection.execute("CREATE TABLE orders AS SELECT id, 1 AS amount FROM generate_series(1, 7) id")
            connection.execute(f"GRANT SELECT ON orders TO {role}")
        for firm, password in (("knows", "right"), ("guesses", "wrong")):
            settings = {**login, "database": "shared_shop", "user": role, "password": password}
            give(project, firm, driver="postgres", **settings)
        for query in (COUNT, TOTAL):  # the second from a rollup
            assert number(client_of("knows"), query) == 7
            refused = client_of("guesses").get("load", query)
            assert refused.status == 400
            assert "password authentication failed" in refused.body["error"]
            assert number(client_of("knows"), query) == 7
    finally:
        with psycopg.connect(dbname=server.database, **admin) as connection:
            connection.execute("DROP DATABASE shared_shop WITH (FORCE)")
            connection.execute(f"DROP ROLE {role}")


NOWHERE = {"driver": "postgres", "host": "127.0.0.1", "port": 1, "database": "shop", "user": "reader"}


def test_passwords_tell_connections_apart_and_are_not_in_their_names(
    project: Project, client_of: Call
) -> None:
    for firm, password in (("a", "first"), ("b", "second"), ("c", "first")):
        give(project, firm, **NOWHERE, password=password)
        assert client_of(firm).get("sql", COUNT).status == 200
    names = set(project.data_sources) - {"default"}
    assert len(names) == 2
    assert not any(word in name for name in names for word in ("first", "second"))


def test_answers_errors_and_metrics_call_a_connection_what_the_model_calls_it(
    project: Project, run: Call, token: Call, tmp_path: Path
) -> None:
    served = run(project.service, metrics=True)
    of = {firm: type(served)(served.port, token({"firm": firm})) for firm in "abc"}
    for firm in "ab":
        give(project, firm, driver="duckdb", database=database(tmp_path / f"{firm}.duckdb", 2))
    give(project, "c", **NOWHERE)
    for query in (COUNT, TOTAL):
        assert of["a"].get("load", query).body["dataSource"] in ("default", "rollups")
        described = of["a"].get("sql", query).body
        assert {each["dataSource"] for each in described["sql"]["preAggregations"]} <= {"default"}
        explained = of["a"].get("explain", query).body["explanations"][0]
        assert explained["sql"]["dataSource"] == described["dataSource"]
    assert of["a"].get("sql", COUNT).body["dataSource"] == "default"
    assert number(of["b"]) == 2
    assert of["c"].get("load", COUNT).body["error"].startswith("Error: Data source 'default': ")
    rows = [
        line for line in of["a"].ask("GET", "/metrics").raw.decode().splitlines() if "data_source=" in line
    ]
    assert 'cuboid_rows_total{data_source="default"} 2.0' in rows  # a's and b's counts; TOTAL is a rollup's
    assert {line.split('data_source="')[1].split('"')[0] for line in rows} <= {"default", "rollups"}
