"""Finding and reading model files."""

from __future__ import annotations

from pathlib import Path

import pytest

from cuboid.catalog.files import ModelFile, read_model
from cuboid.errors import ConfigError, ModelError


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
    with pytest.raises(ModelError, match="0xe9 is not UTF-8") as caught:
        read_model(tmp_path / "model", tmp_path)
    assert (caught.value.file, caught.value.line, caught.value.column) == ("model/a.yml", 2, 8)
