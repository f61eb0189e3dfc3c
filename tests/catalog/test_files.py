"""Finding and reading model files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cuboid.catalog.compile import compile_catalog
from cuboid.catalog.files import ModelFile, read_model
from cuboid.errors import ConfigError


def write(folder: Path, name: str, data: bytes = b"cubes: []\n") -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def test_yaml_files_of_all_folders_come_sorted_and_named_from_the_project(tmp_path: Path) -> None:
    for name in ("model/z.yml", "model/a.yaml", "model/sales/orders.yml", "model/notes.md", "other/b.yml"):
        write(tmp_path, name)
    names = [file.name for file in read_model(tmp_path / "model", tmp_path)]
    assert names == ["model/a.yaml", "model/sales/orders.yml", "model/z.yml"]


def test_hidden_files_and_folders_are_left_out(tmp_path: Path) -> None:
    for name in ("model/.orders.yml.swp", "model/.orders.yml", "model/..data/orders.yml", "model/ok.yml"):
        write(tmp_path, name)
    assert [file.name for file in read_model(tmp_path / "model", tmp_path)] == ["model/ok.yml"]


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    write(tmp_path, "model/a.yml", b"\xef\xbb\xbfcubes: []\n")
    assert read_model(tmp_path / "model", tmp_path) == (ModelFile("model/a.yml", "cubes: []\n"),)


def test_a_missing_folder_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="model' does not exist") as caught:
        read_model(tmp_path / "model", tmp_path)
    assert "cuboid init" in (caught.value.hint or "")


def test_a_file_in_place_of_the_folder_is_a_clear_error(tmp_path: Path) -> None:
    write(tmp_path, "model")
    with pytest.raises(ConfigError, match="is a file"):
        read_model(tmp_path / "model", tmp_path)


def test_a_file_that_is_not_utf_8_is_an_error_at_the_byte(tmp_path: Path) -> None:
    write(tmp_path, "model/a.yml", "cubes:\n  # caf\u00e9".encode("latin-1"))
    (file,) = read_model(tmp_path / "model", tmp_path)
    assert file.error is not None
    assert "0xe9 is not UTF-8" in file.error.message
    assert (file.error.file, file.error.line, file.error.column) == ("model/a.yml", 2, 8)


def test_a_file_that_is_not_utf_8_takes_down_its_cubes_and_their_dependents_only(tmp_path: Path) -> None:
    write(tmp_path, "model/a.yml", "cubes:\n  - name: a # caf\u00e9\n    sql_table: t\n".encode("latin-1"))
    join = "joins: [{name: a, relationship: many_to_one, sql: '{CUBE}.a = {a}.a'}]"
    write(tmp_path, "model/b.yml", f"cubes:\n  - name: b\n    sql_table: t\n    {join}\n".encode())
    write(tmp_path, "model/c.yml", b"cubes:\n  - name: c\n    sql_table: t\n")
    catalog = compile_catalog(read_model(tmp_path / "model", tmp_path))
    assert set(catalog.cubes) == {"c"}
    assert set(catalog.broken) == {"a", "b"}
    assert "not UTF-8" in str(catalog.errors[0])


def test_a_folder_or_dangling_link_named_like_a_file_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, "model/c.yml", b"cubes:\n  - name: c\n    sql_table: t\n")
    (tmp_path / "model" / "a.yml").mkdir()
    (tmp_path / "model" / "b.yaml").symlink_to("nowhere.yaml")
    catalog = compile_catalog(read_model(tmp_path / "model", tmp_path))
    assert [str(error) for error in catalog.errors] == [
        "model/a.yml: this is a folder, with the name of a model file",
        "model/b.yaml: this link leads nowhere: nowhere.yaml",
    ]
    assert set(catalog.cubes) == {"c"}


def test_json_is_yaml_and_javascript_is_known_to_be_missing(tmp_path: Path) -> None:
    write(tmp_path, "model/a.json", b'{"cubes": [{"name": "a", "sql_table": "t", "public": true}]}')
    write(tmp_path, "model/b.js", b"cube(`b`, {\n  sql_table: `t`,\n});\n")
    join = '{"name": "b", "relationship": "many_to_one", "sql": "1 = 1"}'
    write(
        tmp_path,
        "model/c.json",
        f'{{"cubes": [{{"name": "c", "sql_table": "t", "joins": [{join}]}}]}}'.encode(),
    )
    write(tmp_path, "model/data.json", b'["no model"]')
    catalog = compile_catalog(read_model(tmp_path / "model", tmp_path))
    assert list(catalog.cubes) == ["a"]
    assert set(catalog.broken) == {"b", "c"}
    (error,) = catalog.errors
    assert "JavaScript" in error.message
    assert "cuboid import-js b.js" in (error.hint or "")


def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    write(tmp_path, "model/a.yml", b"cubes: [" + b"x" * 10 * 1024 * 1024)
    (file,) = read_model(tmp_path / "model", tmp_path)
    assert file.text == ""
    assert file.error is not None
    assert "10,485,768 bytes" in file.error.message


def test_linked_folders_are_read_but_those_above_are_not_read_again(tmp_path: Path) -> None:
    write(tmp_path, "model/a.yml")
    write(tmp_path, "shared/b.yml")
    (tmp_path / "model" / "shared").symlink_to("../shared")
    (tmp_path / "model" / "self").symlink_to(".")
    (tmp_path / "shared" / "back").symlink_to("../model")
    (tmp_path / "model" / "c.yml").symlink_to("d.yml")
    (tmp_path / "model" / "d.yml").symlink_to("c.yml")
    files = read_model(tmp_path / "model", tmp_path)
    assert [(file.name, file.error is None) for file in files] == [
        ("model/a.yml", True),
        ("model/c.yml", False),
        ("model/d.yml", False),
        ("model/shared/b.yml", True),
    ]


def test_a_pipe_named_like_a_file_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    os.mkfifo(tmp_path / "model" / "a.yml")
    (file,) = read_model(tmp_path / "model", tmp_path)
    assert file.error is not None
    assert "neither a file nor a folder" in file.error.message


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_files_and_folders_that_may_not_be_read_are_errors(tmp_path: Path) -> None:
    write(tmp_path, "model/a.yml")
    write(tmp_path, "model/locked/b.yml")
    (tmp_path / "model" / "a.yml").chmod(0)
    (tmp_path / "model" / "locked").chmod(0)
    try:
        files = read_model(tmp_path / "model", tmp_path)
    finally:
        (tmp_path / "model" / "locked").chmod(0o700)
    assert [str(file.error) for file in files] == [
        "model/a.yml: the file cannot be read: Permission denied",
        "model/locked: this folder cannot be read",
    ]
