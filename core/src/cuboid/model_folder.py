"""A project's model folder, read once for all tenants: its files, and the Python beside them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cuboid.catalog.files import ModelFile, read_model
from cuboid.catalog.settings import TemplateNames
from cuboid.cube_python.load import load_template_names


class ModelFolder:
    """The files as they were when they were last looked at.

    :param plugins: what plugins offer to templates; they win over ``globals.py``.
    """

    def __init__(self, folder: Path, project: Path, plugins: Callable[[], TemplateNames]) -> None:
        self._folder = folder
        self._project = project
        self._plugins = plugins
        self._files: tuple[ModelFile, ...] | None = None
        self._names: tuple[object, TemplateNames] | None = None

    def read(self) -> tuple[ModelFile, ...]:
        """Looks anew. Files that have not changed are the same tuple. Raises :class:`ConfigError` without a folder."""
        found = read_model(self._folder, self._project)
        if found != self._files:
            self._files = found
        return self._files if self._files is not None else found

    @property
    def files(self) -> tuple[ModelFile, ...]:
        """The files as last seen."""
        return self.read() if self._files is None else self._files

    def stamp(self) -> object:
        """Changes with the Python files of the folder."""
        found = sorted(self._folder.rglob("*.py")) if self._folder.is_dir() else []
        return [(file, status.st_mtime_ns, status.st_size) for file in found for status in (file.stat(),)]

    @property
    def names(self) -> TemplateNames:
        """What templates may use: Cube's ``globals.py``, then plugins, which win. Raises :class:`PluginError`."""
        stamp = self.stamp()
        if self._names is None or self._names[0] != stamp:
            cube, own = load_template_names(self._folder), self._plugins()
            names = TemplateNames({**cube.variables, **own.variables}, {**cube.filters, **own.filters})
            self._names = stamp, names
        return self._names[1]
