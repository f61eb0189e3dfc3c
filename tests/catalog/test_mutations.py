"""Mutated models: whatever stands in the files, a catalog comes out, and its promises hold."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cuboid.catalog.compile import compile_catalog
from cuboid.catalog.dependents import expressions
from cuboid.catalog.files import ModelFile
from cuboid.catalog.frames import render_error
from cuboid.catalog.meta import describe
from cuboid.catalog.pieces import CubeReference

HERE = Path(__file__).parent
MODELS = [
    path.read_text()
    for path in (HERE / "fixtures" / "model.yml", *sorted((HERE / "documented").glob("*.yml")))
]

FULL = int(os.environ.get("CUBOID_MUTATIONS", "0"))
"""``CUBOID_MUTATIONS=20000 make test ARGS=tests/catalog/test_mutations.py`` is the long run."""

WORDS = st.sampled_from(
    [
        "{",
        "}",
        "${",
        "{CUBE}",
        "{Users.id}",
        "{Orders.Users.createdAt.day}",
        "\\{",
        "&a ",
        "*a",
        "<<: *a",
        "!!int ",
        "'",
        '"',
        "[",
        "]",
        ": ",
        "- ",
        "\t",
        "\n",
        "|\n",
        "---\n",
        "#",
        "null",
        "yes",
        "0x",
        "1e999",
        "name",
        "sql",
        "type",
        "joins",
        "access_policy: []",
        "{{ x }}",
        "{% if x %}",
        "{% endfor %}",
        "{%- for x in [1, 2] %}",
        "{SECURITY_CONTEXT.a.filter('b')}",
        "{FILTER_PARAMS.Orders.status.filter(lambda x: f'{x}')}",
        "{FILTER_GROUP(",
        "lambda x: ",
        "{security_context.a == 1}",
        "{CUBE.sql()}",
        "extends: Orders",
        "refresh_key: {every: 1 hour}",
        "pre_aggregations: [{name: r, measures: [count]}]",
        "Orders",
        "CUBE",
        "\x00",
        "é",
        "\U0001f600",
    ]
)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """The model with lines dropped, doubled or swapped, and words or any text put anywhere."""
    lines = draw(st.sampled_from(MODELS)).splitlines()
    for _ in range(draw(st.integers(0, 3))):
        index = draw(st.integers(0, len(lines) - 1))
        change = draw(st.sampled_from(["drop", "double", "swap", "indent"]))
        if change == "drop" and len(lines) > 1:
            del lines[index]
        elif change == "double":
            lines.insert(index, lines[index])
        elif change == "swap":
            other = draw(st.integers(0, len(lines) - 1))
            lines[index], lines[other] = lines[other], lines[index]
        else:
            lines[index] = "  " + lines[index]
    text = "\n".join(lines)
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(text)))
        length = draw(st.integers(0, 12))
        text = text[:start] + draw(WORDS | st.text(max_size=8)) + text[start + length :]
    return text


@pytest.mark.timeout(120 + FULL // 5)
@settings(max_examples=FULL or 1500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=mutated())
def test_a_mutated_model_is_a_catalog(text: str) -> None:
    files = [ModelFile("model/model.yml", text)]
    catalog = compile_catalog(files)
    assert not set(catalog.cubes) & set(catalog.broken)
    assert bool(catalog.broken) <= bool(catalog.errors)
    for error in (*catalog.errors, *catalog.warnings):
        assert error.file == "model/model.yml"
        assert error.line >= 1
        assert error.column >= 1
        assert render_error(error, files)
        assert error.hint, error
    for cube in catalog.cubes.values():
        assert [cube.sql, cube.sql_table, cube.view].count(None) == 2
        assert all(join.target in catalog.cubes for join in cube.joins)
        for template in expressions(cube):
            for reference in template.references:
                assert set(reference.path) <= set(catalog.cubes)
                assert isinstance(reference, CubeReference) or catalog.member(reference.member)
        for dimension in cube.dimensions.values():
            absent = 3 if dimension.declared_type == "switch" else 2
            assert [dimension.sql, dimension.case, dimension.location].count(None) == absent
    describe(catalog, hidden=True)


@settings(max_examples=300, deadline=None)
@given(text=st.text())
def test_any_text_is_a_catalog(text: str) -> None:
    compile_catalog([ModelFile("a.yml", text)])


@settings(max_examples=300, deadline=None)
@given(sql=st.text(alphabet="{}$\\.aCUBE 'x1\"()*+", max_size=30))
def test_any_sql_is_a_catalog(sql: str) -> None:
    quoted = sql.replace("'", "''")
    compile_catalog(
        [
            ModelFile(
                "a.yml",
                "cubes:\n  - name: a\n    sql_table: a\n"
                "    dimensions: [{name: x, sql: x, type: time}]\n"
                f"    measures: [{{name: m, type: sum, sql: x}}, {{name: n, type: number, sql: '{quoted}'}}]\n",
            )
        ]
    )
