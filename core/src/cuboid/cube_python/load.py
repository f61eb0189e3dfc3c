"""Importing ``cube.py`` and ``model/globals.py``."""

from __future__ import annotations

import importlib.util
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from cuboid.catalog.settings import TemplateNames
from cuboid.cube_python.module import make_module
from cuboid.errors import PluginError

CONFIGURATION = "cube.py"
GLOBALS = "globals.py"

_IMPORTING = threading.RLock()


def load_template_names(model: Path) -> TemplateNames:
    """What ``globals.py`` in the model folder registers; nothing without that file. Raises :class:`PluginError`."""
    file = model / GLOBALS
    if not file.is_file():
        return TemplateNames()
    cube = _import(file, (model, model.parent))
    variables: dict[str, Any] = {}
    filters: dict[str, Any] = {}
    for context in cube.TemplateContext.created:
        variables.update(context.variables)
        filters.update(context.filters)
    return TemplateNames(variables, filters)


def load_options(project: Path) -> Mapping[str, Any]:
    """What ``cube.py`` of the project sets; nothing without that file. Raises :class:`PluginError`."""
    file = project / CONFIGURATION
    if not file.is_file():
        return {}
    options: Mapping[str, Any] = _import(file, (project,)).config.options
    return options


def _import(file: Path, folders: tuple[Path, ...]) -> Any:
    """Runs the file; returns the ``cube`` that it imported from."""
    cube = make_module()
    name = f"cuboid_{file.stem}_{abs(hash(file.resolve())):x}"
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    with _importable(cube, folders):
        # The project's code, which may raise anything: the reason is told, the start is stopped.
        try:
            spec.loader.exec_module(importlib.util.module_from_spec(spec))
        except Exception as error:
            raise PluginError(
                f"{file.name} cannot be imported: {type(error).__name__}: {error}",
                hint=f"Repair {file}, or move its rules into cuboid_plugin.py.",
            ) from error
    return cube


@contextmanager
def _importable(cube: ModuleType, folders: tuple[Path, ...]) -> Iterator[None]:
    """``cube`` and modules in the folders can be imported. Afterwards both are forgotten: the next project in this
    process has others of the same names."""
    with _IMPORTING:
        before = dict(sys.modules)
        path = list(sys.path)
        sys.modules["cube"] = cube
        sys.path[:0] = [str(folder) for folder in folders]
        try:
            yield
        finally:
            sys.path[:] = path
            for name, module in list(sys.modules.items()):
                file = getattr(module, "__file__", None)
                if name == "cube" or (name not in before and file and _inside(Path(file), folders)):
                    del sys.modules[name]
            if "cube" in before:
                sys.modules["cube"] = before["cube"]


def _inside(file: Path, folders: tuple[Path, ...]) -> bool:
    return any(folder.resolve() in file.resolve().parents for folder in folders)
