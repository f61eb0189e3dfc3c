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
from contextlib import suppress
from dataclasses import dataclass, field

from cuboid.http.server import listen

RESTARTS_AFTER = 1.0
"""Seconds between starts of one process's successors: one that dies at once must not keep a core busy."""

PATIENCE = 5
"""Deaths in a row, none of which had served, after which starts come ever later."""

LONGEST = 30.0
"""Seconds between starts at most."""

LAST_WORDS = 5.0
"""Seconds that processes have beyond their grace before they are killed."""


@dataclass(frozen=True, slots=True)
class Inheritance:
    """What a worker process gets from the one that started it, as an argument.

    :param number: which of the processes it is, from 0.
    :param sockets: descriptors of its listening sockets.
    :param ready: the descriptor where it says that it serves: its URL in a line.
    :param lifeline: a descriptor that ends when the process that started it does, however that is.
    """

    number: int
    sockets: tuple[int, ...]
    ready: int
    lifeline: int

    def argument(self) -> str:
        """The text that :meth:`read` reads."""
        return json.dumps([self.number, self.sockets, self.ready, self.lifeline])

    @classmethod
    def read(cls, argument: str) -> Inheritance:
        """What :meth:`argument` wrote."""
        number, sockets, ready, lifeline = json.loads(argument)
        return cls(number, tuple(sockets), ready, lifeline)

    def listening(self) -> list[socket.socket]:
        """The listening sockets."""
        return [socket.socket(fileno=each) for each in self.sockets]

    def tell_ready(self, url: str) -> None:
        """Says that the process serves; from then on it stops as on SIGTERM once nobody holds its lifeline."""
        with suppress(BrokenPipeError):
            os.write(self.ready, f"{url}\n".encode())
        os.close(self.ready)
        asyncio.get_running_loop().add_reader(self.lifeline, self._stop)

    def _stop(self) -> None:
        asyncio.get_running_loop().remove_reader(self.lifeline)
        os.kill(os.getpid(), signal.SIGTERM)


@dataclass(slots=True)
class _Worker:
    """One of the processes; ``sockets`` outlive it.

    :param deaths: in a row, of processes that had not got as far as serving.
    """

    number: int
    sockets: list[socket.socket]
    process: asyncio.subprocess.Process | None = None
    url: str = ""
    deaths: int = 0
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
        self._lifeline = os.pipe()

    async def run(self, ready: Callable[[str], None]) -> int:
        """Runs until SIGTERM or SIGINT, a second of which ends the grace; the exit status: 0, or that of a process that
        did not get as far as serving.

        :param ready: called with the URL once all serve.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._hear)
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

    def _hear(self) -> None:
        if self._stopping.is_set():
            self._signal(signal.SIGTERM)
        self._stopping.set()

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
            delay = restart_delay(worker.deaths)
            later = f" in {delay:g} seconds" if worker.deaths > PATIENCE else ""
            print(
                f"Process {worker.number} has ended with status {status}; another takes its place{later}.",
                file=sys.stderr,
            )
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, delay - (time.monotonic() - began))):
                    await self._stopping.wait()
                    return 0

    async def _run(self, worker: _Worker) -> int:
        reading, writing = os.pipe()
        sockets = tuple(each.fileno() for each in worker.sockets)
        given = Inheritance(worker.number, sockets, writing, self._lifeline[0])
        try:
            worker.process = await asyncio.create_subprocess_exec(
                *self._command,
                "--inherit",
                given.argument(),
                pass_fds=(*sockets, writing, given.lifeline),
                stdin=asyncio.subprocess.DEVNULL,
                start_new_session=True,  # a terminal's Ctrl-C is for this process, which passes it on once
            )
        finally:
            os.close(writing)
        if self._stopping.is_set():  # while it was being started, too late for those who tell all to stop
            self._signal(signal.SIGTERM, worker)
        with os.fdopen(reading) as told:
            url = (await asyncio.to_thread(told.readline)).strip()
        worker.deaths = 0 if url else worker.deaths + 1
        if url:
            worker.url = url
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
        for end in self._lifeline:
            os.close(end)
        return list(statuses)

    def _signal(self, number: signal.Signals, *workers: _Worker) -> None:
        """Sends a signal to these processes; without any, to all."""
        for worker in workers or self._workers:
            if worker.process is not None and worker.process.returncode is None:
                worker.process.send_signal(number)


def restart_delay(deaths: int) -> float:
    """Seconds between two starts after so many deaths in a row of processes that had not served."""
    return min(RESTARTS_AFTER * 2.0 ** min(max(0, deaths - PATIENCE), 10), LONGEST)
