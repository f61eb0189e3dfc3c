"""YAML as the model reads it: types, places, what is refused."""

from __future__ import annotations

import pytest

from cuboid.catalog.documents import parse_document
from cuboid.catalog.files import ModelFile
from cuboid.catalog.nodes import Entries, Scalar, plain
from cuboid.catalog.pieces import Place
from cuboid.errors import ModelError


def parse(text: str) -> object:
    node = parse_document(ModelFile("a.yml", text))
    assert node is not None
    return plain(node)


def refused(text: str) -> ModelError:
    with pytest.raises(ModelError) as caught:
        parse_document(ModelFile("a.yml", text))
    return caught.value


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("true", True),
        ("False", False),
        ("'true'", "true"),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("Off", "Off"),
        ("y", "y"),
        ("null", None),
        ("~", None),
        ("", None),
        ("''", ""),
        ("12", 12),
        ("-3", -3),
        ("0", 0),
        ("007", "007"),
        ("1.50", 1.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("1:30", "1:30"),
        ("0x1F", "0x1F"),
        (".inf", ".inf"),
        ("2024-01-01", "2024-01-01"),
        ("!!str 12", "12"),
        ("123456789012345678901", 123456789012345678901.0),
        ("'it''s'", "it's"),
        ('"a\\tb"', "a\tb"),
    ],
)
def test_scalars_are_typed_so(written: str, value: object) -> None:
    found = parse(f"key: {written}\n")
    assert found == {"key": value}
    assert isinstance(found, dict)
    assert type(found["key"]) is type(value)


def test_merge_keys_bring_in_what_is_not_written() -> None:
    text = "base: &base {a: 1, b: 2}\nother: &other {b: 3, c: 4}\nx:\n  <<: [*base, *other]\n  a: 9\n"
    assert parse(text) == {
        "base": {"a": 1, "b": 2},
        "other": {"b": 3, "c": 4},
        "x": {"a": 9, "b": 2, "c": 4},
    }


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "---\n", "~\n"])
def test_an_empty_file_has_no_document(text: str) -> None:
    assert parse_document(ModelFile("a.yml", text)) is None


def test_a_key_written_twice_is_kept_for_the_reader_to_report() -> None:
    node = parse_document(ModelFile("a.yml", "a: 1\nb: 2\na: 3\n"))
    assert isinstance(node, Entries)
    assert [key.place for key in node.duplicates] == [Place("a.yml", 3, 1)]
    assert plain(node) == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("text", "line", "column", "message", "hint"),
    [
        ("a:\n\t- b\n", 2, 1, "cannot start any token", "replace the tab"),
        ("a: b: c\n", 1, 5, "mapping values are not allowed", "in quotes"),
        ('a: "\\{"\n', 1, 5, "unknown escape character", "single quotes"),
        ("a: [1\nb: 2\n", 2, 2, "not valid YAML", ""),
        ("a: *b\n", 1, 4, "the alias '*b' has no anchor", ""),
        ("a: &a [*a]\n", 1, 8, "the alias '*a' has no anchor", ""),
        ("a: 1\n---\nb: 2\n", 2, 1, "a second document", "file of its own"),
        ("a: !!python/object:os.system x\n", 1, 4, "the tag", "plain value"),
        ("a: !!float 1\n", 1, 4, "the tag", "plain value"),
        ("? [a]\n: b\n", 1, 3, "a key must be a text", ""),
        ("a:\n  <<: 1\n", 2, 3, "'<<' merges mappings", "alias"),
        ("a: \x07\n", 1, 4, "control characters", ""),
        ("a: \ud800\n", 1, 4, "not valid Unicode", ""),
        ("a: " + "[" * 60 + "]" * 60, 1, 54, "deeper than 50", ""),
    ],
)
def test_what_is_not_plain_yaml_is_refused_at_its_place(
    text: str, line: int, column: int, message: str, hint: str
) -> None:
    error = refused(text)
    assert (error.file, error.line, error.column) == ("a.yml", line, column), str(error)
    assert message in error.message
    assert hint in (error.hint or "")


def test_closing_braces_of_flow_mappings_are_no_template() -> None:
    assert parse("a: {b: {c: 1}}\n") == {"a": {"b": {"c": 1}}}


def test_aliases_that_multiply_are_refused_before_they_expand() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    assert "the aliases stand for more than 100,000 values" in refused("\n".join(lines)).message


def scalar(text: str) -> Scalar:
    node = parse_document(ModelFile("a.yml", text))
    assert isinstance(node, Entries)
    value = node.entries[0][1]
    assert isinstance(value, Scalar)
    return value


@pytest.mark.parametrize(
    ("text", "fragment", "line", "column"),
    [
        ("sql: {CUBE}.x + {y}\n".replace("{CUBE}", "a"), "{y}", 1, 12),
        ("sql: 'a + {y}'\n", "{y}", 1, 11),
        ('sql: "a + {y}"\n', "{y}", 1, 11),
        ("sql: |\n  a +\n  {y}\n", "{y}", 3, 3),
        ("sql: >-\n  a +\n  {y}\n", "{y}", 3, 3),
        ("sql: a +\n  {y}\n", "{y}", 2, 3),
    ],
)
def test_a_fragment_is_found_where_it_is_written(text: str, fragment: str, line: int, column: int) -> None:
    value = scalar(text)
    assert value.locate(fragment, value.text.index(fragment)) == Place("a.yml", line, column)


def test_of_equal_fragments_the_right_one_is_found() -> None:
    value = scalar("sql: '{y} + {y} + {y}'\n")
    places = [value.locate("{y}", offset).column for offset in (0, 6, 12)]
    assert places == [7, 13, 19]


def test_a_fragment_that_escapes_hide_is_placed_at_its_scalar() -> None:
    value = scalar('sql: "\\x7by}"\n')
    assert value.text == "{y}"
    assert value.locate("{y}", 0) == value.place
