"""``cuboid serve --workers 2``: processes that share a port, one of which may die."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

from tests.cli.test_serve import Served, serve

__all__ = ["serve"]

DEADLINE = 50.0


def children(served: Served) -> set[int]:
    """The processes that the server's own process has started and that live."""
    listed = Path(f"/proc/{served.process.pid}/task/{served.process.pid}/children").read_text()
    return {int(pid) for pid in listed.split()}


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + DEADLINE
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_two_processes_serve_and_divide_the_limits(serve: Callable[..., Served]) -> None:
    served = serve(".", "--dev", "--port", "0", "--workers", "2")
    assert served.process.stdout is not None
    limits = served.process.stdout.readline()
    assert limits == "2 processes; statements at once in each: default 2.\n"  # 4 in one
    assert len(children(served)) == 2
    for _ in range(20):
        status, body = served.load()
        assert (status, body["data"]) == (200, [{"cities.count": "4"}])
    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait(DEADLINE) == 0


def test_a_killed_process_is_replaced_and_no_request_is_lost(serve: Callable[..., Served]) -> None:
    served = serve(".", "--dev", "--port", "0", "--workers", "2")
    before = children(served)
    victim = min(before)
    os.kill(victim, signal.SIGKILL)
    for _ in range(10):  # those that the kernel deals to the dead one's sockets wait for its successor
        assert served.load()[0] == 200
    until(lambda: len(children(served)) == 2 and victim not in children(served))
    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait(DEADLINE) == 0
    assert served.process.stderr is not None
    assert "has ended with status -9; another takes its place." in served.process.stderr.read()


def test_all_stop_if_one_cannot_serve(serve: Callable[..., Served]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        served = serve(".", "--dev", "--port", port, "--workers", "2")
        assert served.process.wait(DEADLINE) == 1
        assert served.process.stderr is not None
        assert f"Port {port} is already in use" in served.process.stderr.read()
