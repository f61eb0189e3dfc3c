"""What a catalog's data sources say about its SQL: told before the first query."""

from pathlib import Path

import pytest

from cuboid.catalog.compile import compile_catalog
from cuboid.catalog.files import ModelFile
from cuboid.catalog.model import Catalog
from cuboid.project import Project
from cuboid.verification import verify
from cuboid_duckdb.dialect import DuckDBDialect

PLACES = {
    "dimension": "dimensions: [{{name: m, type: number, sql: {sql}}}]",
    "case": "dimensions: [{{name: m, type: string, case: {{when: [{{sql: {sql}, label: x}}]}}}}]",
    "measure": "measures: [{{name: m, type: sum, sql: {sql}}}]",
    "filter": "measures: [{{name: m, type: count, filters: [{{sql: {sql}}}]}}]",
    "segment": "segments: [{{name: m, sql: {sql}}}]",
    "drill filter": "measures: [{{name: m, type: count, drill_filters: [{{sql: {sql}}}]}}]",
    "mask": "dimensions: [{{name: m, type: string, sql: x, mask: {{sql: {sql}}}}}]",
    "coordinate": "dimensions: [{{name: m, type: geo, latitude: {{sql: {sql}}}, longitude: {{sql: x}}}}]",
    "link": "dimensions: [{{name: m, type: string, sql: x, links: [{{name: l, label: L, url: {sql}}}]}}]",
    "join": "joins: [{{name: sound, relationship: many_to_one, sql: {sql}}}]",
}


def checked(text: str, *data_sources: str) -> Catalog:
    catalog = compile_catalog([ModelFile("m.yml", text)])
    assert catalog.errors == ()
    return verify(catalog, {name: DuckDBDialect() for name in data_sources or ("default",)})


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "sql",
    [
        "((age",
        "age age age",
        "age age",
        "age /* x",
        "{CUBE}.age +",
        "age) from users; drop table users --",
        "(" * 3000 + "age" + ")" * 3000,
    ],
)
def test_broken_sql_takes_down_its_cube_at_its_place(place: str, sql: str) -> None:
    key = "dimensions: [{name: id, type: number, sql: id, primary_key: true}]"
    text = (
        f"cubes:\n  - name: sound\n    sql_table: t\n    {key}\n  - name: bad\n    sql_table: t\n"
        + f"    {PLACES[place].format(sql=repr(sql))}\n"
    )
    if place == "join":
        text += f"    {key}\n"
    catalog = checked(text)
    (error,) = catalog.errors
    assert (error.file, error.line) == ("m.yml", 7)
    assert text.splitlines()[6][error.column - 1 :].startswith(repr(sql))
    assert set(catalog.broken) == {"bad"}
    assert set(catalog.cubes) == {"sound"}


@pytest.mark.parametrize(
    "source", ["sql_table: 'a b c'", "sql: SELECT FROM WHERE", "sql: SELECT 1; DROP TABLE x"]
)
def test_a_broken_source_takes_down_its_cube(source: str) -> None:
    catalog = checked(f"cubes:\n  - name: bad\n    {source}\n    measures: [{{name: n, type: count}}]\n")
    assert [error.line for error in catalog.errors] == [3]
    assert set(catalog.broken) == {"bad"}


def test_dependents_go_down_with_the_same_error_and_the_rest_stays() -> None:
    def cube(name: str, sql: str, target: str | None) -> str:
        joined = f"{{name: {target}, relationship: many_to_one, sql: '{{CUBE}}.x = {{{target}}}.x'}}"
        key = "{name: id, type: number, sql: id, primary_key: true}"
        return (
            f"  - name: {name}\n    sql_table: t\n    joins: [{joined if target else ''}]\n"
            f"    dimensions: [{key}, {{name: m, type: number, sql: '{sql}'}}]\n"
        )

    catalog = checked(
        "cubes:\n"
        + cube("far", "a", "near")
        + cube("near", "a", "bad")
        + cube("bad", "((a", None)
        + cube("other", "a", None)
    )
    (error,) = catalog.errors
    assert dict(catalog.broken) == {"bad": (error,), "near": (error,), "far": (error,)}
    assert set(catalog.cubes) == {"other"}


def test_the_same_sound_text_is_no_excuse_for_another_kind_of_sql() -> None:
    """``a, b`` in FROM is two tables, and no expression either."""
    catalog = checked(
        "cubes:\n  - name: a\n    sql_table: a.b\n    dimensions:\n"
        "      - {name: x, type: number, sql: a.b}\n      - {name: y, type: number, sql: 'a, b'}\n"
    )
    assert [error.line for error in catalog.errors] == [6]


@pytest.mark.parametrize(("written", "line"), [("    data_source: mian\n", 4), ("", 2)])
def test_a_data_source_that_is_not_configured_is_an_error_where_it_is_written(
    written: str, line: int
) -> None:
    catalog = checked(f"cubes:\n  - name: a\n    sql_table: t\n{written}", "main", "other")
    (error,) = catalog.errors
    assert (error.line, set(catalog.broken)) == (line, {"a"})
    assert "which is not configured" in error.message
    assert "Configured: main, other." in str(error.hint)
    assert ("Did you mean 'main'?" in str(error.hint)) == bool(written)


def test_a_projects_catalog_is_verified_with_its_data_sources(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "a.yml").write_text(
        "cubes:\n  - {name: a, sql_table: t, segments: [{name: s, sql: 'x ='}]}\n"
        "  - {name: b, sql_table: t, data_source: elsewhere}\n"
    )
    assert Project.open(tmp_path, environ={}).catalog.errors == ()
    configured = Project.open(tmp_path, environ={"CUBEJS_DB_TYPE": "duckdb"}).catalog
    assert set(configured.broken) == {"a", "b"}


VIEWS = """
cubes:
  - name: sound
    sql_table: t
    joins: [{name: bad, relationship: many_to_one, sql: "{CUBE}.x = {bad.id}"}]
    dimensions: [{name: id, sql: id, type: number, primary_key: true}]
  - name: bad
    sql_table: t
    dimensions: [{name: id, sql: "((id", type: number, primary_key: true}]
  - name: alone
    sql_table: t
    dimensions: [{name: id, sql: id, type: number, primary_key: true}]
views:
  - {name: of_bad, cubes: [{join_path: bad, includes: [id]}]}
  - name: of_alone
    cubes: [{join_path: alone, includes: [id]}]
    dimensions: [{name: wrong, type: number, sql: "{id} +"}]
  - {name: fine, cubes: [{join_path: alone, includes: [id]}]}
"""


def test_a_view_goes_down_with_the_sql_of_its_cubes_and_with_its_own() -> None:
    catalog = checked(VIEWS)
    assert [error.line for error in catalog.errors] == [9, 17]
    assert sorted(catalog.broken) == ["bad", "of_alone", "of_bad", "sound"]
    assert sorted(catalog.cubes) == ["alone", "fine"]


def test_a_view_has_the_data_source_of_its_cubes() -> None:
    text = (
        VIEWS.replace("((id", "id")
        .replace("{id} +", "{id} + 1")
        .replace("name: bad\n", "name: bad\n    data_source: other\n")
    )
    catalog = checked(text, "default", "other")
    assert catalog.errors == ()
    assert catalog.cubes["of_bad"].data_source == "other"
    catalog = checked(text)
    (error,) = catalog.errors
    assert "uses the data source 'other'" in error.message
    assert sorted(catalog.broken) == ["bad", "of_bad", "sound"]
