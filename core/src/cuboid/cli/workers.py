"""``cuboid serve --workers N``: several server processes on one port, each with sockets of its own.

The kernel deals connections to the processes, so nothing is passed between them. This process holds all sockets and
serves nobody: what a killed process had not accepted waits in its sockets for the process that takes its place.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from cuboid.http.server import listen

RESTARTS_AFTER = 1.0
"""Seconds between starts of one process's successors: one that dies at once must not keep a core busy."""

LAST_WORDS = 5.0
"""Seconds that processes have beyond their grace before they are killed."""


@dataclass(frozen=True, slots=True)
class Inheritance:
    """What a worker process gets from the one that started it, as an argument.

    :param number: which of the processes it is, from 0.
    :param sockets: descriptors of its listening sockets.
    :param ready: the descriptor where it says that it serves: its URL in a line.
    """

    number: int
    sockets: tuple[int, ...]
    ready: int

    def argument(self) -> str:
        """The text that :meth:`read` reads."""
        return json.dumps([self.number, self.sockets, self.ready])

    @classmethod
    def read(cls, argument: str) -> Inheritance:
        """What :meth:`argument` wrote."""
        number, sockets, ready = json.loads(argument)
        return cls(number, tuple(sockets), ready)

    def listening(self) -> list[socket.socket]:
        """The listening sockets."""
        return [socket.socket(fileno=each) for each in self.sockets]

    def tell_ready(self, url: str) -> None:
        """Says that the process serves."""
        os.write(self.ready, f"{url}\n".encode())
        os.close(self.ready)


@dataclass(slots=True)
class _Worker:
    """One of the processes; ``sockets`` outlive it."""

    number: int
    sockets: list[socket.socket]
    process: asyncio.subprocess.Process | None = None
    url: str = ""
    serves: asyncio.Event = field(default_factory=asyncio.Event)


class Workers:
    """Starts processes and keeps them running.

    :param command: what a process runs, without the argument that says what it inherits.
    :param host: and ``port``, where all listen.
    :param grace: seconds that a process has to let requests finish.
    """

    def __init__(self, command: Sequence[str], host: str, port: int, count: int, grace: float) -> None:
        self._command = tuple(command)
        self._grace = grace
        first = listen(host, port)  # alone, so that a port that is taken is an error
        port = first[0].getsockname()[1]
        for each in first:
            each.close()
        self._workers = [_Worker(number, listen(host, port, shared=True)) for number in range(count)]
        self._stopping = asyncio.Event()

    async def run(self, ready: Callable[[str], None]) -> int:
        """Runs until SIGTERM or SIGINT; the exit status: 0, or that of a process that did not get as far as serving.

        :param ready: called with the URL once all serve.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        keeping = [asyncio.create_task(self._keep(each)) for each in self._workers]
        stopping = asyncio.create_task(self._stopping.wait())
        started = asyncio.create_task(self._all_ready())
        try:
            await asyncio.wait({*keeping, stopping, started}, return_when=asyncio.FIRST_COMPLETED)
            if started.done():
                ready(self._workers[0].url)
                await asyncio.wait({*keeping, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._stopping.set()
            started.cancel()
            statuses = await self._stop(keeping)
        return next((status for status in statuses if status), 0)

    async def _all_ready(self) -> None:
        for worker in self._workers:
            await worker.serves.wait()

    async def _keep(self, worker: _Worker) -> int:
        """Runs the worker's process, again and again; ends with its status if it never served or all are stopping."""
        while True:
            began = time.monotonic()
            status = await self._run(worker)
            if self._stopping.is_set() or not worker.url:
                return 0 if self._stopping.is_set() else status
            print(
                f"Process {worker.number} has ended with status {status}; another takes its place.",
                file=sys.stderr,
            )
            await asyncio.sleep(max(0.0, RESTARTS_AFTER - (time.monotonic() - began)))

    async def _run(self, worker: _Worker) -> int:
        reading, writing = os.pipe()
        given = Inheritance(worker.number, tuple(each.fileno() for each in worker.sockets), writing)
        try:
            worker.process = await asyncio.create_subprocess_exec(
                *self._command,
                "--inherit",
                given.argument(),
                pass_fds=(*given.sockets, writing),
                stdin=asyncio.subprocess.DEVNULL,
            )
        finally:
            os.close(writing)
        with os.fdopen(reading) as told:
            worker.url = (await asyncio.to_thread(told.readline)).strip() or worker.url
        if worker.url:
            worker.serves.set()
        return await worker.process.wait()

    async def _stop(self, keeping: Sequence[asyncio.Task[int]]) -> list[int]:
        """Tells all processes to stop, and kills those that do not."""
        self._signal(signal.SIGTERM)
        _, late = await asyncio.wait(keeping, timeout=self._grace + LAST_WORDS)
        if late:
            self._signal(signal.SIGKILL)
        statuses = await asyncio.gather(*keeping)
        for worker in self._workers:
            for each in worker.sockets:
                each.close()
        return list(statuses)

    def _signal(self, number: signal.Signals) -> None:
        for worker in self._workers:
            if worker.process is not None and worker.process.returncode is None:
                worker.process.send_signal(number)
