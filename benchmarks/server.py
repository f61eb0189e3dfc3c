"""One server: /v1/sql of a question seen before, many rows past the cache, a thousand clients, and its memory."""

from __future__ import annotations

import asyncio
import itertools
import json
import statistics
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cache
import jwt
from measure import Row, private, resident
from plain_shop import SECRET, plain_shop
from serving import cost, running, the_sql

ROWS = (10_000, 50_000)
CLIENTS = 1000
MORE = ", ".join(f'{{name: m{number}, type: sum, sql: "number + {number}"}}' for number in range(5))
QUERY: dict[str, Any] = {
    "measures": ["line_items.revenue", "orders.count"],
    "dimensions": ["users.country"],
    "timeDimensions": [
        {"dimension": "orders.created_at", "granularity": "month", "dateRange": ["2024-01-01", "2024-12-31"]}
    ],
    "filters": [{"member": "orders.status", "operator": "equals", "values": ["completed"]}],
}
TOKEN = {"Authorization": jwt.encode({"tenant": 7, "exp": 4_000_000_000}, SECRET)}
CUBOID = [str(Path(sys.executable).parent / "cuboid"), "serve"]


def rows(shop: Path, requests: int) -> list[Row]:
    """The report's rows."""
    with plain_shop(shop) as project, running([*CUBOID, str(project), "--port"]) as ours:
        memory = [
            Row("memory when ready, pages of libraries included", resident(ours[0]), most=120, unit="MiB"),
            Row("memory when ready, its own", private(ours[0]), unit="MiB"),
        ]
        found = [*statement_text(ours, requests), *crowd(ours)]
    return [*found, *many_rows(requests), *memory]


def statement_text(ours: tuple[int, int], requests: int) -> list[Row]:
    """/v1/sql of a question seen before, and of one with other values, beside a bare handler that sends as much."""
    fresh = itertools.count(1)
    repeated = sql_path(0)
    with tempfile.TemporaryDirectory() as folder:
        body = Path(folder) / "sql.json"
        cost(ours, repeated, 1, TOKEN, body)
        with running([sys.executable, cache.__file__, str(body)]) as bare:
            rounds = [
                (
                    cost(bare, "/", requests, TOKEN).cpu,
                    cost(ours, repeated, requests, TOKEN).cpu,
                    cost(ours, map(sql_path, fresh), requests, TOKEN).cpu,
                )
                for _ in range(3)
            ]
    handler, again, other = map(statistics.median, zip(*rounds, strict=True))
    against = "CPU: bare Tornado handler, SQL text"
    return [
        Row(against, handler),
        Row("CPU: /v1/sql, repeated", again, against, most=1.6),
        Row("CPU: /v1/sql, a shape seen before, new values", other, against, most=1.6),
    ]


def sql_path(number: int) -> str:
    """The request for the SQL of the same question, with values of its own."""
    month, day = number // 28 % 12 + 1, number % 28 + 1
    time_dimension = {
        **QUERY["timeDimensions"][0],
        "dateRange": [f"{2000 + number // 336:04}-{month:02}-{day:02}", "2024-12-31"],
    }
    filters = [{"member": "orders.status", "operator": "equals", "values": [f"completed {number}"]}]
    query = {**QUERY, "timeDimensions": [time_dimension], "filters": filters}
    return "/cubejs-api/v1/sql?" + urllib.parse.urlencode({"query": json.dumps(query)})


def many_rows(requests: int) -> list[Row]:
    """Rows from the database to bytes, beside fetching the same rows bare and writing them with orjson."""
    found: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        (project / "model").mkdir()
        (project / "model" / "days.yml").write_text(
            cache.MODEL.replace("range(20000)", "range(60000)").replace("measures: [", f"measures: [{MORE}, ")
        )
        with running(
            [*CUBOID, folder, "--dev", "--port"], CUBEJS_DB_TYPE="duckdb", CUBOID_CACHE_SIZE="0"
        ) as ours:
            wide = json.dumps(
                {
                    "measures": ["days.total", "days.count", *(f"days.m{number}" for number in range(5))],
                    "dimensions": ["days.number", "days.kind"],
                    "timeDimensions": [{"dimension": "days.day", "granularity": "day"}],
                    "limit": 50_000,
                }
            )
            cost(ours, cache.path(5), 1)
            before = resident(ours[0])
            Path(f"/proc/{ours[0]}/clear_refs").write_text("5")  # the peak counts from here
            cost(ours, "/cubejs-api/v1/load?" + urllib.parse.urlencode({"query": wide}), 1, warm=0)
            peak = resident(ours[0], peak=True)
            found.append(Row("memory for 50,000 rows of 10 columns", peak - before, most=100, unit="MiB"))
            for count in ROWS:
                asked = max(requests * 200 // count, 5)
                statement = the_sql(ours, cache.path(count))
                pairs = [
                    (fetched(statement, asked), cost(ours, cache.path(count, cache="no-cache"), asked).cpu)
                    for _ in range(3)
                ]
                bare, whole = map(statistics.median, zip(*pairs, strict=True))
                against = f"CPU: bare fetch and orjson, {count:,} rows"
                found += [Row(against, bare), Row(f"CPU: uncached, {count:,} rows", whole, against, most=1.5)]
    return found


def fetched(statement: tuple[str, list[object]], times: int) -> float:
    """Seconds of CPU to fetch its rows with DuckDB's own client and to write them as JSON."""
    import duckdb
    import orjson

    with duckdb.connect() as connection:

        def once() -> None:
            orjson.dumps(connection.execute(*statement).fetchall(), default=str)

        once()
        before = time.process_time()
        for _ in range(times):
            once()
        return (time.process_time() - before) / times


def crowd(ours: tuple[int, int]) -> list[Row]:
    """A thousand clients with one cold question at once: how much longer than one the slowest hundredth waits, and the
    same of a bare handler that sends as much, which has nothing to find out."""
    fresh = itertools.count(1)

    def question() -> str:
        return "/cubejs-api/v1/load?" + urllib.parse.urlencode(
            {"query": json.dumps({**QUERY, "limit": next(fresh)})}
        )

    with tempfile.TemporaryDirectory() as folder:
        body = Path(folder) / "answer.json"
        cost(ours, question(), 1, body=body, warm=0)
        with running([sys.executable, cache.__file__, str(body)]) as bare:
            rounds = [(above_one(ours[1], question), above_one(bare[1], question)) for _ in range(3)]
    alone = statistics.median(one for (one, _), _ in rounds)
    ours_above, bare_above = (statistics.median(each[which][1] for each in rounds) for which in (0, 1))
    clients = f"p99 of {CLIENTS:,} clients with the same, above one"
    return [
        Row("wall: one cold question", alone),
        Row(f"wall: {clients}", ours_above, most=0.3),
        Row(f"wall: {clients}, of a bare handler", bare_above),
    ]


def above_one(port: int, question: Callable[[], str]) -> tuple[float, float]:
    """Seconds that one client waits, and how many more the slowest hundredth of a thousand."""
    alone = asyncio.run(ask_at_once(port, question(), 1))[0]
    waited = sorted(asyncio.run(ask_at_once(port, question(), CLIENTS)))
    return alone, max(waited[int(0.99 * (CLIENTS - 1))] - alone, 0.0)


async def ask_at_once(port: int, path: str, clients: int) -> list[float]:
    """Seconds until each has its answer; all are connected before the first asks."""
    opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(clients)]

    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> float:
        start = time.perf_counter()
        headers = "".join(f"{name}: {value}\r\n" for name, value in TOKEN.items())
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}Connection: close\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        if not answer.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(answer[:200].decode("latin-1"))
        return time.perf_counter() - start

    return await asyncio.gather(*(ask(*each) for each in opened))
