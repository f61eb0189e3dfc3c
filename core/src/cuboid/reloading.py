"""The model in force, and how a changed one takes its place while requests run.

The catalog is replaced whole: a request goes on with the one it began with. A change that would take a served cube
down by a mistake is not taken: the last good model goes on serving until the mistake is mended.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from cuboid.catalog.files import ModelFile
from cuboid.catalog.model import Catalog
from cuboid.errors import CuboidError, ModelError

SETTLING_MS = 100
"""Milliseconds without a further change after which files are read: editors write, rename and write again."""


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model's files as read, and what they compile to."""

    files: tuple[ModelFile, ...]
    catalog: Catalog


@dataclass(frozen=True, slots=True)
class Change:
    """What became of changed files.

    ``taken``: the new model serves. ``refused``: it has ``errors`` that would cost ``lost``, which now serve; the last
    good model stays. ``unreadable``: the model as a whole cannot be read, as ``errors`` say.
    """

    outcome: Literal["taken", "refused", "unreadable"]
    model: LoadedModel | None
    errors: tuple[CuboidError, ...] = ()
    lost: tuple[str, ...] = ()


class Model:
    """The model of a project; read and compiled when it is first used.

    :param read: the files as they are now.
    :param compile: what they say.
    """

    def __init__(
        self,
        read: Callable[[], tuple[ModelFile, ...]],
        compile: Callable[[tuple[ModelFile, ...]], Catalog],
    ) -> None:
        self._read = read
        self._compile = compile

    @cached_property
    def current(self) -> LoadedModel:
        """What serves now. Raises what reading and compiling raise."""
        files = self._read()
        return LoadedModel(files, self._compile(files))

    def reload(self) -> Change | None:
        """Reads the files anew; None if that changes nothing. Blocks while it compiles."""
        before = self.current
        try:
            files = self._read()
            if files == before.files:
                return None
            found = LoadedModel(files, self._compile(files))
        except CuboidError as error:
            return Change("unreadable", None, (error,))
        known = {_identity(error) for error in before.catalog.errors}
        new = tuple(error for error in found.catalog.errors if _identity(error) not in known)
        lost = tuple(name for name in before.catalog.cubes if name not in found.catalog.cubes)
        if new and lost:
            return Change("refused", found, new, lost)
        self.current = found
        return Change("taken", found, found.catalog.errors)

    async def changes(self, folder: Path) -> AsyncIterator[Change]:
        """What becomes of each change of files under ``folder``, for as long as it is asked; compiles in a thread."""
        from watchfiles import awatch

        async for _ in awatch(folder, debounce=1600, step=SETTLING_MS, stop_event=asyncio.Event()):
            change = await asyncio.to_thread(self.reload)
            if change is not None:
                yield change


def _identity(error: ModelError) -> tuple[str, str]:
    """Which mistake it is, wherever in its file it has moved."""
    return error.file, error.message
