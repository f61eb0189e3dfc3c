"""Tenants over HTTP: each asks its own model, and what they have in common is there once."""

from __future__ import annotations

import asyncio
import threading
import time
import tracemalloc
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
import pytest

from cuboid.project import Project
from cuboid.tenants import Tenants
from cuboid.types import Principal

Call = Callable[..., Any]

PLUGIN = """
import cuboid

asked = []

@cuboid.hookimpl
def tenant(principal):
    return principal.claims.get("firm")
"""
MODEL = """
cubes:
  - name: orders
    sql: SELECT * FROM (VALUES (1, 'north', 10), (2, 'south', 20), (3, 'south', 30)) AS t (id, region, amount)
    measures:
      - {name: count, type: count}
    {%- if COMPILE_CONTEXT.securityContext.plan == 'paid' %}
      - {name: total, type: sum, sql: amount}
    {%- endif %}
    dimensions:
      - {name: id, type: number, sql: id, primary_key: true}
      - {name: region, type: string, sql: region}
  - name: own
    sql: SELECT '{COMPILE_CONTEXT.securityContext.firm}' AS firm
    dimensions: [{name: firm, type: string, sql: firm, primary_key: true, public: true}]
"""
FILES = (
    PLUGIN
    + """
@cuboid.hookimpl
def model_files(principal):
    asked.append(principal.claims["firm"])
    return store[principal.claims["firm"]]()

@cuboid.hookimpl
def model_version(principal):
    return versions.get(principal.claims["firm"])

store = {}
versions = {}
"""
)


def cube(name: str, measure: str = "count") -> list[tuple[str, str]]:
    return [
        (
            "model/m.yml",
            f"cubes: [{{name: {name}, sql: SELECT 1 AS id, measures: [{{name: c, type: {measure}}}]}}]",
        )
    ]


@pytest.fixture
def open_project(tmp_path: Path) -> Callable[..., Project]:
    def open_project(plugin: str, model: str | None = MODEL, **environ: str) -> Project:
        (tmp_path / "cuboid.yml").write_text("data_sources:\n  default: {driver: duckdb}\n")
        (tmp_path / "cuboid_plugin.py").write_text(plugin)
        if model is not None:
            (tmp_path / "model").mkdir()
            (tmp_path / "model" / "orders.yml").write_text(model)
        return Project.open(tmp_path, environ=environ)

    return open_project


@pytest.fixture
def serve(run: Call, token: Call) -> Callable[..., Callable[..., Any]]:
    """Serves a project; gives clients by claims."""

    def serve(project: Project) -> Callable[..., Any]:
        first = run(project.service)
        return lambda **claims: type(first)(first.port, token(claims))

    return serve


def module(project: Project) -> Any:
    return next(each.module for each in project.registry.plugins if each.name == "cuboid_plugin")


def members(meta: Any) -> set[str]:
    return {member["name"] for each in meta.body["cubes"] for member in each["measures"] + each["dimensions"]}


def test_each_tenant_asks_the_model_that_its_claims_make(open_project: Call, serve: Call) -> None:
    client = serve(open_project(PLUGIN))
    a, b = client(firm="a", plan="paid"), client(firm="b")
    total = {"measures": ["orders.total"]}
    assert a.get("load", total).body["data"] == [{"orders.total": "60"}]
    refused = b.get("load", total)
    assert refused.status == 400
    assert "orders.total" in refused.body["error"]
    assert a.get("sql", total).status == 200
    assert b.get("sql", total).status == 400
    assert "orders.total" in members(a.get("meta"))
    assert "orders.total" not in members(b.get("meta"))
    for client, name in ((a, "a"), (b, "b")):
        answer = client.get("load", {"dimensions": ["own.firm"]})
        assert answer.body["data"] == [{"own.firm": name}]


def test_what_plugins_add_to_the_context_is_there_when_the_model_is_compiled(open_project: Call) -> None:
    model = "cubes: [{name: a, sql_table: '{COMPILE_CONTEXT.unit}.t'}]"
    project = open_project(PLUGIN, model)
    principal = Principal({"firm": "a"}, context={"unit": "north", "securityContext": "no claims"})
    _, catalog = asyncio.run(project.tenants.named(principal))
    assert catalog.errors == ()
    table = catalog.cubes["a"].sql_table
    assert table is not None
    assert "".join(map(str, table.parts)) == "north.t"


def test_requests_of_no_tenant_have_a_model_without_claims(open_project: Call, serve: Call) -> None:
    client = serve(open_project(PLUGIN))()
    assert client.get("load", {"measures": ["orders.count"]}).body["data"] == [{"orders.count": "3"}]
    assert client.get("load", {"dimensions": ["own.firm"]}).status == 400  # its SQL has no firm to name
    ready = client.ask("GET", "/readyz")
    assert (ready.status, ready.body["model"]) == (200, {"errors": 1, "off": ["own"]})


def test_tenants_asking_at_once_get_their_own_and_each_model_is_read_once(
    open_project: Call, serve: Call
) -> None:
    project = open_project(FILES, None)
    plugin = module(project)
    names = [f"firm{number}" for number in range(8)]
    plugin.store.update({name: (lambda name=name: cube(name)) for name in names})
    client = serve(project)

    def ask(number: int) -> tuple[int, Any]:
        name = names[number % len(names)]
        answer = client(firm=name, request=number).get("load", {"measures": [f"{name}.c"]})
        return answer.status, answer.body.get("data")

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(ask, range(64)))
    assert answers == [(200, [{f"{names[number % 8]}.c": "1"}]) for number in range(64)]
    assert sorted(plugin.asked) == sorted(names)


def test_others_are_answered_while_a_model_is_read(open_project: Call, serve: Call) -> None:
    project = open_project(FILES, None)
    plugin, begun, goes_on = module(project), threading.Event(), threading.Event()

    def slow() -> Any:
        begun.set()
        assert goes_on.wait(50)
        return cube("slow")

    plugin.store.update(slow=slow, quick=lambda: cube("quick"))
    client = serve(project)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client(firm="slow").get, "load", {"measures": ["slow.c"]})
        try:
            assert begun.wait(50)
            assert client(firm="quick").get("load", {"measures": ["quick.c"]}).status == 200
        finally:
            goes_on.set()
        assert waiting.result(50).status == 200


def test_a_new_version_is_read_and_one_with_mistakes_leaves_the_last_good_one(
    open_project: Call, serve: Call
) -> None:
    project = open_project(FILES, None)
    plugin = module(project)
    told: list[tuple[str | None, str, str]] = []
    project.tenants.report = lambda name, change: told.append(
        (name, change.outcome, change.errors[0].message if change.errors else "")
    )
    plugin.store.update(a=lambda: cube("orders"))
    plugin.versions.update(a="1")
    client = serve(project)(firm="a")
    assert client.get("load", {"measures": ["orders.c"]}).status == 200
    plugin.store.update(a=lambda: cube("orders", "cuont"))
    assert client.get("load", {"measures": ["orders.c"]}).status == 200  # not looked at yet
    plugin.versions.update(a="2")
    assert client.get("load", {"measures": ["orders.c"]}).status == 200
    broken = client.get("meta", extended="").body
    assert "cuont" in str(broken)
    plugin.store.update(a=lambda: 1 / 0)
    plugin.versions.update(a="3")
    assert client.get("load", {"measures": ["orders.c"]}).status == 200
    plugin.store.update(a=lambda: cube("sales"))
    assert client.get("load", {"measures": ["sales.c"]}).status == 200
    assert client.get("load", {"measures": ["orders.c"]}).status == 400
    assert [(name, outcome) for name, outcome, _ in told] == [
        ("a", "refused"),
        ("a", "unreadable"),
        ("a", "taken"),
    ]
    assert "ZeroDivisionError" in told[1][2]


def test_a_tenant_without_a_readable_model_is_told_why_and_others_are_served(
    open_project: Call, serve: Call
) -> None:
    project = open_project(FILES, None)
    module(project).store.update(a=lambda: cube("orders"))
    client = serve(project)
    for asking in (client(firm="unknown"), client(firm="unknown")):
        refused = asking.get("load", {"measures": ["orders.c"]})
        assert (refused.status, refused.body["error"]) == (
            400,
            "Error: The hook model_files failed: KeyError: 'unknown'",
        )
    assert client(firm="a").get("load", {"measures": ["orders.c"]}).status == 200
    assert client(firm="a").ask("GET", "/readyz").status == 200


def test_an_edited_folder_is_taken_by_every_tenant(open_project: Call, serve: Call) -> None:
    project = open_project(PLUGIN)
    client = serve(project)
    a, b = client(firm="a", plan="paid"), client(firm="b")
    assert {"orders.total"} == members(a.get("meta")) - members(b.get("meta"))
    heard: list[str | None] = []

    async def follow() -> None:
        project.tenants.report = lambda name, change: heard.append(name)
        following = asyncio.create_task(project.tenants.follow(project.configuration.model_folder))
        text = MODEL.replace("name: region,", "name: area,")
        deadline = time.monotonic() + 60
        while not {"a", "b"} <= set(heard) and time.monotonic() < deadline:
            (project.folder / "model" / "orders.yml").write_text(f"{text}# {time.monotonic()}\n")
            await asyncio.sleep(1)
        following.cancel()

    asyncio.run(follow())
    assert {"orders.total"} == members(a.get("meta")) - members(b.get("meta"))
    assert "orders.area" in members(a.get("meta")) & members(b.get("meta"))


def test_a_thousand_tenants_of_one_model_share_it(open_project: Call) -> None:
    """What they hold beside is their names and claims: well under 50 MB."""
    project = open_project(PLUGIN, MODEL.split("  - name: own")[0], CUBOID_TENANTS_KEPT="1000")
    tenants: Tenants = project.tenants

    async def ask_all() -> set[int]:
        return {
            id((await tenants.named(Principal({"firm": str(number), "plan": "paid"})))[1])
            for number in range(1000)
        }

    _ = project.catalog
    tracemalloc.start()
    try:
        assert len(asyncio.run(ask_all())) == 1
        assert tracemalloc.get_traced_memory()[0] < 50e6
    finally:
        tracemalloc.stop()
    assert len(list(tenants.held())) == 1001


def test_tenants_who_ask_least_are_forgotten_with_their_plans(open_project: Call) -> None:
    project = open_project(PLUGIN, CUBOID_TENANTS_KEPT="2")
    service = project.service

    async def meta(claims: Mapping[str, Any]) -> None:
        from cuboid.request import RequestContext

        await service.sql({"measures": ["orders.count"]}, RequestContext(Principal(claims)))

    async def ask() -> None:
        for firm in ("a", "b", "a", "c", "d"):
            await meta({"firm": firm})
        await project.close()

    asyncio.run(ask())
    assert len(list(project.tenants.held())) == 2
    assert len(service._planning._known) == 2


def test_each_tenant_may_have_a_database_of_its_own(tmp_path: Path, serve: Call) -> None:
    sources = []
    for firm in ("a", "b"):
        file = tmp_path / f"{firm}.duckdb"
        with duckdb.connect(str(file)) as connection:
            connection.execute(
                f"CREATE TABLE sold AS SELECT '{firm}' AS firm, range AS id FROM range({ord(firm)})"
            )
        sources.append(f"  firm_{firm}: {{driver: duckdb, database: '{file}', read_only: true}}\n")
    (tmp_path / "cuboid.yml").write_text(f"data_sources:\n{''.join(sources)}")
    (tmp_path / "cuboid_plugin.py").write_text(PLUGIN)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "sold.yml").write_text(
        "cubes:\n"
        "  - name: sold\n"
        "    data_source: firm_{{ COMPILE_CONTEXT.securityContext.firm or 'a' }}\n"
        "    sql_table: sold\n"
        "    measures: [{name: count, type: count}]\n"
        "    dimensions:\n"
        "      - {name: id, type: number, sql: id, primary_key: true}\n"
        "      - {name: firm, type: string, sql: firm}\n"
    )
    project = Project.open(tmp_path, environ={})
    client = serve(project)
    query = {"measures": ["sold.count"], "dimensions": ["sold.firm"]}
    a = client(firm="a").get("load", query)
    assert a.body["data"] == [{"sold.firm": "a", "sold.count": "97"}]
    assert a.body["dataSource"] == "firm_a"
    assert not project.data_sources["firm_b"].used, "nobody has asked for it yet"
    b = client(firm="b").get("load", query)
    assert b.body["data"] == [{"sold.firm": "b", "sold.count": "98"}]
    # A firm without a data source is told so, and reads nobody else's.
    other = client(firm="c").get("load", query)
    assert other.status == 400
    assert "firm_c" in other.body["error"]
