"""Model files: finding and reading them. Nothing here looks inside."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from cuboid.errors import ConfigError, ModelError

if TYPE_CHECKING:
    from cuboid.catalog.line_maps import LineMap

SUFFIXES = (".yml", ".yaml", ".json", ".jinja")
"""JSON is YAML; a ``.jinja`` file is rendered, and is YAML then."""

SCRIPTS = (".js", ".ts")
"""Models that are programs: not read, but their names are known to be missing."""

_MODEL_KEY = re.compile(r'"(cubes|views|view_groups|viewGroups)"\s*:')
"""What makes a JSON file a model; others are data, of templates perhaps."""

MAX_SIZE = 5_000_000
"""Bytes that a model file may have: 5,000 cubes with 20 members. Beyond that it is a mistake, or data."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model file's text; ``name`` is its path relative to the project, with forward slashes.

    ``error`` says why the text cannot be relied on: empty, or with marks in place of what is not UTF-8.

    :param lines: of a template that has been rendered to ``text``: where its lines come from.
    """

    name: str
    text: str
    error: ModelError | None = None
    lines: LineMap | None = None


def read_model(folder: Path, project: Path) -> tuple[ModelFile, ...]:
    """All model files under ``folder``, sorted by name; hidden files and folders are left out, and links to a folder
    above.

    A file that cannot be read or is not UTF-8 says so in its ``error``; so does a folder that cannot be read, and a
    folder or a dangling link with a model file's name. Raises ConfigError if the folder does not exist.
    """
    if not folder.is_dir():
        found = "is a file" if folder.exists() else "does not exist"
        raise ConfigError(
            f"The model folder '{folder}' {found}.",
            hint="Create it, or run 'cuboid init' to make a new project.",
        )
    named = [(_relative(path, project), path) for path in _walk(folder, ())]
    files = (_read(name, path) for name, path in sorted(named))
    return tuple(file for file in files if not file.name.endswith(".json") or _MODEL_KEY.search(file.text))


def given_files(given: Iterable[tuple[str, str]]) -> tuple[ModelFile, ...]:
    """Model files that do not come from a folder, as names and texts; what :func:`read_model` would leave out is left
    out. Raises ValueError for a name that occurs twice."""
    files: dict[str, ModelFile] = {}
    for name, text in given:
        if name in files:
            raise ValueError(f"the file '{name}' is there twice")
        suffix = PurePosixPath(name).suffix
        if suffix not in (*SUFFIXES, *SCRIPTS) or (suffix == ".json" and not _MODEL_KEY.search(text)):
            continue
        mistake = _too_large(name, len(text.encode("utf-8", "replace"))) or _script(name, suffix)
        files[name] = ModelFile(name, text, mistake)
    return tuple(files.values())


def _walk(folder: Path, above: tuple[str, ...]) -> Iterator[Path]:
    """The paths under ``folder`` that have a model file's name, and the folders that cannot be read.

    :param above: real paths of the folders on the way: a link to one of them would go round for ever.
    """
    above = (*above, os.path.realpath(folder))
    try:
        found = sorted(folder.iterdir())
    except OSError:
        yield folder
        return
    for path in found:
        # Hidden ones are editors' swap files, and the ``..data`` folder beside the links of a mounted volume.
        if path.name.startswith("."):
            continue
        if path.suffix in (*SUFFIXES, *SCRIPTS):
            yield path
        if path.is_dir() and os.path.realpath(path) not in above:
            yield from _walk(path, above)


def _relative(path: Path, project: Path) -> str:
    return Path(os.path.relpath(path, project)).as_posix()


def _read(name: str, path: Path) -> ModelFile:
    try:
        status = path.stat()
        size = status.st_size
        if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
            return ModelFile(name, "", _special(name))  # reading a pipe would wait for ever
        data = path.read_bytes() if size <= MAX_SIZE else b""
    except OSError as error:
        return ModelFile(name, "", _unreadable(name, path, error))
    if mistake := _too_large(name, size):
        return ModelFile(name, "", mistake)
    if mistake := _script(name, path.suffix):
        return ModelFile(name, data.decode("utf-8-sig", "replace"), mistake)
    try:
        return ModelFile(name, data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        before = data[: error.start]
        mistake = ModelError(
            f"byte {data[error.start]:#04x} is not UTF-8",
            file=name,
            line=before.count(b"\n") + 1,
            column=len(before.rpartition(b"\n")[2].decode("utf-8", "replace")) + 1,
            hint="Save the file as UTF-8.",
        )
        # What can be read still tells which cubes are gone.
        return ModelFile(name, data.decode("utf-8-sig", "replace"), mistake)


def _too_large(name: str, size: int) -> ModelError | None:
    if size <= MAX_SIZE:
        return None
    return ModelError(
        f"this file has {size:,} bytes; a model file has {MAX_SIZE:,} at most",
        file=name,
        hint="Split it, or move what is no model out of the folder.",
    )


def _script(name: str, suffix: str) -> ModelError | None:
    if suffix not in SCRIPTS:
        return None
    path = PurePosixPath(name)
    return ModelError(
        "models in JavaScript are not read",
        file=name,
        line=1,
        column=1,
        hint=f"Convert it: cuboid import-js {path.name} > {path.stem}.yml",
    )


def _special(name: str) -> ModelError:
    return ModelError("this is neither a file nor a folder", file=name, hint="Remove or rename it.")


def _unreadable(name: str, path: Path, error: OSError) -> ModelError:
    if path.is_dir() and isinstance(error, PermissionError):
        return ModelError(
            "this folder cannot be read", file=name, hint="Let the user that runs Cuboid read it."
        )
    if path.is_dir():
        return ModelError(
            "this is a folder, with the name of a model file", file=name, hint="Rename or remove it."
        )
    if path.is_symlink() and not path.exists():
        return ModelError(
            f"this link leads nowhere: {path.readlink()}", file=name, hint="Correct or remove it."
        )
    return ModelError(
        f"the file cannot be read: {error.strerror}", file=name, hint="Let the user that runs Cuboid read it."
    )
