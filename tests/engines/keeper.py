"""The process that runs the servers of one test run, and outlives none of it.

``python -m tests.engines.keeper FOLDER OWNER`` returns once the keeper listens on ``FOLDER/control``. All processes of
a run (pytest-xdist has several) ask the same keeper, so they share the servers: a line of JSON each way. It stops
everything and removes the folder when asked to, when the process OWNER is gone (a crash of pytest included),
and the kernel kills the servers should the keeper itself be killed.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.engines.clickhouse import ClickHouse
from tests.engines.debian import Unavailable
from tests.engines.mysql import MariaDB, MySQL
from tests.engines.postgres import Postgres
from tests.engines.processes import signal_tree, tree, wait_until_gone, wait_until_stopped
from tests.engines.recipe import DATABASE, HOST, PASSWORD, USER, Recipe
from tests.engines.valkey import Redis, Valkey

RECIPES: Mapping[str, type[Recipe]] = {
    recipe.name: recipe for recipe in (Postgres, ClickHouse, MySQL, MariaDB, Valkey, Redis)
}
# Below the ports from which the kernel serves outgoing connections: none can take a port between two starts.
PORTS = range(15_000, 32_000)
START_SECONDS = 60.0
STOP_SECONDS = 10.0


@dataclass
class Instance:
    """One server's folder, port and process."""

    recipe: Recipe
    folder: Path
    port: int
    version: str = ""
    note: str = ""
    seconds: float = 0.0
    process: subprocess.Popen[bytes] | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def create(self) -> None:
        began = time.monotonic()
        try:
            await self._prepare()
        except Unavailable as error:
            if self.recipe.stand_in is None:
                raise
            wanted, self.recipe = self.recipe, self.recipe.stand_in()
            self.note = f"{self.recipe.title} STANDS IN for {wanted.title}: {error}"
            await self._prepare()
        await self.launch()
        self.seconds = time.monotonic() - began

    async def _prepare(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        await asyncio.to_thread(self.recipe.prepare, self.folder)

    def spawn(self) -> subprocess.Popen[bytes]:
        command = self.recipe.command(self.folder, self.port)
        with open(self.folder / "log", "ab") as log:
            return subprocess.Popen(
                command.words,
                cwd=command.folder,
                env={**os.environ, **command.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                restore_signals=False,  # a file that may not grow is an error to the server, as a full disk is: no end
            )

    async def launch(self) -> None:
        # In the main thread: the kernel's "signal it when the parent dies" means the thread that started it.
        self.process = self.spawn()
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.version = await asyncio.to_thread(self.recipe.version, self.folder, self.port)
                return
            except (OSError, ValueError) as error:
                status = self.process.poll()
                if status is not None or time.monotonic() > deadline:
                    said = (self.folder / "log").read_text(errors="replace")[-1500:]
                    state = f"ended with {status}" if status is not None else f"does not answer: {error}"
                    raise Unavailable(f"{self.recipe.title} {state}. Its log ends with:\n{said}") from error
            await asyncio.sleep(0.02)

    async def kill(self) -> None:
        await self._end(signal.SIGKILL, 30.0)

    async def stop(self) -> None:
        if self.process is not None:
            signal_tree(self.process.pid, signal.SIGCONT)
            await self._end(self.recipe.stop_signal, STOP_SECONDS)
            await self.kill()
        await asyncio.to_thread(shutil.rmtree, self.folder, ignore_errors=True)

    async def _end(self, how: signal.Signals, seconds: float) -> None:
        if self.process is None:
            return
        family = tree(self.process.pid)
        if how == signal.SIGKILL:
            signal_tree(self.process.pid, how)
        else:
            with suppress(ProcessLookupError):
                self.process.send_signal(how)
        with suppress(subprocess.TimeoutExpired):
            await asyncio.to_thread(self.process.wait, seconds)
        if self.process.returncode is not None:
            await asyncio.to_thread(wait_until_gone, family, seconds)
            self.process = None


class Keeper:
    """The instances by name. Requests for one instance wait for each other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.instances: dict[str, Instance] = {}
        self.starting: dict[str, asyncio.Task[None]] = {}
        self.ports = random.sample(PORTS, 500)
        self.ended = asyncio.Event()

    async def serve(self, connection: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        try:
            request = json.loads(await connection.readline())
            name = request.pop("request")
            try:
                answer = {"answer": await getattr(self, f"on_{name}")(**request)}
            except (Unavailable, OSError, subprocess.SubprocessError, ValueError) as error:
                answer = {"error": str(error) or repr(error)}
            answers.write(json.dumps(answer).encode() + b"\n")
            await answers.drain()
        except (ConnectionError, ValueError):
            pass  # the asker has gone, or never asked
        finally:
            answers.close()

    async def on_start(self, engine: str, instance: str) -> dict[str, Any]:
        if instance not in self.starting:
            recipe = RECIPES[engine]()
            self.instances[instance] = made = Instance(recipe, self.folder / instance, self._free_port())
            self.starting[instance] = asyncio.create_task(made.create())
        await asyncio.shield(self.starting[instance])
        started = self.instances[instance]
        return {
            "engine": started.recipe.name,
            "version": started.version,
            "host": HOST,
            "port": started.port,
            "user": USER,
            "password": PASSWORD,
            "database": DATABASE,
            "instance": instance,
        }

    async def on_kill(self, instance: str) -> None:
        async with self.instances[instance].lock:
            await self.instances[instance].kill()

    async def on_restart(self, instance: str) -> None:
        async with self.instances[instance].lock:
            await self.instances[instance].kill()
            await self.instances[instance].launch()

    async def on_pause(self, instance: str) -> None:
        if process := self.instances[instance].process:
            signal_tree(process.pid, signal.SIGSTOP)
            await asyncio.to_thread(wait_until_stopped, process.pid, STOP_SECONDS)

    async def on_resume(self, instance: str) -> None:
        if process := self.instances[instance].process:
            signal_tree(process.pid, signal.SIGCONT)

    async def on_stop(self, instance: str) -> None:
        del self.starting[instance]
        await self.instances.pop(instance).stop()

    async def on_met(self) -> list[dict[str, Any]]:
        """The shared servers that have been started, for the summary."""
        return [
            {"title": i.recipe.title, "version": i.version, "seconds": i.seconds, "note": i.note}
            for name, i in self.instances.items()
            if name in RECIPES and i.version
        ]

    async def on_end(self) -> None:
        """Answers when all is stopped."""
        await self.end()
        self.ended.set()

    async def end(self) -> None:
        for task in self.starting.values():
            task.cancel()
        await asyncio.gather(*self.starting.values(), return_exceptions=True)
        await asyncio.gather(*(instance.stop() for instance in self.instances.values()))
        self.instances.clear()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _free_port(self) -> int:
        while True:
            port = self.ports.pop()
            with socket.socket() as probe:
                try:
                    probe.bind((HOST, port))
                    return port
                except OSError:
                    continue


async def keep(folder: Path, listener: socket.socket, owner: int) -> None:
    """Serves until it is asked to end, is told to by a signal, or the owner has gone."""
    keeper = Keeper(folder)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, keeper.ended.set)
    loop.add_reader(owner, keeper.ended.set)
    async with await asyncio.start_unix_server(keeper.serve, sock=listener):
        await keeper.ended.wait()
        loop.remove_reader(owner)
        await keeper.end()


def main() -> None:
    folder = Path(sys.argv[1])
    owner = os.pidfd_open(int(sys.argv[2]))
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / "control"))
    listener.listen(100)
    if os.fork():  # the keeper is nobody's child that would have to be waited for
        os._exit(0)
    os.setsid()  # Ctrl-C is for pytest, which then has tests and fixtures end in order
    with open(folder / "keeper.log", "ab") as log, open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
        for stream in (1, 2):
            os.dup2(log.fileno(), stream)
    asyncio.run(keep(folder, listener, owner))


if __name__ == "__main__":
    main()
