"""What the keeper must know to run one kind of server: how to prepare its folder, start it and see that it answers."""

from __future__ import annotations

import os
import shutil
import signal
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

HOST = "127.0.0.1"
USER = "cuboid"
PASSWORD = "cuboid-secret"
DATABASE = "cuboid"


@dataclass(frozen=True, slots=True)
class Command:
    """A server's command line, run in ``folder`` with ``environment`` added to ours."""

    words: Sequence[str | Path]
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)


class Recipe(ABC):
    """One engine. ``prepare`` and ``version`` may block; the keeper calls them in threads."""

    name: ClassVar[str]
    title: ClassVar[str]
    """As the summary calls it."""
    stop_signal: ClassVar[signal.Signals] = signal.SIGKILL
    """Nothing is to be kept, so nothing need be written; but some leave things outside their folder."""

    stand_in: ClassVar[type[Recipe] | None] = None
    """What runs in its place, and is reported, where this engine cannot be had."""

    @abstractmethod
    def prepare(self, folder: Path) -> None:
        """Makes the data of a new server in the empty ``folder``. Raises :class:`Unavailable`."""

    @abstractmethod
    def command(self, folder: Path, port: int) -> Command:
        """Starts the server of ``folder``: with ``DATABASE`` in it, and ``USER`` who may do everything. Its output,
        or what it logs instead, is in ``folder / "log"``."""

    @abstractmethod
    def version(self, folder: Path, port: int) -> str:
        """Of a server that accepts statements; until it does, raises ``OSError``."""


def ending_with_keeper(how: signal.Signals = signal.SIGKILL) -> list[str]:
    """Words before a command that have the kernel send it this signal when the keeper dies, whatever kills the keeper.

    Last before the server itself: a change of user or of user namespace forgets the wish.
    """
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", how.name.removeprefix("SIG"), "--"] if setpriv else []


def is_root() -> bool:
    return os.geteuid() == 0
