"""What is known from earlier compilations changes nothing but the time: after any edits the catalog is the one that
a first compilation gives."""

from __future__ import annotations

import gc
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cuboid.catalog.compile import Compiler, compile_catalog
from cuboid.catalog.files import ModelFile
from cuboid.catalog.model import Catalog
from cuboid.catalog.settings import ModelSettings, compile_context

ORDERS = """
cubes:
  - name: orders
    sql_table: orders
    joins: [{name: users, relationship: many_to_one, sql: "{CUBE}.user_id = {users.id}"}]
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: city, sql: "{users.place}", type: string}
      - {name: at, sql: at, type: time}
    measures:
      - {name: count, type: count}
      - {name: share, sql: "{count} / {users.count}", type: number}
    pre_aggregations: [{name: main, measures: [count], dimensions: [users.place]}]
"""
USERS = """
cubes:
  - name: users
    sql_table: users
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: place, sql: "UPPER({town})", type: string}
      - {name: town, sql: town, type: string}
    measures: [{name: count, type: count}]
"""
OTHERS = """
cubes:
  - name: late_orders
    extends: orders
    sql: SELECT * FROM {orders.sql()} AS o WHERE late
  - name: visits
    sql_table: "v_{COMPILE_CONTEXT.region}"
    joins: [{name: users, relationship: many_to_one, sql: "{visits}.user = {users.id}"}]
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: town, sql: town, type: string}
      - {name: shown, sql: "UPPER({town})", type: string}
    measures: [{name: count, type: count}]
"""
VIEWS = """
views:
  - name: sales
    cubes:
      - {join_path: orders, includes: [count, city]}
      - {join_path: orders.users, includes: [place], prefix: true}
"""
TOWN = "cubes:\n  - {name: town, sql_table: towns}\n"
START = {"orders.yml": ORDERS, "others.yml": OTHERS, "town.yml": "", "users.yml": USERS, "views.yml": VIEWS}

REPLACEMENTS = [
    ("name: users", "name: people"),
    ("name: town, sql: town", "name: town, sql: '{place}'"),
    ("UPPER({town})", "LOWER({town})"),
    ("name: place", "name: spot"),
    ("type: count}", "type: cuont}"),
    ("sql_table: users", "sql_table: members"),
    ("primary_key: true", "primary_key: false"),
    ("sql_table", "sqlTable"),
    ("extends: orders", "extends: users"),
    ("cubes:", "cubes"),
    ("{users.id}", "{users.town}"),
    ("name: id, sql: id", 'name: id, sql: "{id}"'),
]


@st.composite
def edited(draw: st.DrawFn) -> dict[str, str]:
    """A version of the project's files."""
    files = dict(START)
    for _ in range(draw(st.integers(0, 3))):
        name = draw(st.sampled_from(sorted(files)))
        old, new = draw(st.sampled_from(REPLACEMENTS))
        files[name] = files[name].replace(old, new, 1)
    if draw(st.booleans()):
        files["town.yml"] = draw(st.sampled_from([TOWN, TOWN + "    x: [", ""]))
    if draw(st.integers(0, 4)) == 0:
        del files[draw(st.sampled_from(sorted(files)))]
    return files


def as_files(texts: dict[str, str]) -> list[ModelFile]:
    return [ModelFile(name, text) for name, text in texts.items()]


def contents(catalog: Catalog) -> Any:
    """All of the catalog, with errors as what they say."""

    def said(errors: Any) -> list[tuple[str, str | None]]:
        return [(str(error), error.hint) for error in errors]

    return (
        dict(catalog.cubes),
        list(catalog.cubes),
        catalog.content,
        {name: sorted(said(errors)) for name, errors in catalog.broken.items()},
        said(catalog.errors),
        said(catalog.warnings),
        catalog.view_groups,
    )


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(versions=st.lists(edited(), min_size=2, max_size=5), regions=st.lists(st.sampled_from(["eu", "us"])))
def test_a_changed_project_is_compiled_as_if_for_the_first_time(
    versions: list[dict[str, str]], regions: list[str]
) -> None:
    compiler = Compiler()
    for index, version in enumerate(versions):
        region = regions[index] if index < len(regions) else "eu"
        context = ModelSettings({**compile_context({}), "region": region})
        assert contents(compiler.compile(as_files(version), context)) == contents(
            compile_catalog(as_files(version), context)
        )


def test_the_start_of_these_edits_is_sound() -> None:
    catalog = compile_catalog(as_files(START), ModelSettings({"region": "eu"}))
    assert catalog.errors == ()
    assert list(catalog.cubes) == ["orders", "late_orders", "visits", "users", "sales"]


def test_cubes_that_an_edit_does_not_touch_are_the_same_objects() -> None:
    compiler = Compiler()
    texts = {
        name: f"cubes:\n  - name: {name}\n    sql_table: {name}\n    joins: [{{name: {other}, relationship: has_one,"
        f" sql: '1=1'}}]\n    dimensions: [{{name: d, sql: d, type: string}}]\n"
        for name, other in (("a", "b"), ("b", "c"), ("c", "d"), ("d", "a"))
    }
    before = compiler.compile(as_files(texts))
    after = compiler.compile(as_files({**texts, "c": texts["c"].replace("sql: d", "sql: e")}))
    same = {name for name, cube in after.cubes.items() if before.cubes[name] is cube}
    assert same == {"a", "d"}  # c itself has changed, and b joins it


def test_equal_content_is_one_catalog_while_somebody_has_it() -> None:
    compiler = Compiler()
    files = [ModelFile("a.yml", "cubes: [{name: a, sql_table: '{{ 1 }}'}]")]
    tenants = [compiler.compile(files, ModelSettings(compile_context({"tenant": n}))) for n in range(3)]
    assert tenants[0] is tenants[1] is tenants[2]
    asking = [
        ModelFile("a.yml", "cubes: [{name: a, sql_table: 't{COMPILE_CONTEXT.securityContext.tenant}'}]")
    ]
    differing = [compiler.compile(asking, ModelSettings(compile_context({"tenant": n}))) for n in range(2)]
    assert differing[0] is not differing[1]
    assert differing[0].cubes["a"].sql_table != differing[1].cubes["a"].sql_table
    content = tenants[0].content
    tenants.clear()
    gc.collect()
    assert compiler.compile(files).content == content


def test_tenants_that_differ_in_what_the_model_does_not_name_share_it() -> None:
    compiler = Compiler()
    text = "cubes: [{name: a, sql_table: \"t_{COMPILE_CONTEXT.security_context['region']}\"}]"
    files = (ModelFile("a.yml", text),)
    north, again, south = (
        compiler.compile(files, ModelSettings(compile_context({"tenant": number, "region": region})))
        for number, region in enumerate(("north", "north", "south"))
    )
    assert north is again
    assert north is not south
    tables = [each.cubes["a"].sql_table for each in (north, south)]
    assert ["".join(map(str, table.parts)) for table in tables if table is not None] == ["t_north", "t_south"]
