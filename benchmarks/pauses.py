"""How long the event loop is away, seen from outside: the longest wait for /livez while the server has much to do."""

from __future__ import annotations

import asyncio
import http.client
import json
import select
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Callable
from pathlib import Path

import cache
import compiling
from measure import Row
from server import CUBOID, ask_at_once
from serving import running

CUBES = 1000
WAITING = 500
PATIENCE = 60
"""Seconds in which a model that has changed must be in force; earlier revisions failed to."""

SLOW = """
cubes:
  - name: slow
    sql: SELECT range AS id FROM range(4000000)
    refresh_key: {immutable: true}
    measures: [{name: heavy, type: max, sql: "md5(md5(md5(md5(id::VARCHAR))))"}]
    dimensions: [{name: id, type: number, sql: id, primary_key: true}]
"""


def rows(times: int) -> list[Row]:
    """The report's rows."""
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model"
        model.mkdir()
        (model / "days.yml").write_text(cache.MODEL.replace("range(20000)", "range(60000)"))
        (model / "slow.yml").write_text(SLOW)
        for number in range(CUBES):
            (model / f"c{number}.yml").write_text(compiling.cube(number))
        (Path(folder) / "cuboid.yml").write_text("data_sources: {default: {driver: duckdb, threads: 1}}")
        with running([*CUBOID, folder, "--dev", "--port"]) as (_, port):
            get(port, cache.path(5))
            return [
                row("nothing is asked", pinged(port, lambda: time.sleep(1))),
                row("50,000 rows are encoded", pinged(port, lambda: many_rows(port, times))),
                row(f"{WAITING} clients wait", waiting(port)),
                row(f"{CUBES:,} cubes are compiled", pinged(port, lambda: edit(port, model))),
            ]


def row(what: str, waited: list[float]) -> Row:
    return Row(f"longest wait for /livez while {what}", max(waited), most=0.02)


def pinged(port: int, work: Callable[[], object]) -> list[float]:
    """Seconds that each ping took while ``work`` went on; another process pings."""
    command = [sys.executable, __file__, str(port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as pinging:
        assert pinging.stdout is not None
        pinging.stdout.readline()
        work()
        waited, _ = pinging.communicate()
    return list(map(float, waited.split()))


def ping(port: int) -> None:
    """Pings until the standard input is closed; then tells how long each took."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    waited: list[float] = []
    print("begun", flush=True)
    while not select.select([sys.stdin], [], [], 0.002)[0]:
        start = time.perf_counter()
        connection.request("GET", "/livez")
        connection.getresponse().read()
        waited.append(time.perf_counter() - start)
    print(*waited)


def edit(port: int, model: Path) -> None:
    """Every cube's file changes, and the new model answers."""
    for number in range(CUBES):
        with (model / f"c{number}.yml").open("a") as file:
            file.write("      - name: more\n        sql: x0\n        type: max\n")
    query = {"query": json.dumps({"measures": [f"c{CUBES - 1}.more"]})}
    path = f"/cubejs-api/v1/sql?{urllib.parse.urlencode(query)}"
    deadline = time.monotonic() + PATIENCE
    while (status := get(port, path)) != 200:
        if time.monotonic() > deadline:
            raise RuntimeError(f"the changed model was not in force after {PATIENCE} s: status {status}")
        time.sleep(0.1)


def many_rows(port: int, times: int) -> None:
    for _ in range(times):
        get(port, cache.path(50_000, cache="no-cache"))


def waiting(port: int) -> list[float]:
    """Clients that all wait for one statement; pings once they do, not while they come and are answered."""
    query = {"query": json.dumps({"measures": ["slow.heavy"]})}
    path = f"/cubejs-api/v1/load?{urllib.parse.urlencode(query)}"
    clients = threading.Thread(target=lambda: asyncio.run(ask_at_once(port, path, WAITING)))
    clients.start()
    time.sleep(1)
    waited = pinged(port, lambda: time.sleep(1))
    if not clients.is_alive():
        raise RuntimeError("the statement was too quick")
    clients.join()
    return waited


def get(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


if __name__ == "__main__":
    ping(int(sys.argv[1]))
