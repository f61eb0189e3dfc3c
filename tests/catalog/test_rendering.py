"""Jinja in model files: what is rendered, in which sandbox, and that mistakes are told where they are written."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest

from cuboid.catalog.compile import compile_catalog
from cuboid.catalog.files import ModelFile
from cuboid.catalog.model import Catalog
from cuboid.catalog.settings import ModelSettings, TemplateNames, compile_context

LOOP = """
{%- set kinds = ['new', 'old'] %}
cubes:
  - name: orders
    sql_table: orders
    measures:
{%- for kind in kinds %}
      - name: {{ kind }}_count
        type: count
        filters: [{sql: "{CUBE}.kind = '{{ kind }}'"}]
{%- endfor %}
"""


def compiled(
    *texts: str, names: dict[str, Any] | None = None, filters: Any = None, claims: Any = None
) -> Catalog:
    files = [
        ModelFile(f"model/{chr(ord('a') + index)}.yml", textwrap.dedent(text))
        for index, text in enumerate(texts)
    ]
    return compile_with(files, names=names, filters=filters, claims=claims)


def compile_with(
    files: list[ModelFile], names: dict[str, Any] | None = None, filters: Any = None, claims: Any = None
) -> Catalog:
    settings = ModelSettings(
        compile_context(claims or {}), templates=TemplateNames(names or {}, filters or {})
    )
    return compile_catalog(files, settings)


def one_error(catalog: Catalog) -> tuple[str, str, int, int]:
    (error,) = catalog.errors
    return error.message, error.file, error.line, error.column


def test_a_loop_makes_members() -> None:
    catalog = compiled(LOOP)
    assert catalog.errors == ()
    assert list(catalog.cubes["orders"].measures) == ["new_count", "old_count"]


def test_plain_flow_style_is_rendered_to_itself() -> None:
    catalog = compiled("cubes: [{name: a, sql_table: a, meta: {b: {c: 1}}}]")
    assert catalog.errors == ()
    assert catalog.cubes["a"].meta == {"b": {"c": 1}}


def test_macros_come_from_other_files_by_their_path_in_the_model_folder() -> None:
    macro = "{% macro dimension(name) %}\n      - {name: {{ name }}, sql: {{ name }}, type: string}\n{%- endmacro %}\n"
    model = """\
{% from "./macros/dimensions.jinja" import dimension %}
{% import "dimensions.jinja" as all %}
cubes:
  - name: a
    sql_table: a
    dimensions:
      {{- dimension('x') }}
      {{- all.dimension('y') }}
"""
    catalog = compile_with(
        [ModelFile("model/macros/dimensions.jinja", macro), ModelFile("model/a.yml.jinja", model)]
    )
    assert catalog.errors == ()
    assert list(catalog.cubes["a"].dimensions) == ["x", "y"]


def test_the_compile_context_and_the_projects_names_are_there() -> None:
    async def tables(prefix: str) -> list[str]:
        return [f"{prefix}_a", f"{prefix}_b"]

    def is_allowed(context: dict[str, Any]) -> bool:
        return context["securityContext"].setdefault("team", "none") == "red"

    catalog = compiled(
        """
        cubes:
        {% for name in tables(prefix) %}
          - name: {{ name }}
            sql_table: "{{ COMPILE_CONTEXT.securityContext.schema | quoted }}.{{ name }}"
            public: {{ is_allowed(COMPILE_CONTEXT) }}
            meta: {{ {'list': [1, none, true]} }}
        {% endfor %}
        """,
        names={"tables": tables, "prefix": "t", "is_allowed": is_allowed},
        filters={"quoted": lambda value: f"`{value}`"},
        claims={"schema": "s", "team": "red"},
    )
    assert catalog.errors == ()
    assert list(catalog.cubes) == ["t_a", "t_b"]
    cube = catalog.cubes["t_a"]
    assert (cube.public, cube.meta) == (True, {"list": [1, None, True]})
    assert cube.sql_table is not None
    assert cube.sql_table.parts == ("`s`.t_a",)


def test_a_function_is_asked_once_for_the_same_arguments() -> None:
    asked: list[str] = []

    def table(name: str) -> str:
        asked.append(name)
        return name

    catalog = compiled("cubes: [{name: a, sql_table: {{ table('a') }}}, {name: b, sql_table: {{ table('a') }}}]",
                       names={"table": table})  # fmt: skip
    assert list(catalog.cubes) == ["a", "b"]
    assert asked == ["a"]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (LOOP.replace("type: count", "type: cont"), (9, 15)),
        (LOOP.replace("sql_table: orders", "sql_tabel: orders"), (5, 5)),
        ("{# a\n comment #}\ncubes:\n  - name: a\n    sql_table: a\n    x: 1\n", (6, 5)),
        ("{% if true %}\ncubes: []\n{% endif %}\nviews: x\n", (4, 8)),
        ("cubes:\n  - name: {{ 'a' * 30 }}\n    sql_table: {{ 'b' }}\n    extends: {{ 'c' }}\n", (4, 14)),
    ],
)
def test_a_mistake_in_what_comes_out_is_told_where_it_is_written(text: str, where: tuple[int, int]) -> None:
    found = {(error.file, error.line, error.column) for error in compiled(text).errors}
    assert ("model/a.yml", *where) in found


def test_a_line_that_is_repeated_makes_its_mistake_once() -> None:
    catalog = compiled(LOOP.replace("type: count", "type: cuont, sql: x".replace(", ", "\n        ")))
    assert one_error(catalog)[2:] == (9, 15)


def test_a_mistake_from_a_macro_is_told_in_the_macro() -> None:
    macro = "{% macro measures() %}\n      - name: m\n        type: cuont\n{% endmacro %}\n"
    cube = "cubes:\n  - name: a\n    sql_table: a\n    measures:\n"
    model = '{% from "m.jinja" import measures %}\n' + cube + "{{ measures() }}\n"
    catalog = compile_with([ModelFile("model/a.yml", model), ModelFile("model/m.jinja", macro)])
    places = {error.message: (error.file, error.line, error.column) for error in catalog.errors}
    assert places["'cuont' is no type of a measure"] == ("model/m.jinja", 3, 15)


def test_a_template_that_looks_at_its_own_output_is_told_by_its_text() -> None:
    text = """\
{% set x %}abc{% endset %}
cubes:
{% if x | length == 3 %}
  - name: a
    sql_tabel: a
{% endif %}
"""
    message, *place = one_error(compiled(text + "    sql_table: x\n"))
    assert "no key 'sql_tabel'" in message
    assert place == ["model/a.yml", 5, 5]


@pytest.mark.parametrize(
    ("text", "message", "line", "hint"),
    [
        ("cubes:\n{% for x in y %}\n", "Unexpected end of template", 2, None),
        ("cubes:\n{% fro x in y %}\n{% endfor %}", "unknown tag 'fro'", 2, None),
        ("cubes:\n\n  - name: {{ tabel }}\n", "'tabel' is undefined", 3, "'table'"),
        ("a\n{{ COMPILE_CONTEXT.securityContext.team }}\n", "has no attribute 'team'", 2, "default"),
        ("{% import 'macro.jinja' as m %}\n", "there is no template 'macro.jinja'", 1, "model folder"),
        ("\n{{ broken() }}", "ValueError: out of order", 2, None),
        ("{{ ''.__class__.__mro__ }}", "unsafe", 1, None),
        ("{{ table.__globals__ }}", "unsafe", 1, None),
        (
            "{% for x in range(99999) %}{% for y in range(99999) %}aaaaaaaa{% endfor %}{% endfor %}",
            "5,000,000",
            1,
            "loop",
        ),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "RecursionError", 1, None),
    ],
)
def test_a_template_that_fails_says_where_and_why(
    text: str, message: str, line: int, hint: str | None
) -> None:
    def broken() -> None:
        raise ValueError("out of order")

    catalog = compiled(text, names={"table": lambda: "t", "broken": broken})
    (error,) = catalog.errors
    assert "this template" in error.message
    assert message in error.message
    assert (error.file, error.line) == ("model/a.yml", line)
    assert hint is None or hint in (error.hint or "")


def test_what_is_missing_is_false_and_equal_to_nothing() -> None:
    catalog = compiled(
        """
        {% if not COMPILE_CONTEXT.securityContext.a.b and COMPILE_CONTEXT.securityContext.c != 'x' %}
        cubes: [{name: {{ missing | default('a') }}, sql_table: t}]
        {% endif %}
        """
    )
    assert catalog.errors == ()
    assert list(catalog.cubes) == ["a"]


def test_a_cube_of_a_template_that_fails_is_known_to_be_gone() -> None:
    catalog = compiled(
        "cubes:\n  - name: users\n    sql_table: {{ oops() }}\n",
        'cubes: [{name: orders, sql_table: o, joins: [{name: users, relationship: has_one, sql: "1=1"}]}]',
    )
    assert len(catalog.errors) == 1
    assert set(catalog.broken) == {"users", "orders"}
