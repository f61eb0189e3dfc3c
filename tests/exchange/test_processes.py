"""Real server processes that share a Valkey and a Postgres, in which the statements are counted; and are killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.engines.admin import PostgresAdmin
from tests.engines.server import Server
from tests.exchange.conftest import url

MODEL = """
cubes:
  - name: slow
    sql: SELECT generate_series(1, 1000) AS id
    refresh_key: {every: 1 day}
    measures: [{name: total, type: sum, sql: "length(pg_sleep(0.5)::text) + id"}]
    dimensions: [{name: id, sql: id, type: number, primary_key: true}]
"""
LIMIT = 2
RUNNING = "SELECT pid, query_start::text FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
"""Those that sleep: a statement that is still being parsed has another start than when it runs."""


class Statements:
    """Watches which statements run in Postgres.

    ``runs`` has all that were seen, ``most`` how many at once.
    """

    def __init__(self, server: Server) -> None:
        self.runs: set[tuple[Any, ...]] = set()
        self.now = self.most = 0
        self._admin = PostgresAdmin(server)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def _watch(self) -> None:
        with closing(self._admin):
            while not self._stop.wait(0.02):
                found = set(self._admin.run(RUNNING))
                self.runs |= found
                self.now = len(found)
                self.most = max(self.most, self.now)

    def close(self) -> None:
        self._stop.set()
        self._thread.join()


class Process:
    """A server process that serves."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CUB")}
        self.errors = open(folder / f"errors-{time.monotonic_ns()}", "w+")  # noqa: SIM115 - closed at its end
        self.process = subprocess.Popen(
            [str(Path(sys.executable).parent / "cuboid"), "serve", "--dev", "--port", "0", *arguments],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().rpartition(" ")[2].strip()
        self.process.stdout.readline()

    def ask(self, number: int) -> int:
        """The total of one row, which is its number; asks again while it is told to."""
        query = {
            "measures": ["slow.total"],
            "filters": [{"member": "slow.id", "operator": "equals", "values": [f"{number}"]}],
        }
        text = urllib.parse.urlencode({"query": json.dumps(query)})
        while True:
            with urllib.request.urlopen(f"{self.url}/v1/load?{text}", timeout=50) as response:
                body = json.load(response)
            if body.get("error") != "Continue wait":
                return int(body["data"][0]["slow.total"])

    def invalidate(self) -> None:
        request = urllib.request.Request(
            f"{self.url}/v1/invalidate",
            json.dumps({"cubes": ["slow"]}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=50) as response:
            assert response.status == 200

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()
        self.errors.close()

    def logged(self) -> str:
        return Path(self.errors.name).read_text()


@pytest.fixture
def asking() -> Iterator[Callable[..., Future[int]]]:
    """Asks in a thread."""
    with ThreadPoolExecutor(64) as pool:
        yield lambda process, number: pool.submit(process.ask, number)


@pytest.fixture
def statements(postgres_server: Server) -> Iterator[Statements]:
    watching = Statements(postgres_server)
    yield watching
    watching.close()


@pytest.fixture
def valkey(own_server: Callable[[str], Server]) -> Server:
    """A server for this test alone."""
    return own_server("valkey")


@pytest.fixture
def start(tmp_path: Path, postgres_server: Server, valkey: Server) -> Iterator[Callable[..., Process]]:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "slow.yml").write_text(MODEL)
    names = ("host", "port", "database", "user", "password")
    source = {name: getattr(postgres_server, name) for name in names}
    settings = {
        "exchange_url": url(valkey),
        "default_api_scopes": ["meta", "data", "sql", "invalidate"],
        "data_sources": {"default": {"driver": "postgres", "concurrency": LIMIT, **source}},
    }
    (tmp_path / "cuboid.yml").write_text(json.dumps(settings))
    started: list[Process] = []

    def start(*arguments: str) -> Process:
        started.append(Process(tmp_path, *arguments))
        return started[-1]

    yield start
    for each in started:
        each.end()


pytestmark = [pytest.mark.engine("valkey")]


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 50
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_two_processes_keep_to_one_limit(
    start: Callable[..., Process], statements: Statements, asking: Callable[..., Future[int]]
) -> None:
    processes = [start(), start()]
    asked = {number: asking(processes[number % 2], number) for number in range(1, 9)}
    assert {number: each.result() for number, each in asked.items()} == {
        number: number for number in range(1, 9)
    }
    assert len(statements.runs) == 8
    assert statements.most == LIMIT


def test_many_who_ask_the_same_of_two_processes_cost_one_statement(
    start: Callable[..., Process], statements: Statements, asking: Callable[..., Future[int]]
) -> None:
    one, other = start(), start()
    asked = [asking(each, 7) for each in (one, other) for _ in range(10)]
    assert {each.result() for each in asked} == {7}
    assert one.ask(7) == other.ask(7) == 7
    assert len(statements.runs) == 1
    one.invalidate()
    assert one.ask(7) == other.ask(7) == 7
    assert len(statements.runs) == 2


def test_a_killed_process_loses_no_request(
    start: Callable[..., Process], statements: Statements, asking: Callable[..., Future[int]]
) -> None:
    doomed, other = start(), start()
    numbers = range(1, 7)
    lost = [asking(doomed, number) for number in numbers]
    until(lambda: statements.now == LIMIT)
    kept = [asking(other, number) for number in numbers]
    time.sleep(0.2)
    os.kill(doomed.process.pid, signal.SIGKILL)
    failures = [each.exception() for each in lost]
    assert any(isinstance(each, OSError) for each in failures)  # their clients ask again, another process
    again = [asking(other, number) for number in numbers]
    assert [each.result() for each in kept] == [each.result() for each in again] == list(numbers)


def test_requests_are_answered_while_the_exchange_dies_and_when_it_is_back(
    start: Callable[..., Process], valkey: Server, statements: Statements, asking: Callable[..., Future[int]]
) -> None:
    processes = [start(), start()]
    assert [each.ask(1) for each in processes] == [1, 1]
    first = {number: asking(processes[number % 2], number) for number in (10, 11)}
    until(lambda: statements.now == LIMIT)  # one in each: what runs in one beyond its part would go on
    first |= {number: asking(processes[number % 2], number) for number in range(12, 16)}
    valkey.kill()
    second = {number: asking(processes[number % 2], number) for number in range(20, 26)}
    assert all(each.result() == number for number, each in (first | second).items())
    assert statements.most == LIMIT  # one of two each
    valkey.restart()
    for each in processes:
        until(lambda each=each: "' is back." in each.logged())  # type: ignore[misc]
        # On a busy machine the exchange may be missed again: each time it is told once, as is its return.
        lost, back = (each.logged().count(words) for words in ("goes on alone", "' is back."))
        assert lost - back in (0, 1)
        assert valkey.password not in each.logged()
    time.sleep(3)  # until both have told what they run
    third = {number: asking(processes[number % 2], number) for number in range(30, 36)}
    assert all(each.result() == number for number, each in third.items())
    assert statements.most == LIMIT
    before = len(statements.runs)
    assert {each.ask(30) for each in processes} == {30}
    assert len(statements.runs) == before


def test_workers_of_one_server_say_that_they_share_the_limits(
    start: Callable[..., Process], statements: Statements, asking: Callable[..., Future[int]]
) -> None:
    served = start("--workers", "2")
    assert served.process.stdout is not None
    line = served.process.stdout.readline()
    assert line == f"2 processes; statements at once in all that share the exchange: default {LIMIT}.\n"
    asked = [asking(served, number) for number in range(1, 9)]
    assert [each.result() for each in asked] == list(range(1, 9))
    assert statements.most == LIMIT
    assert len(statements.runs) == 8
