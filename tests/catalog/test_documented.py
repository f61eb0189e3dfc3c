"""The models of the documentation, each in a file of its own, which says what ``cuboid check`` says of it;
together they use everything that a model may have.

They show what the public documentation of Cube's data model shows, in words and examples of our own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from cuboid.catalog import keys
from cuboid.catalog.compile import compile_catalog
from cuboid.catalog.documents import parse_document
from cuboid.catalog.files import ModelFile
from cuboid.catalog.meta import describe
from cuboid.catalog.naming import underscore
from cuboid.catalog.nodes import Entries, Items, Node, Scalar
from cuboid.cli.check import command

FOLDER = Path(__file__).parent / "documented"
FILES = sorted(FOLDER.glob("*.yml"))
SAID = re.compile(r"^# cuboid check: (.*)$", re.MULTILINE)
NOUNS = re.compile(r"\d+ (?:cube|view|member|error|warning)s?")


def test_there_are_enough_of_them() -> None:
    assert len(FILES) >= 30


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_check_says_what_stands_in_the_file(file: Path, tmp_path: Path) -> None:
    (tmp_path / "cuboid.yml").write_text("data_sources:\n  default: {driver: duckdb}\n")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / file.name).write_text(file.read_text())
    result = CliRunner().invoke(command, [str(tmp_path)])
    expected = SAID.findall(file.read_text())
    assert expected, result.output
    said = [line for line in result.output.splitlines() if NOUNS.match(line)]
    warnings = re.findall(r"^warning .*?:\d+:\d+: (.*)$", result.output, re.MULTILINE)
    assert [*said, *warnings] == expected, result.output
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_documented_model_is_shown(file: Path) -> None:
    catalog = compile_catalog([ModelFile(file.name, file.read_text())])
    assert catalog.errors == ()
    described = {cube["name"] for cube in describe(catalog, hidden=True)["cubes"]}
    assert described == set(catalog.cubes)


def nodes() -> Iterator[tuple[Scalar, Node]]:
    """All entries of all files."""
    waiting: list[Node] = [
        document for file in FILES if (document := parse_document(ModelFile(file.name, file.read_text())))
    ]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Items):
            waiting += node.items
        elif isinstance(node, Entries):
            yield from node.entries
            waiting += [value for _, value in node.entries]


def test_every_key_is_used() -> None:
    used = {underscore(key.text) for key, _ in nodes()}
    tables = [table for table in vars(keys).values() if isinstance(table, keys.KeyTable)]
    read = {key for table in tables for key, handling in table.keys.items() if handling in ("read", "inert")}
    # What only mistakes are written with.
    assert read - used <= {"includes", "excludes", "dimension"}


def test_every_type_and_relationship_is_used() -> None:
    types = {
        underscore(value.text) for key, value in nodes() if key.text == "type" and isinstance(value, Scalar)
    }
    assert types >= {*keys.MEASURE_TYPES, *keys.DIMENSION_TYPES}
    written = {
        underscore(value.text)
        for key, value in nodes()
        if key.text == "relationship" and isinstance(value, Scalar)
    }
    assert written == set(keys.RELATIONSHIPS)
