"""A Cube project that is configured in Python runs as it is; what has no equal is named."""

from __future__ import annotations

import asyncio
import sys
import textwrap
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest

import cuboid
from cuboid.catalog.files import ModelFile
from cuboid.cube_python.plugin import HOOKS, REFUSED, SETTINGS, WITHOUT_EFFECT
from cuboid.errors import ConfigError, PluginError
from cuboid.hook_answers import HookAnswers
from cuboid.http.plugin_rules import PluginRules
from cuboid.plugins import Registry
from cuboid.project import Project
from cuboid.types import HttpRequest, Principal

GLOBALS = """
from cube import TemplateContext, SafeString
from table_names import prefix

template = TemplateContext()
template.add_variable('schema', SafeString('main'))

@template.function
def columns(table):
    return [{'name': 'city', 'type': 'string'}, {'name': table + '_id', 'type': 'number'}]

@template.function('is_open')
async def visible(context: dict) -> bool:
    return context['securityContext'].setdefault('team', 'default') == 'default'

@template.filter
def prefixed(value):
    return prefix + value
"""
MODEL = """
cubes:
  - name: orders
    sql_table: "{{ schema }}.{{ 'orders' | prefixed }}"
    public: {{ is_open(COMPILE_CONTEXT) }}
    measures: [{name: count, type: count}]
    dimensions:
    {%- for column in columns('user') %}
      - name: {{ column.name }}
        sql: {{ column['name'] }}
        type: {{ column.type }}
    {%- endfor %}
"""
REWRITE = """
from cube import config
from rules import CITY

config.telemetry = False
config.scheduled_refresh_timer = 60

@config('query_rewrite')
async def rewrite(query: dict, ctx: dict) -> dict:
    query.setdefault('filters', []).append(
        {'member': 'orders.city', 'operator': 'equals', 'values': [ctx['securityContext'].get('city', CITY)]}
    )
    return query
"""


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path = path.with_name(f"{path.name}.{'yml' if path.name == 'orders' else 'py'}")
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(text))
    return folder


def test_globals_give_templates_their_names(tmp_path: Path) -> None:
    write(tmp_path, model__globals=GLOBALS, model__table_names="prefix = 'shop_'\n", model__orders=MODEL)
    catalog = Project.open(tmp_path).catalog
    assert catalog.errors == ()
    orders = catalog.cubes["orders"]
    assert list(orders.dimensions) == ["city", "user_id"]
    assert orders.public
    assert orders.sql_table is not None
    assert orders.sql_table.parts == ("main.shop_orders",)


def test_the_module_and_those_of_the_project_are_gone_after_the_import(tmp_path: Path) -> None:
    write(tmp_path, model__globals=GLOBALS, model__table_names="prefix = 'shop_'\n", model__orders=MODEL)
    path = list(sys.path)
    assert Project.open(tmp_path).catalog.cubes
    assert "cube" not in sys.modules
    assert "table_names" not in sys.modules
    assert sys.path == path


def test_query_rewrite_is_a_hook(tmp_path: Path) -> None:
    write(tmp_path, cube=REWRITE, rules="CITY = 'Rome'\n")
    registry = Registry.load(tmp_path)
    registry.require()
    query = {"measures": ["orders.count"]}
    filters = registry.rewrite_query(query, Principal())["filters"]
    assert filters == [{"member": "orders.city", "operator": "equals", "values": ["Rome"]}]
    theirs = registry.rewrite_query(query, Principal(MappingProxyType({"city": "Oslo"})))["filters"]
    assert theirs[0]["values"] == ["Oslo"]
    assert query == {"measures": ["orders.count"]}
    assert registry.settings == {"scheduled_refresh_timer": 60}


@pytest.mark.parametrize(
    ("origin", "origins"),
    [
        ("'https://a'", "https://a"),
        ("['https://a']", ["https://a"]),
        ("True", "*"),
        ("False", ()),
        ("'*'", "*"),
    ],
)
def test_cors_is_settings(tmp_path: Path, origin: str, origins: object) -> None:
    cors = f"{{'origin': {origin}, 'allowedHeaders': ['x'], 'max_age': 60}}"
    write(tmp_path, cube=f"from cube import config\nconfig.http = {{'cors': {cors}}}\n")
    registry = Registry.load(tmp_path)
    registry.require()
    assert registry.settings == {"cors_origins": origins, "cors_headers": ["x"], "cors_max_age": 60}


def test_a_plugin_of_the_project_comes_after_cube_py(tmp_path: Path) -> None:
    steps = (
        "from cube import config\n@config\ndef query_rewrite(query, ctx):\n    return {'steps': ['cube']}\n"
    )
    own = "import cuboid\n@cuboid.hookimpl\ndef rewrite_query(query):\n    return {'steps': query['steps'] + ['own']}"
    write(tmp_path, cube=steps, cuboid_plugin=own)
    assert Registry.load(tmp_path).rewrite_query({}, Principal()) == {"steps": ["cube", "own"]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("config.context_to_groups = ['a']", "'context_to_groups' of cube.py is no function.*@config"),
        (
            "config.jwt = {'keys': 'x'}",
            "'keys' of the option jwt in cube.py has no equal. Did you mean 'key'",
        ),
        ("config.http = {'port': 1}", "'port' of the option http in cube.py has no equal"),
        ("config.http = {'cors': {'origins': '*'}}", "Did you mean 'origin'"),
        ("config.external_driver_factory = lambda ctx: {}", "'external_driver_factory'.*data_sources"),
        ("config.check_sql_auth = lambda ctx, token: None", "'check_sql_auth'.*no SQL API"),
        ("config.query_rewite = lambda query, ctx: query", "Did you mean 'query_rewrite'"),
        ("raise ValueError('no')", "cube.py cannot be imported: ValueError: no"),
        ("import not_there_at_all", "ModuleNotFoundError"),
    ],
)
def test_what_has_no_equal_stops_the_start_with_its_name(tmp_path: Path, text: str, message: str) -> None:
    write(tmp_path, cube=f"from cube import config\n{text}\n")
    with pytest.raises(PluginError, match=message):
        Registry.load(tmp_path).require()


def test_globals_that_fail_stop_the_start(tmp_path: Path) -> None:
    write(tmp_path, model__globals="1 / 0\n", model__orders=MODEL)
    with pytest.raises(cuboid.PluginError, match=r"globals.py cannot be imported: ZeroDivisionError"):
        _ = Project.open(tmp_path).catalog


def test_the_page_on_cube_py_names_every_option() -> None:
    page = Path(__file__).parents[2] / "docs" / "how-to" / "keep-cube-py.md"
    text = page.read_text(encoding="utf-8")
    options = [*HOOKS, *SETTINGS, "jwt", "http", *REFUSED, *WITHOUT_EFFECT]
    assert [name for name in options if f"`{name}`" not in text] == []


def test_every_option_of_cube_is_answered_once() -> None:
    groups = [set(HOOKS), set(SETTINGS), {"jwt", "http"}, set(REFUSED), set(WITHOUT_EFFECT)]
    assert sum(len(group) for group in groups) == len(set().union(*groups))


def test_intervals_are_settings_in_seconds(tmp_path: Path) -> None:
    text = "config.process_subscriptions_interval = 2500\nconfig.scheduled_refresh_time_zones = ['Europe/Rome']\n"
    write(tmp_path, cube=f"from cube import config\n{text}")
    settings = Project.open(tmp_path).settings
    assert (settings.web_sockets_interval, settings.scheduled_refresh_timezones) == (2.5, ("Europe/Rome",))


def test_a_function_of_the_tenant_is_no_setting(tmp_path: Path) -> None:
    write(
        tmp_path,
        cube="from cube import config\n@config\ndef scheduled_refresh_timezones(ctx):\n    return ['UTC']\n",
    )
    with pytest.raises(PluginError, match=r"'scheduled_refresh_timezones' of cube\.py is a function"):
        Registry.load(tmp_path).require()


def test_the_driver_factory_gives_connections_by_tenant_and_data_source(tmp_path: Path) -> None:
    hooks = answers(
        tmp_path,
        """
        @config('driver_factory')
        def driver(ctx):
            firm = ctx['securityContext'].get('firm')
            return firm and {'type': 'postgres', 'database': f"{firm}_{ctx['dataSource']}"}
        """,
    )
    given = hooks.data_source("sales", Principal({"firm": "acme"}))
    assert given is not None
    assert (given.driver, given.settings["database"].value) == ("postgres", "acme_sales")
    assert hooks.data_source("sales", Principal()) is None


def test_rollups_are_kept_fresh_for_the_contexts_of_the_function(tmp_path: Path) -> None:
    hooks = answers(
        tmp_path,
        """
        @config('scheduled_refresh_contexts')
        async def contexts():
            return [{'securityContext': {'firm': 1}}, {'security_context': {'firm': 2}}]
        """,
    )
    assert [dict(each.claims) for each in hooks.scheduled_contexts()] == [{"firm": 1}, {"firm": 2}]


def answers(folder: Path, text: str, **files: str) -> HookAnswers:
    write(folder, cube=f"from cube import config, file_repository\n{textwrap.dedent(text)}", **files)
    registry = Registry.load(folder)
    registry.require()
    return HookAnswers(registry, folder)


@pytest.mark.parametrize("kind", ["def", "async def"])
@pytest.mark.parametrize(
    ("option", "ask"), [("context_to_app_id", "tenant"), ("schema_version", "model_version")]
)
def test_the_tenant_and_its_version_are_named(tmp_path: Path, kind: str, option: str, ask: str) -> None:
    hooks = answers(
        tmp_path,
        f"""
        @config('{option}')
        {kind} named(ctx):
            return f"APP_{{ctx['securityContext']['firm']}}" if ctx['security_context'] else None
        """,
    )
    asked = getattr(hooks, ask)
    assert [asked(Principal({"firm": 7})), asked(Principal())] == ["APP_7", None]


@pytest.mark.parametrize("option", ["context_to_groups", "context_to_roles"])
def test_groups_are_those_of_the_function_else_of_the_claim(tmp_path: Path, option: str) -> None:
    hooks = answers(tmp_path, f"config.{option} = lambda ctx: ctx['securityContext'].get('teams')")
    assert hooks.groups(Principal({"teams": ("a", "b"), "groups": ["c"]})) == {"a", "b"}
    assert hooks.groups(Principal({"teams": [], "groups": ["c"]})) == set()
    assert hooks.groups(Principal({"groups": ["c"]})) == {"c"}


def test_the_repository_is_a_list_or_a_folder(tmp_path: Path) -> None:
    hooks = answers(
        tmp_path,
        """
        @config('repository_factory')
        def files(ctx):
            firm = ctx['securityContext'].get('firm')
            if firm is None:
                return [{'fileName': 'x.yml', 'content': 'cubes: []'}]
            return file_repository(f'model/{firm}')
        """,
    )
    folder = tmp_path / "model" / "acme"
    folder.mkdir(parents=True)
    (folder / "orders.yml").write_text("cubes:")
    assert hooks.model_files(Principal()) == (ModelFile("x.yml", "cubes: []"),)
    assert hooks.model_files(Principal({"firm": "acme"})) == (ModelFile("model/acme/orders.yml", "cubes:"),)
    with pytest.raises(PluginError, match="names a folder that does not exist: model/other"):
        hooks.model_files(Principal({"firm": "other"}))


def test_async_functions_are_waited_for_in_a_thread(tmp_path: Path) -> None:
    write(
        tmp_path,
        cube="from cube import config\n@config\nasync def context_to_groups(ctx):\n    return ['a']\n",
    )
    registry = Registry.load(tmp_path)
    assert registry.wait
    assert HookAnswers(registry, tmp_path).groups(Principal()) == {"a"}


def test_what_is_a_setting_here_is_taken_as_one_and_our_variables_win(tmp_path: Path) -> None:
    text = """
    from cube import config
    config.base_path = '/bi'
    config.set_schema_path('schemas')
    config.compiler_cache_size = 7
    config.jwt = {'algorithms': ['HS256'], 'claimsNamespace': 'https://acme'}
    """
    write(tmp_path, cube=text)
    (tmp_path / "cuboid.yml").write_text("base_path: /file\nschema_path: file\n")
    environ = {"CUBOID_BASE_PATH": "/ours", "CUBEJS_SCHEMA_PATH": "theirs"}
    project = Project.open(tmp_path, environ=environ)
    settings = project.settings
    assert (settings.base_path, settings.schema_path, settings.tenants_kept) == ("/ours", "schemas", 7)
    assert (settings.jwt_algs, settings.jwt_claims_namespace) == (("HS256",), "https://acme")
    assert project.configuration.origins["schema_path"] == "cube.py"


def test_a_wrong_setting_of_cube_py_is_told_with_its_origin(tmp_path: Path) -> None:
    write(tmp_path, cube="from cube import config\nconfig.base_path = 'bi'\n")
    with pytest.raises(ConfigError, match=r"base_path.*cube\.py"):
        Project.open(tmp_path, environ={})


# ---------------------------------------------------------------- requests

REQUEST = HttpRequest("GET", "/cubejs-api/v1/load", MappingProxyType({"x-org": "north"}))


def rules(folder: Path, text: str) -> PluginRules:
    write(folder, cube=f"from cube import config\n{textwrap.dedent(text)}")
    registry = Registry.load(folder)
    registry.require()
    return PluginRules.of(registry)


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_check_auth_decides_alone(tmp_path: Path, kind: str) -> None:
    text = f"""
        @config
        {kind} check_auth(ctx, token):
            if token == "returned":
                return {{"security_context": {{"who": "r", "from": ctx["request"]["headers"]["x-org"]}}}}
            if token == "put":
                ctx["securityContext"] = {{"who": "p"}}
                return
            if token != "plain":
                raise Exception("Access denied")
        """
    gate = rules(tmp_path, text)
    found = {token: asyncio.run(gate.authenticate(token, REQUEST)) for token in ("returned", "put", "plain")}
    assert found == {"returned": {"who": "r", "from": "north"}, "put": {"who": "p"}, "plain": {}}
    for token in ("other", None):
        with pytest.raises(cuboid.Unauthenticated, match=r"\AAccess denied\Z"):
            asyncio.run(gate.authenticate(token, REQUEST))


def test_extend_context_is_seen_by_the_other_functions_and_changes_no_claim(tmp_path: Path) -> None:
    text = """
        @config
        def extend_context(req):
            req["securityContext"]["org"] = req["headers"]["x-org"]
            req["extra"] = 1
            return req
        @config
        def query_rewrite(query, ctx):
            return {"saw": [ctx["securityContext"], ctx["extra"]]}
        """
    gate = rules(tmp_path, text)
    principal = Principal(MappingProxyType({"who": "ann"}))
    context = asyncio.run(gate.context(principal, REQUEST))
    extended = replace(principal, context=context)
    assert extended.claims == {"who": "ann"}
    seen = Registry.load(tmp_path).rewrite_query({}, extended)
    assert seen == {"saw": [{"who": "ann", "org": "north"}, 1]}


def test_context_to_api_scopes_says_what_is_open(tmp_path: Path) -> None:
    gate = rules(
        tmp_path, "@config\ndef context_to_api_scopes(ctx, scopes):\n    return scopes if ctx else ['meta']\n"
    )
    somebody, nobody = Principal(MappingProxyType({"a": 1})), Principal()
    assert asyncio.run(gate.has_scope(somebody, "data", ("data", "meta")))
    assert not asyncio.run(gate.has_scope(nobody, "data", ("data", "meta")))
