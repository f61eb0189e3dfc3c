"""The garbage collector rests while a model is compiled, and is back afterwards."""

import gc
import weakref

from cuboid.catalog.collection import without_collection
from cuboid.catalog.compile import compile_catalog
from cuboid.catalog.files import ModelFile
from cuboid.planner import Planner
from cuboid_duckdb.dialect import DuckDBDialect

MODEL = """
cubes:
  - name: orders
    sql_table: orders
    joins: [{name: users, relationship: many_to_one, sql: "{CUBE}.user_id = {users.id}"}]
    measures: [{name: count, type: count}]
    dimensions: [{name: id, sql: id, type: number, primary_key: true}]
  - name: users
    sql_table: users
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: orders, sql: "{orders.count}", type: number, sub_query: true}
"""


def test_collection_is_paused_within_and_on_after_an_error():
    try:
        with without_collection():
            assert not gc.isenabled()
            raise ValueError
    except ValueError:
        assert gc.isenabled()


def test_one_within_another_leaves_it_to_the_outer():
    with without_collection():
        with without_collection():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()


def test_each_compilation_ends_with_collection_on():
    for text in ("cubes: []", "cubes: [", "cubes: []"):
        compile_catalog([ModelFile("a.yml", text)])
        assert gc.isenabled()


def test_a_model_and_its_planner_go_without_collection():
    """In a circle they would wait for the collector to look through all that is old."""
    gc.collect()
    gc.disable()
    try:
        catalog = compile_catalog([ModelFile("a.yml", MODEL)])
        gc.disable()
        assert not catalog.errors
        planner = Planner(catalog, lambda _: DuckDBDialect(), store="store")
        held = weakref.ref(catalog)
        del catalog, planner
        assert held() is None
    finally:
        gc.enable()
