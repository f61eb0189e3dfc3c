"""Model files: finding and reading them. Nothing here looks inside."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from cuboid.errors import ConfigError, ModelError

SUFFIXES = (".yml", ".yaml")


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model file's text; ``name`` is its path relative to the project, with forward slashes.

    ``error`` says why the text cannot be relied on: empty, or with marks in place of what is not UTF-8.
    """

    name: str
    text: str
    error: ModelError | None = None


def read_model(folder: Path, project: Path) -> tuple[ModelFile, ...]:
    """All YAML files under ``folder``, sorted by name; hidden files and folders are left out.

    A file that cannot be read or is not UTF-8 says so in its ``error``; so does a folder or a dangling link with
    a model file's name. Raises ConfigError if the folder does not exist.
    """
    if not folder.is_dir():
        found = "is a file" if folder.exists() else "does not exist"
        raise ConfigError(
            f"The model folder '{folder}' {found}.",
            hint="Create it, or run 'cuboid init' to make a new project.",
        )
    named = [(_relative(path, project), path) for path in folder.rglob("*") if _is_model_file(path, folder)]
    return tuple(_read(name, path) for name, path in sorted(named))


def _is_model_file(path: Path, folder: Path) -> bool:
    # Hidden ones are editors' swap files, and the ``..data`` folder beside the links of a mounted volume.
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return path.suffix in SUFFIXES and not hidden


def _relative(path: Path, project: Path) -> str:
    return Path(os.path.relpath(path, project)).as_posix()


def _read(name: str, path: Path) -> ModelFile:
    try:
        data = path.read_bytes()
    except OSError as error:
        return ModelFile(name, "", _unreadable(name, path, error))
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


def _unreadable(name: str, path: Path, error: OSError) -> ModelError:
    if path.is_dir():
        return ModelError(
            "this is a folder, with the name of a model file", file=name, hint="Rename or remove it."
        )
    if path.is_symlink() and not path.exists():
        return ModelError(
            f"this link leads nowhere: {path.readlink()}", file=name, hint="Correct or remove it."
        )
    return ModelError(f"the file cannot be read: {error.strerror}", file=name)
