"""The model in force, and how a changed one takes its place while requests run.

The catalog is replaced whole: a request goes on with the one it began with. A change that would take a served cube
down by a mistake is not taken: the files with mistakes count as they last were until they are mended, or if that is
not sound either, the whole model does.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from cuboid.catalog.files import ModelFile
from cuboid.catalog.model import Catalog
from cuboid.errors import CuboidError, ModelError

SETTLING_MS = 100
"""Milliseconds without a further change after which files are read: editors write, rename and write again."""


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model's files as read, and what they compile to.

    :param refused: mistakes of files that count as they were before; the catalog tells of them among its errors.
    """

    files: tuple[ModelFile, ...]
    catalog: Catalog
    refused: tuple[ModelError, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """What became of changed files.

    ``taken``: the new model serves. ``refused``: it has ``errors`` that would cost ``lost``, which now serve; they stay
    as they were. ``unreadable``: the model as a whole cannot be read, as ``errors`` say.
    """

    outcome: Literal["taken", "refused", "unreadable"]
    model: LoadedModel | None
    errors: tuple[CuboidError, ...] = ()
    lost: tuple[str, ...] = ()


class Model:
    """The model of a project or of one tenant; read and compiled when it is first used. Threads may share it.

    :param read: the files as they are now.
    :param compile: what they say.
    :param stamp: changes with what the model depends on besides its files.
    """

    def __init__(
        self,
        read: Callable[[], tuple[ModelFile, ...]],
        compile: Callable[[tuple[ModelFile, ...]], Catalog],
        stamp: Callable[[], object] = lambda: None,
    ) -> None:
        self._read = read
        self._compile = compile
        self._stamp = stamp
        self._reading = threading.RLock()
        self._seen: object = None
        self._refused: tuple[ModelFile, ...] | None = (
            None  # files that are not in force, so as not to try them again
        )
        self.loaded: LoadedModel | None = None
        """What serves now; None before the first use."""

    @property
    def current(self) -> LoadedModel:
        """What serves now. Raises what reading and compiling raise; blocks while it compiles."""
        loaded = self.loaded
        if loaded is None:
            with self._reading:
                if self.loaded is None:
                    self._seen = self._stamp()
                    files = self._read()
                    self.loaded = LoadedModel(files, self._compile(files))
                loaded = self.loaded
        return loaded

    def reload(self) -> Change | None:
        """Reads the files anew; None if that changes nothing. Blocks while it compiles."""
        with self._reading:
            try:
                return self._reload(self.current)
            except CuboidError as error:
                return Change("unreadable", None, (error,))

    def _reload(self, before: LoadedModel) -> Change | None:
        stamp, files = self._stamp(), self._read()
        if files == (self._refused or before.files) and stamp == self._seen:
            return None
        found = LoadedModel(files, self._compile(files))
        self._seen = stamp
        known = {_identity(error) for error in before.catalog.errors if error not in before.refused}
        new = tuple(error for error in found.catalog.errors if _identity(error) not in known)
        lost = _lost(before, found)
        if not (new and lost):
            self._refused = None
            self.loaded = found
            return Change("taken", found, found.catalog.errors)
        self._refused = files
        self.loaded = self._as_before(found, new, before)
        return Change("refused", found, new, lost)

    def _as_before(self, found: LoadedModel, new: tuple[ModelError, ...], before: LoadedModel) -> LoadedModel:
        """What serves in place of ``found``: its files, those with new mistakes as they were; or all as they were."""
        good = {file.name: file for file in before.files}
        wrong = {error.file for error in new}
        files = tuple(good.get(file.name, file) if file.name in wrong else file for file in found.files)
        model = LoadedModel(files, self._compile(files))
        if _lost(before, model):
            model = before
        told = {_identity(error) for error in before.refused}
        errors = [error for error in model.catalog.errors if _identity(error) not in told]
        return replace(model, catalog=replace(model.catalog, errors=(*errors, *new)), refused=new)

    async def changes(self, folder: Path) -> AsyncIterator[Change]:
        """What becomes of each change of files under ``folder``, for as long as it is asked; compiles in a thread."""
        async for _ in edits(folder):
            change = await asyncio.to_thread(self.reload)
            if change is not None:
                yield change


async def edits(folder: Path) -> AsyncIterator[None]:
    """Says when files under ``folder`` have changed and come to rest."""
    from watchfiles import awatch

    async for _ in awatch(folder, debounce=1600, step=SETTLING_MS, stop_event=asyncio.Event()):
        yield None


def _lost(before: LoadedModel, after: LoadedModel) -> tuple[str, ...]:
    return tuple(name for name in before.catalog.cubes if name not in after.catalog.cubes)


def _identity(error: ModelError) -> tuple[str, str]:
    """Which mistake it is, wherever in its file it has moved."""
    return error.file, error.message
