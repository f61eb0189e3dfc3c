"""``.env`` files: what a line means, and what is no line."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cuboid.config.env_file import EnvEntry, env_line, read_env_file
from cuboid.errors import ConfigError


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    return tmp_path / ".env"


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("A=b", "A", "b"),
        ("  A = b  ", "A", "b"),
        ("export A=b", "A", "b"),
        ("A=", "A", ""),
        ("A=b c d", "A", "b c d"),
        ("A=b # comment", "A", "b"),
        ("A=b#c", "A", "b#c"),
        ("A=# comment", "A", ""),
        ("A='b # c'", "A", "b # c"),
        ("A='b\\n' # comment", "A", "b\\n"),
        ('A="b c"', "A", "b c"),
        ('A="b\\"c\\\\d\\ne"', "A", 'b"c\\d\ne'),
        ("A=p$ss=wo'rd", "A", "p$ss=wo'rd"),
        ("A=postgres://u:p@h/db?x=1", "A", "postgres://u:p@h/db?x=1"),
        ("A=ümläut", "A", "ümläut"),
    ],
)
def test_a_line_assigns_a_value(env_file: Path, line: str, name: str, value: str) -> None:
    env_file.write_text(line + "\n", encoding="utf-8")
    assert read_env_file(env_file) == (EnvEntry(name, value, 1),)


def test_lines_are_counted_with_comments_and_empty_ones(env_file: Path) -> None:
    env_file.write_bytes(b"\xef\xbb\xbf# head\r\n\r\nA=1\r\n   # more\r\nB=2\r\n")
    assert read_env_file(env_file) == (EnvEntry("A", "1", 3), EnvEntry("B", "2", 5))


def test_no_file_has_no_entries(env_file: Path) -> None:
    assert read_env_file(env_file) == ()


@pytest.mark.parametrize("line", ["s3cret", "A B=s3cret", "1A=s3cret", "A='s3cret", 'A="s3cret', "=s3cret"])
def test_a_line_that_assigns_nothing_is_an_error_that_does_not_repeat_it(env_file: Path, line: str) -> None:
    env_file.write_text(f"OK=1\n{line}\n")
    with pytest.raises(ConfigError) as caught:
        read_env_file(env_file)
    assert caught.value.origin == ".env:2"
    assert "s3cret" not in str(caught.value)


def test_a_file_that_is_not_utf8_is_an_error(env_file: Path) -> None:
    env_file.write_bytes(b"A=\xff")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_env_file(env_file)


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]) | st.sampled_from("\n\r\t'\"\\#")))
def test_a_written_line_is_read_back(tmp_path_factory: pytest.TempPathFactory, value: str) -> None:
    path = tmp_path_factory.getbasetemp() / ".env-property"
    path.write_text(env_line("A", value) + "\n", encoding="utf-8", newline="")
    assert read_env_file(path) == (EnvEntry("A", value, 1),)
