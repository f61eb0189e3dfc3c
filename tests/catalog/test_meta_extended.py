"""``/v1/meta?extended``: source texts, and what is off."""

from __future__ import annotations

import json

from cuboid.catalog.meta import describe
from cuboid.catalog.meta_extended import extended

MODEL = """
cubes:
  - name: base
    sql_table: shop.base
    joins: [{name: other, relationship: hasMany, sql: "{CUBE}.id = {other.base_id}"}]
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: at, sql: at, type: time}
      - {name: month, sql: "{at.month}", type: time}
      - {name: place, type: geo, latitude: {sql: a}, longitude: {sql: "{CUBE}.b"}}
      - name: size
        type: string
        case: {when: [{sql: "{id} > 1", label: {sql: "'x'"}}], else: {label: small}}
    measures: [{name: n, type: count, filters: [{sql: "{other.base_id} > 1"}]}]
    segments: [{name: odd, sql: "{CUBE}.id % 2 = 1"}]
  - name: child
    extends: base
  - name: other
    sql: SELECT * FROM other
    dimensions: [{name: base_id, sql: base_id, type: number, primary_key: true}]
  - {name: wrong, sql_table: t, dimensions: [{name: x, sql: x, type: strin}]}
views:
  - {name: v, cubes: [{join_path: wrong, includes: [x]}]}
"""


def test_sources_are_texts_with_references(compile_text) -> None:
    catalog = compile_text(MODEL)
    body = extended(describe(catalog, hidden=True), catalog)
    assert json.loads(json.dumps(body)) == body
    base, child, other = body["cubes"]
    assert (base["sqlTable"], other["sql"], child["extends"]) == (
        "`shop.base`",
        "`SELECT * FROM other`",
        "base",
    )
    assert base["fileName"] == "a.yml"
    assert base["joins"] == [
        {"name": "other", "relationship": "oneToMany", "sql": "`${CUBE}.id = ${other.base_id}`"}
    ]
    id, at, month, place, size = base["dimensions"]
    assert [each["sql"] for each in (id, at, month)] == ["`${CUBE}.id`", "`${CUBE}.at`", "`${CUBE.at.month}`"]
    assert (place["latitude"], place["longitude"]) == ({"sql": "`${CUBE}.a`"}, {"sql": "`${CUBE}.b`"})
    assert size["case"] == {
        "when": [{"sql": "`${CUBE.id} > 1`", "label": {"sql": "`'x'`"}}],
        "else": {"label": "small"},
    }
    assert base["measures"][0]["filters"] == [{"sql": "`${other.base_id} > 1`"}]
    assert base["segments"][0]["sql"] == "`${CUBE}.id % 2 = 1`"


def test_errors_say_what_is_off(compile_text) -> None:
    catalog = compile_text(MODEL)
    before = MODEL[: MODEL.index("strin}")]
    (error,) = extended(describe(catalog, hidden=False), catalog)["errors"]
    assert error == {
        "file": "a.yml",
        "line": before.count("\n") + 1,
        "column": len(before.rpartition("\n")[2]) + 1,
        "message": "'strin' is no type of a dimension",
        "hint": "Did you mean 'string'?",
        "off": ["v", "wrong"],
    }
