"""A running server as tests see it, and how to ask the keeper for one."""

from __future__ import annotations

import fcntl
import json
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
ANSWER_SECONDS = 110.0
"""How long one request to the keeper may take: the first of all fetches and initialises the server."""


class EngineError(Exception):
    """What the keeper could not do, and why."""


@dataclass(frozen=True, slots=True)
class Server:
    """One server: where it listens, and an account that may do everything in it.

    ``engine`` is ``postgres``, ``mysql``, ``mariadb``, ``clickhouse``, ``valkey`` or ``redis``; ``instance`` its
    name at the keeper.
    """

    engine: str
    version: str
    host: str
    port: int
    user: str
    password: str
    database: str
    instance: str
    control: str

    def kill(self) -> None:
        """SIGKILL to all its processes; returns when they are gone."""
        ask(self.control, "kill", instance=self.instance)

    def restart(self) -> None:
        """Starts it anew with its data on the same port, killing it first if it runs; returns when it answers."""
        ask(self.control, "restart", instance=self.instance)

    def pause(self) -> None:
        """SIGSTOP to all its processes: connections stay open and nothing answers, as behind a dead network."""
        ask(self.control, "pause", instance=self.instance)

    def resume(self) -> None:
        ask(self.control, "resume", instance=self.instance)


def start(control: str, engine: str, instance: str) -> Server:
    """The server of that name, started on first request and shared by all later ones. Raises :class:`EngineError`."""
    return Server(**ask(control, "start", engine=engine, instance=instance), control=control)


def ask(control: str, request: str, **words: str) -> Any:
    """The keeper's answer. Raises :class:`EngineError`."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(ANSWER_SECONDS)
        try:
            connection.connect(control)
            connection.sendall(json.dumps({"request": request, **words}).encode() + b"\n")
            with connection.makefile() as answers:
                line = answers.readline()
        except OSError as error:
            raise EngineError(f"the keeper of the servers does not answer ({error or 'time-out'})") from error
    if not line:
        raise EngineError("the keeper of the servers has ended; its log is in its folder while that exists")
    answer: Mapping[str, Any] = json.loads(line)
    if "error" in answer:
        raise EngineError(answer["error"])
    return answer["answer"]


def keeper(folder: Path, owner: int) -> str:
    """The address of the run's keeper, which is started by whoever needs it first.

    :param folder: the run's own folder; the keeper removes it at the end.
    :param owner: the process with whose end, of whatever kind, everything is stopped.
    """
    control = folder / "control"
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not control.exists():
            command = [sys.executable, "-m", "tests.engines.keeper", str(folder), str(owner)]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
            if done.returncode:
                raise EngineError(f"the keeper of the servers did not start: {done.stderr.strip()[-1000:]}")
    return str(control)
