"""What a light request costs beyond its parts: a bare Tornado handler, and the bare database."""

from __future__ import annotations

import asyncio
import http.client
import itertools
import os
import socket
import statistics
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import jwt
from measure import Row, cpu_seconds, side_by_side
from plain_shop import SECRET, plain_shop

QUERY = '{"measures":["products.count"],"dimensions":["products.category"]}'
PATH = "/cubejs-api/v1/load?" + urllib.parse.urlencode({"query": QUERY})
BY_HAND = "SELECT category, count(id) FROM products GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10000"


@dataclass(frozen=True, slots=True)
class Cost:
    """Per request: seconds of CPU in the server, and seconds until the answer (median)."""

    cpu: float
    latency: float


def rows(shop: Path, requests: int) -> list[Row]:
    """The report's rows."""
    cuboid = str(Path(sys.executable).parent / "cuboid")
    token = {"Authorization": jwt.encode({"tenant": 7, "exp": 4_000_000_000}, SECRET)}
    with (
        plain_shop(shop) as project,
        running([cuboid, "serve", str(project), "--port"], CUBOID_CACHE_SIZE="0") as ours,
        running(
            [cuboid, "serve", str(shop), "--port"], CUBOID_CACHE_SIZE="0", CUBOID_API_SECRET=SECRET
        ) as asking,
        running([sys.executable, __file__]) as tornado,
    ):
        load, ruled, handler = (cost(server, PATH, requests, token) for server in (ours, asking, tornado))
    database = by_hand(shop, requests)
    above = "CPU: /v1/load above the bare database"
    return [
        Row("CPU: bare Tornado handler", handler.cpu),
        Row("CPU: bare database", database.cpu),
        Row("CPU: both", handler.cpu + database.cpu),
        Row("CPU: /v1/load", load.cpu, "CPU: both"),
        Row(above, load.cpu - database.cpu, most=0.0008),
        Row(f"{above}, where a plugin rewrites queries", ruled.cpu - database.cpu),
        Row("latency: both", handler.latency + database.latency),
        Row("latency: /v1/load", load.latency, "latency: both"),
    ]


@contextmanager
def running(command: list[str], **environment: str) -> Iterator[tuple[int, int]]:
    """A server started by ``command`` and a free port: its process id and port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with subprocess.Popen(
        [*command, str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "", **environment},
    ) as process:
        try:
            wait_until_ready(process, port)
            yield process.pid, port
        finally:
            process.terminate()


def wait_until_ready(process: subprocess.Popen[bytes], port: int) -> None:
    while process.poll() is None:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.01)
    raise RuntimeError(f"the server ended with {process.returncode}: {process.args!r}")


def cost(
    server: tuple[int, int],
    path: str | Iterator[str],
    requests: int,
    headers: Mapping[str, str] = MappingProxyType({}),
    body: Path | None = None,
    warm: int = 50,
) -> Cost:
    """Asks one after the other on one connection, after ``warm`` ones to warm up.

    :param path: of all requests, or those of each in turn.
    :param body: where an answer is written.
    """
    pid, port = server
    paths = itertools.repeat(path) if isinstance(path, str) else path
    connection = http.client.HTTPConnection("127.0.0.1", port)

    def ask() -> float:
        start = time.perf_counter()
        connection.request("GET", next(paths), headers=dict(headers))
        answer = connection.getresponse()
        text = answer.read()
        if body is not None and not body.exists():
            body.write_bytes(text)
        if answer.status != 200:
            raise RuntimeError(f"the server answered {answer.status}")
        return time.perf_counter() - start

    for _ in range(warm):
        ask()
    before = cpu_seconds(pid)
    latencies = [ask() for _ in range(requests)]
    return Cost((cpu_seconds(pid) - before) / requests, statistics.median(latencies))


def by_hand(shop: Path, requests: int) -> Cost:
    """The same answer from the database's own client, in this process."""
    import duckdb

    with duckdb.connect(str(shop / "data" / "shop.duckdb"), read_only=True) as connection:

        def ask() -> None:
            connection.execute(BY_HAND).fetchall()

        ask()
        before = time.process_time()
        latency = side_by_side(requests, {"ask": ask})["ask"]
        return Cost((time.process_time() - before) / requests, latency)


async def serve_bare(port: int) -> None:
    """A handler that says nothing: what Tornado itself costs."""
    from tornado.web import Application, RequestHandler

    class Handler(RequestHandler):
        def get(self) -> None:
            self.set_header("Content-Type", "application/json; charset=utf-8")
            self.finish(b'{"data":[]}')

    Application([(".*", Handler)], log_function=lambda handler: None).listen(port, "127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    import uvloop

    uvloop.run(serve_bare(int(sys.argv[1])))
