"""The JSON schema for editors is true: it takes every documented model and knows every key that is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import fastjsonschema
import pytest
from click.testing import CliRunner

from cuboid.catalog import keys
from cuboid.catalog.documents import parse_document
from cuboid.catalog.files import ModelFile
from cuboid.catalog.nodes import plain
from cuboid.catalog.schema import SHAPES, model_schema
from cuboid.cli.schema import command

HERE = Path(__file__).parent
SHOP = HERE.parents[1] / "examples" / "shop" / "model"
MODELS = [
    *sorted((HERE / "documented").glob("*.yml")),
    HERE / "fixtures" / "model.yml",
    *sorted(SHOP.glob("*.yml")),
]
VALIDATE = fastjsonschema.compile(model_schema())
TABLES = {name: table for name, table in vars(keys).items() if isinstance(table, keys.KeyTable)}


def content(text: str) -> Any:
    document = parse_document(ModelFile("a.yml", text))
    assert document is not None
    return plain(document)


@pytest.mark.parametrize("file", MODELS, ids=lambda file: file.stem)
def test_the_schema_takes_every_model_that_is_right(file: Path) -> None:
    text = file.read_text()
    if "{%" not in text:  # what a template makes no editor can know
        VALIDATE(content(text))


@pytest.mark.parametrize(
    "text",
    [
        "cube: []",
        "cubes: {a: 1}",
        "cubes: [{sql_table: a}]",
        "cubes: [{name: 1a}]",
        "cubes: [{name: a, mesures: []}]",
        "cubes: [{name: a, public: yes}]",
        "cubes: [{name: a, dimensions: [{name: d, sql: d, type: text}]}]",
        "cubes: [{name: a, measures: [{name: m, type: countDistnct}]}]",
        "cubes: [{name: a, measures: [{name: m, type: count, filters: [x]}]}]",
        "cubes: [{name: a, joins: [{name: b, relationship: many_to_many, sql: x}]}]",
        "cubes: [{name: a, access_policy: [{group: x, row_level: {filter: []}}]}]",
        "cubes: [{name: a, pre_aggregations: [{name: r, type: roll}]}]",
        "views: [{name: v, cubes: [{join_path: a, include: '*'}]}]",
    ],
)
def test_the_schema_refuses_what_is_wrong_in_form(text: str) -> None:
    with pytest.raises(fastjsonschema.JsonSchemaValueException):
        VALIDATE(content(text))


def test_every_table_and_key_is_in_the_schema() -> None:
    definitions = model_schema()["definitions"] | {"FILE": model_schema()}
    for name, table in TABLES.items():
        read = {key for key, handling in table.keys.items() if handling != "unsupported"}
        assert read <= set(definitions[name]["properties"])
    known = {key for table in TABLES.values() for key in table.keys}
    assert {key for shapes in SHAPES.values() for key in shapes} <= known


def test_the_command_prints_it() -> None:
    assert json.loads(CliRunner().invoke(command).output) == model_schema()
