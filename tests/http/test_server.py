"""A server's life in a process of its own: ready, busy port, signals, shutdown."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from cuboid.errors import ConfigError
from cuboid.http.server import listen

SERVER = """
import sys
from pathlib import Path
from cuboid.catalog.compile import compile_catalog
from cuboid.catalog.files import read_model
from cuboid.http.app import AuthSettings, HttpSettings, make_app
from cuboid.http.logs import configure_logs
from cuboid.http.server import run, serve
from cuboid.run.data_source import DataSource
from cuboid.run.queue import QueueSettings
from cuboid.planning import ServiceSettings
from cuboid.service import Service
from cuboid_duckdb.dialect import DuckDBDialect
from cuboid_duckdb.driver import DuckDBConfig, DuckDBDriver
from cuboid_duckdb.queue import DuckDBQueue

model, port, grace = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
configure_logs()
catalog = compile_catalog(read_model(model, model))
driver = DuckDBDriver(DuckDBConfig())
source = DataSource("default", driver, DuckDBDialect(), DuckDBQueue(driver, QueueSettings()))
service = Service(lambda: catalog, {"default": source}, ServiceSettings(continue_wait=60))
app = make_app(service, HttpSettings(AuthSettings(required=False)))
run(serve(app, "127.0.0.1", port, grace=grace, ready=lambda url: print(url, flush=True)))
print("closed", flush=True)
"""

MODEL = Path(__file__).parent / "fixtures"

REFUSED = {"message": "Server unavailable, no new requests accepted during shutdown"}


class Process:
    """A serving process; ``url`` once it is ready."""

    def __init__(self, port: int = 0, grace: float = 30) -> None:
        self.popen = subprocess.Popen(
            [sys.executable, "-c", SERVER, str(MODEL), str(port), str(grace)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.popen.stdout is not None
        self.connections: list[http.client.HTTPConnection] = []
        self.url = self.popen.stdout.readline().strip()
        assert self.url, self.popen.communicate()[1]
        self.port = int(self.url.rpartition(":")[2])

    def request(self, path: str) -> http.client.HTTPConnection:
        """A request that is under way; its connection ends with the process."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        self.connections.append(connection)
        connection.request("GET", path)
        return connection

    def load(self, measure: str) -> http.client.HTTPConnection:
        """A query that is under way."""
        return self.request("/cubejs-api/v1/load?query=" + quote(json.dumps({"measures": [measure]})))

    def end(self) -> tuple[int, str, list[dict[str, Any]]]:
        """Exit status, what it still printed, and its log lines."""
        out, err = self.popen.communicate(timeout=60)
        return self.popen.returncode, out, [json.loads(line) for line in err.splitlines()]


@pytest.fixture
def start() -> Iterator[Any]:
    started: list[Process] = []

    def make(**settings: Any) -> Process:
        started.append(Process(**settings))
        return started[-1]

    yield make
    for process in started:
        for connection in process.connections:
            connection.close()
        if process.popen.poll() is None:
            process.popen.kill()
            process.popen.communicate()


def answered_probe(process: Process) -> int:
    return process.request("/livez").getresponse().status


def wait_until_stopping(process: Process) -> http.client.HTTPResponse:
    """The first refusal of a new request."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        response = process.request("/livez").getresponse()
        if response.status == 503:
            return response
        response.read()
        time.sleep(0.01)
    raise AssertionError("the server never stopped taking requests")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_server_ends_at_once_on_a_signal(start: Any, number: int) -> None:
    process = start()
    assert answered_probe(process) == 200
    process.popen.send_signal(number)
    status, out, lines = process.end()
    assert (status, out) == (0, "closed\n")
    assert [line["event"] for line in lines] == ["ready", "request", "stopping", "stopped"]
    assert lines[0]["url"] == process.url


def test_a_running_request_finishes_and_new_ones_are_refused(start: Any) -> None:
    process = start()
    running = process.load("Slow.total")
    assert answered_probe(process) == 200
    process.popen.send_signal(signal.SIGTERM)
    refusal = wait_until_stopping(process)
    assert json.loads(refusal.read()) == REFUSED
    assert refusal.headers["Connection"] == "close"
    assert refusal.headers["Retry-After"] == "30"
    response = running.getresponse()
    assert response.status == 200
    assert int(json.loads(response.read())["data"][0]["Slow.total"]) > 0
    assert process.end()[0] == 0


def test_what_outlives_the_grace_is_cut_off_with_an_answer(start: Any) -> None:
    process = start(grace=0.3)
    running = process.load("Endless.total")
    assert answered_probe(process) == 200
    process.popen.send_signal(signal.SIGTERM)
    response = running.getresponse()
    assert (response.status, json.loads(response.read())) == (503, REFUSED)
    assert response.headers["Retry-After"] == "5"
    status, out, lines = process.end()
    assert (status, out) == (0, "closed\n")
    (refusal,) = [line for line in lines if line.get("status") == 503]
    assert refusal["level"] == "info", "an orderly stop is no error"


def test_a_second_signal_ends_the_grace(start: Any) -> None:
    process = start(grace=600)
    running = process.load("Endless.total")
    assert answered_probe(process) == 200
    process.popen.send_signal(signal.SIGTERM)
    wait_until_stopping(process)
    process.popen.send_signal(signal.SIGTERM)
    assert running.getresponse().status == 503
    assert process.end()[0] == 0


def test_a_busy_port_is_a_clear_error(start: Any) -> None:
    process = start()
    with pytest.raises(ConfigError, match=rf"Port {process.port} is already in use on 127.0.0.1") as caught:
        listen("127.0.0.1", process.port)
    assert caught.value.hint is not None
    assert "--port" in caught.value.hint


@pytest.mark.parametrize(
    ("host", "port", "message"),
    [
        ("127.0.0.1", -1, "ports go from 0 to 65535"),
        ("127.0.0.1", 70000, "ports go from 0 to 65535"),
        ("no-such-host.invalid", 4000, "the host is unknown"),
        ("192.0.2.1", 4000, "Cannot listen on 192.0.2.1:4000"),
    ],
)
def test_a_place_that_cannot_be_listened_on_is_a_clear_error(host: str, port: int, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        listen(host, port)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may listen everywhere")
def test_a_privileged_port_is_a_clear_error() -> None:
    with pytest.raises(ConfigError, match="Permission denied"):
        listen("127.0.0.1", 1)


def test_any_free_port_is_taken_for_zero() -> None:
    sockets = listen("127.0.0.1", 0)
    try:
        with socket.create_connection(sockets[0].getsockname()[:2], timeout=50):
            pass
    finally:
        for each in sockets:
            each.close()
