"""``cuboid serve --workers 2``: processes that share a port, one of which may die."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.test_serve import Served, serve

from cuboid.cli import workers as module
from cuboid.cli.workers import LONGEST, PATIENCE, RESTARTS_AFTER, Workers, restart_delay

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


WORKER = """
import asyncio, os, signal, sys
from pathlib import Path
from cuboid.cli.workers import Inheritance

log, life = Path(sys.argv[1]), sys.argv[2]

def note(text):
    with log.open("a") as file:
        file.write(text + " ")

async def main():
    given, heard = Inheritance.read(sys.argv[-1]), asyncio.Queue()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, heard.put_nowait, "TERM")
    first = not log.exists()
    note("start")
    if life == "once" and not first:
        sys.exit(3)
    given.tell_ready("http://here")
    if life == "once":
        sys.exit(3)
    for _ in range(2):
        note(await heard.get())

asyncio.run(main())
"""
"""A process that notes what happens to it, and ends at the second SIGTERM; one that serves ``once`` ends then."""


class Run:
    """Workers that run :data:`WORKER`, one of it."""

    def __init__(self, folder: Path, life: str) -> None:
        self.log = folder / "log"
        command = [sys.executable, "-c", WORKER, str(self.log), life]
        self.workers = Workers(command, "127.0.0.1", 0, 1, DEADLINE)
        self.worker = self.workers._workers[0]

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(DEADLINE):
            while not holds():  # noqa: ASYNC110 - processes tell nobody
                await asyncio.sleep(0.01)

    def noted(self) -> list[str]:
        return self.log.read_text().split() if self.log.exists() else []

    def stop(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)


def test_each_signal_is_passed_on_once_and_a_terminal_signals_the_first_process_only(tmp_path: Path) -> None:
    async def work() -> int:
        run, ready = Run(tmp_path, "long"), asyncio.Event()
        running = asyncio.create_task(run.workers.run(lambda _: ready.set()))
        await ready.wait()
        assert run.worker.process is not None
        assert os.getpgid(run.worker.process.pid) != os.getpgid(0)
        for count in (1, 2):
            run.stop()
            await run.until(lambda count=count: run.noted() == ["start", *["TERM"] * count])
        return await running

    assert asyncio.run(work()) == 0


def test_a_process_that_died_is_not_replaced_once_all_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        module, "RESTARTS_AFTER", LONGEST
    )  # so that its successor is waited for when all stop

    async def work() -> int:
        run = Run(tmp_path, "once")
        running = asyncio.create_task(run.workers.run(lambda _: None))
        await run.until(lambda: run.worker.process is not None and run.worker.process.returncode == 3)
        run.stop()
        status = await running
        assert run.noted() == ["start"]
        return status

    assert asyncio.run(work()) == 0


def test_a_process_that_is_being_started_when_all_stop_stops_too(tmp_path: Path) -> None:
    async def work() -> None:
        run = Run(tmp_path, "long")
        run.workers._stopping.set()
        keeping = asyncio.create_task(run.workers._keep(run.worker))
        assert await run.workers._stop([keeping]) == [0]  # tells those that are there, which is none
        assert run.worker.process is not None
        assert run.worker.process.returncode == -signal.SIGTERM

    asyncio.run(work())


def test_a_process_that_dies_at_every_start_is_started_ever_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [restart_delay(PATIENCE + more) for more in range(-PATIENCE, 3)] == [
        *[RESTARTS_AFTER] * (PATIENCE + 1),
        2 * RESTARTS_AFTER,
        4 * RESTARTS_AFTER,
    ]
    assert restart_delay(10_000) == LONGEST
    monkeypatch.setattr(module, "RESTARTS_AFTER", 0.001)

    async def work() -> int:
        run = Run(tmp_path, "once")
        running = asyncio.create_task(run.workers.run(lambda _: None))
        await run.until(lambda: run.worker.deaths == 2)
        run.stop()
        return await running

    assert asyncio.run(work()) == 0


def test_all_stop_in_order_if_the_process_that_started_them_is_killed(serve: Callable[..., Served]) -> None:
    served = serve(".", "--dev", "--port", "0", "--workers", "2")
    pids = children(served)
    served.process.kill()
    served.process.wait(DEADLINE)
    assert served.process.stderr is not None
    # To its end: nobody holds it any more.
    assert served.process.stderr.read().count('"event": "stopped"') == len(pids) == 2
