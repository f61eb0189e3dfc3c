"""Which measures are composed of other measures alone."""

from __future__ import annotations

import pytest

MODEL = """
    cubes:
      - name: a
        sql_table: a
        joins: [{name: b, relationship: many_to_one, sql: "{CUBE}.b_id = {b.id}"}]
        dimensions:
          - {name: id, sql: id, type: number, primary_key: true}
          - {name: kind, sql: kind, type: string}
        measures:
          - {name: x, type: sum, sql: x}
          - {name: y, type: max, sql: y}
          - {name: subject, type: %s, sql: "%s"}
      - name: b
        sql_table: b
        dimensions: [{name: id, sql: id, type: number, primary_key: true}]
        measures: [{name: count, type: count}]
"""


@pytest.mark.parametrize(
    ("sql", "composed"),
    [
        ("1.0 * {x} / {y}", True),
        ("{x}", True),
        ("1.0 * {x} / NULLIF({b.count}, 0)", True),
        ("CASE WHEN {x} > 10 THEN 'big' ELSE 'small' END", True),
        ("CAST({x} AS DOUBLE)", True),
        ("round({x} / {y}, 2)", True),
        ("coalesce({x}, 0) - interval '1 day'", True),
        ("sum({CUBE}.x) / {y}", False),
        ("{x} / count(*)", False),
        ("{x} + {CUBE}.z", False),
        ("{x} + z", False),
        ("{x} || {kind}", False),
        ("sum({x}) OVER ()", False),
        ("max({x})", False),
        ("{x} / (SELECT 1)", False),
        ("sum({CUBE}.x)", False),
        ("count(*)", False),
        ("1", False),
        ("amount", False),
        ("{x} ~~~ ]( {y}", True),  # no dialect's neutral grammar: it refers to measures, so it is composed
        ("sum(q) ~~~ ](", False),
        ("(" * 2000 + "{x}" + ")" * 2000, True),
    ],
)
def test_composed(compile_text, sql: str, composed: bool) -> None:
    catalog = compile_text(MODEL % ("number", sql))
    assert [str(error) for error in catalog.errors] == []
    assert catalog.measure("a.subject").composed is composed


@pytest.mark.parametrize("type", ["number", "string", "time", "boolean"])
def test_every_calculated_type_can_be_composed(compile_text, type: str) -> None:
    assert compile_text(MODEL % (type, "{x} + {y}")).measure("a.subject").composed


@pytest.mark.parametrize("type", ["sum", "avg", "min", "count", "count_distinct"])
def test_an_aggregate_never_is(compile_text, type: str) -> None:
    assert not compile_text(MODEL % (type, "x")).measure("a.subject").composed
