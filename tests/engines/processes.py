"""A server's processes, read from /proc: some start one for each connection."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


def tree(pid: int) -> list[int]:
    """The process and all its descendants, parents first."""
    found = [pid]
    for parent in found:
        with suppress(OSError):
            for thread in Path(f"/proc/{parent}/task").iterdir():
                found += map(int, (thread / "children").read_text().split())
    return found


def signal_tree(pid: int, number: signal.Signals) -> None:
    for member in tree(pid):
        with suppress(ProcessLookupError):
            os.kill(member, number)


def wait_until_stopped(pid: int, seconds: float) -> None:
    """After SIGSTOP: until one of its threads has been scheduled to take the signal, the others go on answering."""
    deadline = time.monotonic() + seconds
    while not all(map(_stopped, tree(pid))) and time.monotonic() < deadline:
        time.sleep(0.005)


def _stopped(pid: int) -> bool:
    return all(_state(thread) in "TZX" for thread in Path(f"/proc/{pid}/task").glob("*"))


def wait_until_gone(pids: Iterable[int], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    for pid in pids:
        while lives(pid) and time.monotonic() < deadline:
            time.sleep(0.01)


def lives(pid: int) -> bool:
    """Whether the process runs; one that only waits to be reaped does not."""
    return _state(Path(f"/proc/{pid}")) not in "ZX"


def _state(process: Path) -> str:
    """The kernel's letter for its state; X for what is gone."""
    try:
        status = (process / "stat").read_text()
    except OSError:
        return "X"
    return status.rpartition(")")[2].split()[0]
