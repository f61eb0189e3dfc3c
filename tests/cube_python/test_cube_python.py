"""A Cube project that is configured in Python runs as it is; what has no equal is named."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path
from types import MappingProxyType

import pytest

import cuboid
from cuboid.cube_python.plugin import HOOKS, REFUSED, SETTINGS, WITHOUT_EFFECT
from cuboid.errors import PluginError
from cuboid.plugins import Registry
from cuboid.project import Project
from cuboid.types import Principal

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
        ("config.base_path = '/x'", "'base_path' of cube.py has no equal.*setting here: base_path"),
        ("config.driver_factory = lambda ctx: {}", "'driver_factory'.*data_sources"),
        ("config.check_auth = lambda ctx, token: None", "'check_auth'.*cuboid_plugin.py"),
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


def test_every_option_of_cube_is_answered_once() -> None:
    groups = [set(HOOKS), set(SETTINGS), set(REFUSED), set(WITHOUT_EFFECT)]
    assert sum(len(group) for group in groups) == len(set().union(*groups))
