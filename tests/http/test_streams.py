"""Answers as CSV, NDJSON and Arrow: the rows of JSON, in bounded memory, past the ordinary limit for those who may."""

from __future__ import annotations

import csv
import io
import json
import os
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import datetime
from decimal import Decimal
from http.client import HTTPConnection, IncompleteRead
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import duckdb
import psutil
import pyarrow
import pytest
from tests.http.garbage import go_away, nothing_left

from cuboid.errors import QueryFailed
from cuboid.http.settings import DEFAULT_SCOPES, AuthSettings
from cuboid.planning import ServiceSettings
from cuboid.result.text_formats import CsvFormat
from cuboid.run.data_source import DataSource
from cuboid.run.queue import QueueSettings
from cuboid.run.streams import Streams
from cuboid.service import Service
from cuboid.types import Job, Value
from cuboid_duckdb.dialect import DuckDBDialect
from cuboid_duckdb.driver import DuckDBConfig, DuckDBDriver
from cuboid_duckdb.queue import DuckDBQueue

SECRET = "a-secret-that-is-long-enough-for-every-hash-function-in-use-here-512"
CSV, NDJSON, ARROW = "text/csv", "application/x-ndjson", "application/vnd.apache.arrow.stream"
MORE = AuthSettings(secrets=(SECRET,), scopes=(*DEFAULT_SCOPES, "stream"))

QUESTION = {
    "measures": ["Orders.count", "Orders.totalAmount"],
    "dimensions": ["Orders.status"],
    "timeDimensions": [{"dimension": "Orders.createdAt", "granularity": "day"}],
    "order": [["Orders.createdAt", "asc"], ["Orders.status", "asc"]],
}
ROWS = {"dimensions": ["Orders.amount", "Orders.status"], "ungrouped": True, "limit": 2_000_000}
MANY = 600_000


def ask(client: Any, query: object, accept: str, **parameters: str) -> Any:
    path = f"/cubejs-api/v1/load?{urlencode({'query': json.dumps(query), **parameters})}"
    return client.ask("GET", path, Accept=accept)


@pytest.fixture(scope="module")
def expected(production: Any) -> list[dict[str, Any]]:
    """The rows as JSON has them, without the keys for older clients."""
    rows = production.get("load", QUESTION).body["data"]
    assert len(rows) == 60
    return [{key: value for key, value in row.items() if key != "Orders.createdAt"} for row in rows]


def test_csv_has_the_rows_of_json(production: Any, expected: list[dict[str, Any]]) -> None:
    answer = ask(production, QUESTION, CSV)
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    lines = list(csv.DictReader(io.StringIO(answer.raw.decode(), newline="")))
    assert lines == [{key: "" if value is None else value for key, value in row.items()} for row in expected]
    assert answer.raw.endswith(b"\r\n")


def test_ndjson_has_the_rows_of_json(production: Any, expected: list[dict[str, Any]]) -> None:
    answer = ask(production, QUESTION, NDJSON)
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert [json.loads(line) for line in answer.raw.splitlines()] == expected


def test_arrow_has_the_values_of_json_in_types(production: Any, expected: list[dict[str, Any]]) -> None:
    answer = ask(production, QUESTION, ARROW)
    assert answer.headers["content-type"] == ARROW
    table = pyarrow.ipc.open_stream(answer.raw).read_all()
    assert {field.name: str(field.type) for field in table.schema} == {
        "Orders.status": "string",
        "Orders.createdAt.day": "timestamp[us]",
        "Orders.count": "int64",
        "Orders.totalAmount": "decimal128(38, 18)",
    }
    assert table.to_pylist() == [
        {
            "Orders.status": row["Orders.status"],
            "Orders.createdAt.day": datetime.fromisoformat(row["Orders.createdAt.day"]),
            "Orders.count": int(row["Orders.count"]),
            "Orders.totalAmount": Decimal(row["Orders.totalAmount"]),
        }
        for row in expected
    ]


@pytest.mark.parametrize("accept", [CSV, NDJSON, ARROW])
def test_an_answer_without_rows_is_complete(production: Any, accept: str) -> None:
    nothing = {**QUESTION, "filters": [{"member": "Orders.status", "operator": "equals", "values": ["nope"]}]}
    answer = ask(production, nothing, accept)
    assert answer.status == 200
    header = b"Orders.status,Orders.createdAt.day,Orders.count,Orders.totalAmount\r\n"
    if accept == ARROW:
        assert pyarrow.ipc.open_stream(answer.raw).read_all().num_rows == 0
    else:
        assert answer.raw == (header if accept == CSV else b"")


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("application/json, text/csv", "application/json"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "application/json"),
        ("image/png", "application/json"),
        ("text/csv;q=0", "application/json"),
        ("text/csv;q=nonsense", "application/json"),
        ("application/json;q=0.5, text/csv", "text/csv"),
        ("TEXT/CSV", "text/csv"),
        (f"{ARROW};q=0.9, {NDJSON}", NDJSON),
        ("," * 10_000, "application/json"),
    ],
)
def test_the_format_is_the_one_that_is_preferred(production: Any, accept: str, content_type: str) -> None:
    answer = ask(production, {"measures": ["Orders.count"]}, accept)
    assert answer.headers["content-type"].partition(";")[0] == content_type


@pytest.mark.parametrize(
    ("query", "status", "error"),
    [
        ({"measures": ["Orders.nope"]}, 400, "'nope' not found"),
        ({**ROWS, "limit": 50_001}, 400, "limit"),
        ([QUESTION, QUESTION], 400, "Only one query can be streamed"),
        ({**QUESTION, "total": True}, 400, "no place for a total"),
    ],
)
def test_what_fails_before_the_first_row_is_an_error_like_any_other(
    production: Any, query: object, status: int, error: str
) -> None:
    answer = ask(production, query, CSV)
    assert answer.status == status
    assert error in answer.body["error"]


def test_a_null_that_is_alone_is_a_line_that_readers_see(production: Any) -> None:
    query = {"dimensions": ["Orders.status"], "order": [["Orders.status", "asc"]]}
    answer = ask(production, query, CSV)
    found = list(csv.DictReader(io.StringIO(answer.raw.decode(), newline="")))
    assert [row["Orders.status"] for row in found] == ["open", "paid", ""]


@pytest.mark.parametrize("parameters", [{"cache": "never"}, {"castNumerics": "1"}, {"queryType[]": "multi"}])
@pytest.mark.parametrize("accept", ["application/json", CSV])
def test_a_stream_is_asked_for_with_what_json_is(
    production: Any, accept: str, parameters: dict[str, str]
) -> None:
    answer = ask(production, QUESTION, accept, **parameters)
    (name,) = (name.removesuffix("[]") for name in parameters)
    assert answer.status == 400
    assert name in answer.body["error"]


@pytest.mark.parametrize("accept", ["application/json", CSV, ARROW])
def test_head_has_the_headers_of_the_rows(production: Any, accept: str) -> None:
    path = f"/cubejs-api/v1/load?{urlencode({'query': json.dumps(QUESTION)})}"
    head, whole = (production.ask(method, path, Accept=accept) for method in ("HEAD", "GET"))
    assert (head.status, head.raw) == (200, b"")
    for name in ("content-type", "vary", "cache-control"):
        assert head.headers.get(name) == whole.headers.get(name)
    # How long a stream is, nobody knows before its end.
    assert head.headers.get("content-length") in (None, whole.headers["content-length"])
    assert whole.headers["vary"] == "Accept"
    assert production.ask("HEAD", path.replace("count", "cuont"), Accept=accept).status == 400


def test_a_stream_needs_the_scope_of_data(run: Any, make_service: Any, token: Callable[..., str]) -> None:
    client = run(make_service(), auth=AuthSettings(secrets=(SECRET,), scopes=("meta", "stream")))
    client.token = token({})
    assert ask(client, QUESTION, CSV).body == {"error": "API scope is missing: data"}


def test_a_format_that_takes_its_time_to_begin_holds_up_nobody(run: Any, make_service: Any) -> None:
    answered = threading.Event()

    class Heavy(CsvFormat):
        """Imports much, say."""

        def __init__(self, columns: Any, *, cast_numerics: bool) -> None:
            super().__init__(columns, cast_numerics=cast_numerics)
            assert answered.wait(50)

    client = run(make_service(formats={CSV: Heavy}), dev=True)
    with ThreadPoolExecutor(1) as pool:
        heavy = pool.submit(ask, client, QUESTION, CSV)
        for _ in range(5):
            assert client.get("sql", QUESTION).status == 200
        answered.set()
        assert heavy.result(55).status == 200


# ---------------------------------------------------------------- numbers as numbers


def test_numbers_are_numbers_for_who_asks(production: Any, expected: list[dict[str, Any]]) -> None:
    cast = production.get("load", QUESTION, castNumerics="true").body["data"]
    assert [(row["Orders.count"], row["Orders.totalAmount"]) for row in cast] == [
        (int(row["Orders.count"]), float(row["Orders.totalAmount"])) for row in expected
    ]
    assert [row["Orders.status"] for row in cast] == [row["Orders.status"] for row in expected]
    posted = production.post("load", {"query": QUESTION, "castNumerics": True}).body["data"]
    assert posted == cast
    lines = [
        json.loads(line) for line in ask(production, QUESTION, NDJSON, castNumerics="true").raw.splitlines()
    ]
    assert [row["Orders.count"] for row in lines] == [row["Orders.count"] for row in cast]
    assert production.get("load", QUESTION, castNumerics="maybe").status == 400
    table = pyarrow.ipc.open_stream(ask(production, QUESTION, ARROW, castNumerics="true").raw).read_all()
    assert str(table.schema.field("Orders.totalAmount").type) == "double"


# ---------------------------------------------------------------- many rows


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with so many orders that their rows would take 200 MB."""
    path = tmp_path_factory.mktemp("many") / "many.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE SCHEMA public")
        connection.execute(
            f"CREATE TABLE public.orders AS SELECT range AS id, 0 AS user_id, range::DECIMAL(10, 2) AS amount, "
            f"'status ' || range % 1000 AS status, 'x' AS url, TIMESTAMP '2024-01-01' AS created_at FROM range({MANY})"
        )
        connection.execute("CREATE TABLE public.users (id INT, city TEXT, uid TEXT, created_at TIMESTAMP)")
    return path


class Breaking(DuckDBDriver):
    """DuckDB that goes away in the midst of a stream, after ``batches``."""

    batches: int | None = None

    async def stream(self, job: Job, batch_rows: int = 5000) -> AsyncIterator[Sequence[tuple[Value, ...]]]:
        number = 0
        async for batch in super().stream(job, batch_rows):
            if number == self.batches:
                raise QueryFailed("the database went away")
            number += 1
            yield batch


class Plain(DuckDBDriver):
    """DuckDB without ``stream``."""

    capabilities = DuckDBDriver.capabilities - {"stream"}
    stream = None  # type: ignore[assignment]


@pytest.fixture
def serve(many: Path, catalog: Any, run: Any, token: Callable[..., str]) -> Callable[..., Any]:
    """A server over the large database, whose streams may be large."""

    def start(driver_class: type[DuckDBDriver] = DuckDBDriver, *, limit: int = 2, **settings: Any) -> Any:
        driver = driver_class(DuckDBConfig(database=str(many), read_only=True))
        streams = Streams(driver)
        queue = DuckDBQueue(streams, QueueSettings(limit=limit))
        source = DataSource("default", driver, DuckDBDialect(), queue, streams=streams)
        service = Service(
            lambda: catalog, {"default": source}, ServiceSettings(continue_wait=0.2, stream_limit=2_000_000)
        )
        client = run(service, auth=settings.get("auth", MORE), token=token({}))
        client.queue, client.driver = queue, driver
        return client

    return start


@contextmanager
def stream(client: Any, query: object, accept: str) -> Iterator[Any]:
    """An answer that is being read."""
    with closing(HTTPConnection("127.0.0.1", client.port, timeout=60)) as connection:
        path = f"/cubejs-api/v1/load?{urlencode({'query': json.dumps(query)})}"
        connection.request("GET", path, headers={"Accept": accept, "Authorization": client.token})
        with closing(connection.getresponse()) as answer:
            yield answer


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 50
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("accept", [CSV, NDJSON, ARROW])
def test_more_rows_than_any_ordinary_answer_take_little_memory(serve: Any, accept: str) -> None:
    client = serve()
    process = psutil.Process(os.getpid())
    size, start, most = 0, 0, 0
    with stream(client, ROWS, accept) as answer:
        assert answer.status == 200
        while chunk := answer.read(1 << 16):
            size += len(chunk)
            if size > 1_000_000:
                start = start or process.memory_info().rss
                most = max(most, process.memory_info().rss)
    assert size > 5_000_000
    assert most - start < 60_000_000


def test_every_row_arrives_once(serve: Any) -> None:
    with stream(serve(), ROWS, CSV) as answer:
        ids = [int(float(line.partition(b",")[0])) for line in answer.read().splitlines()[1:]]
    assert len(ids) == MANY
    assert sorted(ids) == list(range(MANY))


@pytest.mark.parametrize("scopes", [DEFAULT_SCOPES, (*DEFAULT_SCOPES, "stream")])
def test_only_the_scope_opens_the_larger_limit(serve: Any, scopes: tuple[str, ...]) -> None:
    client = serve(auth=AuthSettings(secrets=(SECRET,), scopes=scopes))
    with stream(client, {**ROWS, "limit": 60_000}, CSV) as answer:
        assert answer.status == (200 if "stream" in scopes else 400)
        assert len(answer.read().splitlines()) == (60_001 if "stream" in scopes else 1)
    assert client.get("load", {**ROWS, "limit": 60_000}).status == 400, "never for JSON"


def test_a_stream_keeps_its_place_in_the_queue_and_gives_it_back(serve: Any) -> None:
    client = serve(limit=1)
    with stream(client, ROWS, CSV) as answer:
        answer.read(1000)
        assert client.queue.snapshot().running == 1
        assert client.get("load", {"measures": ["Orders.count"]}).body == {"error": "Continue wait"}
        assert client.get("meta").status == 200
    # The client went away in the midst.
    wait_until(lambda: client.queue.snapshot().running == 0)
    wait_until(lambda: "data" in client.get("load", {"measures": ["Orders.count"]}).body)


def test_a_client_that_reads_slowly_holds_up_nobody_and_fills_no_memory(serve: Any) -> None:
    client = serve(limit=3)
    process = psutil.Process(os.getpid())
    with socket.create_connection(("127.0.0.1", client.port), timeout=50) as lazy:
        lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        path = f"/cubejs-api/v1/load?{urlencode({'query': json.dumps(ROWS)})}"
        lazy.sendall(
            f"GET {path} HTTP/1.1\r\nHost: x\r\nAccept: text/csv\r\nAuthorization: {client.token}\r\n\r\n".encode()
        )
        assert lazy.recv(100).startswith(b"HTTP/1.1 200")
        before = process.memory_info().rss
        for _ in range(20):
            wait_until(lambda: "data" in client.get("load", {"measures": ["Orders.count"]}).body)
        assert client.queue.snapshot().running == 1
        assert process.memory_info().rss - before < 50_000_000
    wait_until(lambda: client.queue.snapshot().running == 0)


@pytest.mark.parametrize("accept", ["application/json", CSV])
def test_rows_that_a_client_does_not_wait_for_are_not_kept(serve: Any, accept: str) -> None:
    client = serve()
    path = f"/cubejs-api/v1/load?{urlencode({'query': json.dumps({**ROWS, 'limit': 50_000})})}"
    head = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {client.token}\r\nAccept: {accept}\r\n\r\n"
    with nothing_left():
        for _ in range(3):
            go_away(client.port, head.encode())


def test_a_failure_after_the_first_byte_cuts_the_answer_off(serve: Any) -> None:
    client = serve(Breaking)
    client.driver.batches = 100
    with stream(client, ROWS, CSV) as answer:
        assert answer.status == 200
        with pytest.raises((IncompleteRead, ConnectionError)):
            answer.read()
    assert client.get("meta").status == 200
    wait_until(lambda: client.queue.snapshot().running == 0)


def test_a_failure_before_the_first_byte_is_told(serve: Any) -> None:
    client = serve(Breaking)
    client.driver.batches = 0
    with stream(client, ROWS, CSV) as answer:
        told = "Error: Data source 'default': the database went away"
        assert (answer.status, json.loads(answer.read())) == (400, {"error": told})


def test_a_driver_that_cannot_stream_gives_what_an_ordinary_answer_holds(serve: Any) -> None:
    client = serve(Plain)
    with stream(client, {**ROWS, "limit": 50_000}, CSV) as answer:
        assert len(answer.read().splitlines()) == 50_001
    with stream(client, {**ROWS, "limit": 50_001}, CSV) as answer:
        assert "cannot stream" in json.loads(answer.read())["error"]
