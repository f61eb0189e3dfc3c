"""What a light request costs beyond its parts: a bare Tornado handler, and the bare database."""

from __future__ import annotations

import asyncio
import http.client
import itertools
import json
import os
import socket
import statistics
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import jwt
import orjson
from measure import Row, cpu_seconds, side_by_side
from plain_shop import SECRET, plain_shop

QUERY = '{"measures":["products.count"],"dimensions":["products.category"]}'
PATH = "/cubejs-api/v1/load?" + urllib.parse.urlencode({"query": QUERY})
ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Cost:
    """Per request: seconds of CPU in the server, and seconds until the answer (median)."""

    cpu: float
    latency: float


def rows(shop: Path, requests: int) -> list[Row]:
    """The report's rows."""
    cuboid = str(Path(sys.executable).parent / "cuboid")
    token = {"Authorization": jwt.encode({"tenant": 7, "exp": 4_000_000_000}, SECRET)}
    asked = max(requests // ROUNDS, 50)
    with (
        plain_shop(shop) as project,
        running([cuboid, "serve", str(project), "--port"], CUBOID_CACHE_SIZE="0") as ours,
        running(
            [cuboid, "serve", str(shop), "--port"], CUBOID_CACHE_SIZE="0", CUBOID_API_SECRET=SECRET
        ) as ruled,
        running([sys.executable, __file__]) as tornado,
    ):
        sql, parameters = the_sql(ours, PATH, token)
        database = str(shop / "data" / "shop.duckdb")
        with running([sys.executable, __file__, database, sql, json.dumps(parameters)]) as whole:
            servers = (ours, ruled, tornado, whole)
            rounds = [
                (
                    *(cost(server, PATH, asked, token) for server in servers),
                    bare_database(database, sql, parameters, asked),
                )
                for _ in range(ROUNDS)
            ]
    return report_rows(*(middle(each) for each in zip(*rounds, strict=True)))


def report_rows(load: Cost, ruled: Cost, handler: Cost, whole: Cost, database: Cost) -> list[Row]:
    """The rows of these costs. In a loop the statement finds warm caches, and threads of DuckDB that are still awake;
    at the pace of requests it costs more, whoever runs it."""
    both = "a bare handler that runs the same statement"
    above, paced = "CPU: /v1/load above the bare database", whole.cpu - handler.cpu
    return [
        Row("CPU: bare Tornado handler", handler.cpu),
        Row("CPU: bare database, in a loop", database.cpu),
        Row("CPU: bare database, at the pace of requests", paced),
        Row(f"CPU: {both}", whole.cpu),
        Row("CPU: /v1/load", load.cpu, f"CPU: {both}"),
        Row(f"{above}, in a loop", load.cpu - database.cpu, most=0.0008),
        Row(f"{above}, at the pace of requests", load.cpu - paced, most=0.0008),
        Row(f"{above}, likewise, where a plugin rewrites queries", ruled.cpu - paced),
        Row(f"latency: {both}", whole.latency),
        Row("latency: /v1/load", load.latency, f"latency: {both}"),
    ]


def middle(costs: Sequence[Cost]) -> Cost:
    """The medians."""
    return Cost(
        statistics.median(each.cpu for each in costs), statistics.median(each.latency for each in costs)
    )


@contextmanager
def running(command: list[str], *, port: int | None = None, **environment: str) -> Iterator[tuple[int, int]]:
    """A server started by ``command`` and a port: its process id and port.

    :param port: one that another server listens on and shares; by default a free one.
    """
    if port is None:
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


def the_sql(
    server: tuple[int, int], path: str, headers: Mapping[str, str] = MappingProxyType({})
) -> tuple[str, list[object]]:
    """The statement that answers a query, and its parameters."""
    url = f"http://127.0.0.1:{server[1]}{path.replace('/v1/load', '/v1/sql')}"
    with urllib.request.urlopen(urllib.request.Request(url, headers=dict(headers))) as answer:
        sql, parameters, *_ = json.load(answer)["sql"]["sql"]
    return sql, parameters


def bare_database(database: str, sql: str, parameters: list[object], times: int) -> Cost:
    """The statement through the database's own client, in this process."""
    import duckdb

    with duckdb.connect(database, read_only=True) as connection:

        def ask() -> None:
            connection.execute(sql, parameters).fetchall()

        ask()
        before = time.process_time()
        latency = side_by_side(times, {"ask": ask})["ask"]
        return Cost((time.process_time() - before) / times, latency)


async def serve_bare(port: int, database: str | None = None, sql: str = "", parameters: str = "[]") -> None:
    """A handler that does nothing but, with a database, run the statement: what Tornado itself costs, and both."""
    from tornado.web import Application, RequestHandler

    connection = None
    if database is not None:
        import duckdb

        connection = duckdb.connect(database, read_only=True)
    values = json.loads(parameters)

    class Handler(RequestHandler):
        def get(self) -> None:
            rows = [] if connection is None else connection.execute(sql, values).fetchall()
            self.set_header("Content-Type", "application/json; charset=utf-8")
            self.finish(orjson.dumps({"data": rows}))

    Application([(".*", Handler)], log_function=lambda handler: None).listen(port, "127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    import uvloop

    *statement, port = sys.argv[1:]
    uvloop.run(serve_bare(int(port), *statement))
