"""The Python client against a real server: waiting, values, tables, errors; blocking and asyncio alike."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pandas
import polars
import pyarrow
import pytest

from cuboid.errors import QueryFailed
from cuboid.planning import ServiceSettings
from cuboid.run.data_source import DataSource
from cuboid.run.queue import QueueSettings
from cuboid.run.streams import Streams
from cuboid.service import Service
from cuboid.types import Job, Result, Value
from cuboid_client import (
    AsyncClient,
    Client,
    ClientError,
    CutOff,
    InvalidQuery,
    NotAllowed,
    ServerBusy,
    ServerFailed,
    Unreachable,
    WaitedTooLong,
)
from cuboid_duckdb.dialect import DuckDBDialect
from cuboid_duckdb.driver import DuckDBConfig, DuckDBDriver
from cuboid_duckdb.queue import DuckDBQueue

QUERY = {
    "measures": ["Orders.count", "Orders.totalAmount", "Orders.avgAmount"],
    "timeDimensions": [
        {"dimension": "Orders.createdAt", "granularity": "day", "dateRange": ["2024-01-01", "2024-01-02"]}
    ],
    "dimensions": ["Orders.status"],
    "order": [["Orders.createdAt", "asc"]],
}
# 1,200 orders, number n on day n % 60 with the amount n % 10 and the status of n % 3: on day 0 that is 20 orders of
# amount 0, all paid; on day 1 20 orders of amount 1, all open.
ROWS = [
    {
        "Orders.status": "paid",
        "Orders.count": 20,
        "Orders.totalAmount": Decimal(0),
        "Orders.avgAmount": Decimal(0),
    },
    {
        "Orders.status": "open",
        "Orders.count": 20,
        "Orders.totalAmount": Decimal(20),
        "Orders.avgAmount": Decimal(1),
    },
]
DAYS = [datetime(2024, 1, 1), datetime(2024, 1, 2)]


class Both:
    """The blocking and the asyncio client, asked the same way."""

    def __init__(self, kind: str, url: str, **options: Any) -> None:
        self.kind, self.url, self.options = kind, url, options

    def __getattr__(self, method: str) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            if self.kind == "blocking":
                with Client(self.url, **self.options) as client:
                    found = getattr(client, method)(*arguments, **named)
                    return list(found) if method == "stream" else found
            return asyncio.run(ask(*arguments, **named))

        async def ask(*arguments: Any, **named: Any) -> Any:
            async with AsyncClient(self.url, **self.options) as client:
                if method == "stream":
                    return [row async for row in client.stream(*arguments, **named)]
                return await getattr(client, method)(*arguments, **named)

        return call


@pytest.fixture(scope="module")
def server(run: Any, make_service: Any, token: Any) -> Any:
    return run(make_service(wait=0.2), token=token({"tenant": 1}))


@pytest.fixture(params=["blocking", "asyncio"])
def client(request: pytest.FixtureRequest, server: Any) -> Both:
    return Both(request.param, f"http://127.0.0.1:{server.port}/cubejs-api", token=server.token)


def only(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key in ROWS[0]}


def test_rows_are_python_values(client: Both) -> None:
    result = client.load({**QUERY, "total": True})
    assert [only(row) for row in result.rows] == ROWS
    assert [row["Orders.createdAt.day"] for row in result.rows] == DAYS
    assert [type(row["Orders.count"]) for row in result.rows] == [int, int]
    assert result.total == 2
    assert result.annotation["measures"]["Orders.count"]["type"] == "number"


@pytest.mark.parametrize("format", ["compact", "columnar"])
def test_rows_are_the_same_in_every_response_format(client: Both, format: str) -> None:
    assert client.load({**QUERY, "responseFormat": format}).rows == client.load(QUERY).rows


def test_comparisons_and_blended_queries_have_several_results(client: Both) -> None:
    comparison = {
        "measures": ["Orders.count"],
        "timeDimensions": [
            {
                "dimension": "Orders.createdAt",
                "compareDateRange": [["2024-01-01", "2024-01-01"], ["2024-01-01", "2024-01-02"]],
            }
        ],
    }
    first, second = client.load_many(comparison)
    assert (first.rows[0]["Orders.count"], second.rows[0]["Orders.count"]) == (20, 40)
    with pytest.raises(InvalidQuery, match=r"2 results: use load_many\(\)"):
        client.load(comparison)
    axis = [{"dimension": "Orders.createdAt", "granularity": "day"}]
    blended = client.load_many(
        [{"measures": [name], "timeDimensions": axis} for name in ("Orders.count", "Orders.totalAmount")]
    )
    assert blended[0].rows[0]["time.day"] == datetime(2024, 1, 1)


def test_rows_can_be_streamed(client: Both) -> None:
    assert [only(row) for row in client.stream(QUERY)] == ROWS


def test_tables(client: Both) -> None:
    table = client.arrow(QUERY)
    assert isinstance(table, pyarrow.Table)
    assert [only(row) for row in table.to_pylist()] == ROWS
    frame = client.pandas(QUERY)
    assert isinstance(frame, pandas.DataFrame)
    assert list(frame["Orders.totalAmount"]) == [0.0, 20.0]
    assert [str(frame[name].dtype) for name in ("Orders.count", "Orders.totalAmount")] == ["int64", "float64"]
    assert list(frame["Orders.createdAt.day"]) == [pandas.Timestamp(day) for day in DAYS]
    assert isinstance(client.pandas(QUERY, exact=True)["Orders.totalAmount"][1], Decimal)
    lazy = client.polars(QUERY)
    assert isinstance(lazy, polars.DataFrame)
    assert lazy["Orders.count"].to_list() == [20, 20]
    assert lazy["Orders.totalAmount"].dtype == polars.Float64
    assert client.polars(QUERY, exact=True)["Orders.totalAmount"].to_list() == [Decimal(0), Decimal(20)]


def test_sql_dry_run_and_meta(client: Both) -> None:
    statement = client.sql({"measures": ["Users.count"]})
    assert statement.text.upper().startswith("SELECT")
    assert isinstance(statement.parameters, tuple)
    assert client.dry_run({"measures": ["Users.count"]})["queryType"] == "regularQuery"
    assert "Users" in [cube["name"] for cube in client.meta()["cubes"]]


# ---------------------------------------------------------------- waiting


class Slow(DuckDBDriver):
    """DuckDB that answers when it is let."""

    def __init__(self, config: DuckDBConfig) -> None:
        super().__init__(config)
        self.let = threading.Event()
        self.batches: int | None = None

    async def execute(self, job: Job) -> Result:
        await asyncio.to_thread(self.let.wait)
        return await super().execute(job)

    async def stream(self, job: Job, batch_rows: int = 5000) -> AsyncIterator[Sequence[tuple[Value, ...]]]:
        async for batch in super().stream(job, 1):
            if self.batches == 0:
                raise QueryFailed("the database went away")
            self.batches = None if self.batches is None else self.batches - 1
            yield batch * 4000


@pytest.fixture
def slow(database: Path, catalog: Any, run: Any, token: Any, tmp_path: Path) -> Iterator[Any]:
    import shutil

    driver = Slow(DuckDBConfig(database=str(shutil.copy(database, tmp_path))))
    streams = Streams(driver)
    queue = DuckDBQueue(streams, QueueSettings(limit=1, waiting=1))
    source = DataSource("default", driver, DuckDBDialect(), queue, streams=streams)
    server = run(
        Service(lambda: catalog, {"default": source}, ServiceSettings(continue_wait=0.05)), token=token({})
    )
    server.driver, server.url = driver, f"http://127.0.0.1:{server.port}/cubejs-api"

    def waiting() -> int:
        """How many statements run or wait for a place."""
        now = queue.snapshot()
        return now.running + now.queued

    server.waiting = waiting
    yield server
    driver.let.set()


@pytest.mark.parametrize("kind", ["blocking", "asyncio"])
def test_a_client_waits_until_the_server_is_done(slow: Any, kind: str) -> None:
    told: list[Mapping[str, Any]] = []

    def progress(body: Mapping[str, Any]) -> None:
        told.append(body)
        if len(told) == 3:
            slow.driver.let.set()

    client = Both(kind, slow.url, token=slow.token, progress=progress)
    assert client.load({"measures": ["Users.count"]}).rows == [{"Users.count": 700}]
    assert len(told) >= 3
    assert {body["error"] for body in told} == {"Continue wait"}


@pytest.mark.parametrize("kind", ["blocking", "asyncio"])
def test_patience_ends(slow: Any, kind: str) -> None:
    with pytest.raises(WaitedTooLong, match=r"No answer within 0\.1 s"):
        Both(kind, slow.url, token=slow.token, patience=0.1).load({"measures": ["Users.count"]})


@pytest.mark.parametrize("kind", ["blocking", "asyncio"])
def test_a_full_queue_says_when_to_come_back(slow: Any, kind: str) -> None:
    for number, running_or_queued in enumerate(("Users.count", "Orders.totalAmount")):
        while slow.waiting() == number:  # once more, if the database was not open in time
            with pytest.raises(WaitedTooLong):
                Both(kind, slow.url, token=slow.token, patience=0.5).load({"measures": [running_or_queued]})
    with pytest.raises(ServerBusy, match="Too many") as caught:
        Both(kind, slow.url, token=slow.token, patience=50).load({"measures": ["Orders.count"]})
    assert caught.value.retry_after == 5


@pytest.mark.parametrize("kind", ["blocking", "asyncio"])
@pytest.mark.parametrize("method", ["stream", "arrow", "pandas", "polars"])
def test_an_answer_that_breaks_off_is_never_taken_for_all_rows(slow: Any, kind: str, method: str) -> None:
    slow.driver.batches = 20
    slow.driver.let.set()
    query = {"dimensions": ["Orders.status", "Orders.amount"], "ungrouped": True}
    with pytest.raises(CutOff):
        getattr(Both(kind, slow.url, token=slow.token), method)(query)


# ---------------------------------------------------------------- errors


def test_a_mistake_in_a_query_is_told_with_its_place(client: Both) -> None:
    for ask in (client.load, client.sql, client.arrow, client.stream):
        with pytest.raises(InvalidQuery, match="'cuont' not found for path") as caught:
            ask({"measures": ["Orders.cuont"]})
        assert caught.value.path == "measures[0]"
        assert "Orders.count" in caught.value.suggestions
        assert "Did you mean" in str(caught.value)


@pytest.mark.parametrize("kind", ["blocking", "asyncio"])
def test_tokens_are_needed_and_may_be_made_for_each_request(server: Any, kind: str) -> None:
    url = f"http://127.0.0.1:{server.port}/cubejs-api/"
    with pytest.raises(NotAllowed, match="Authorization header isn't set"):
        Both(kind, url).load(QUERY)
    with pytest.raises(NotAllowed, match="Invalid token"):
        Both(kind, url, token="x").stream(QUERY)
    made: list[int] = []

    def make() -> str:
        made.append(1)
        return str(server.token)

    async def make_later() -> str:
        return make()

    assert Both(kind, url, token=make if kind == "blocking" else make_later).load(QUERY).rows
    assert made


@pytest.mark.parametrize("kind", ["blocking", "asyncio"])
def test_a_wrong_address_is_told(server: Any, kind: str) -> None:
    with pytest.raises(ServerFailed, match="404") as caught:
        Both(kind, f"http://127.0.0.1:{server.port}/elsewhere").meta()
    assert caught.value.status == 404
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:1"):
        Both(kind, "http://127.0.0.1:1/cubejs-api").meta()
    with pytest.raises(Unreachable):
        Both(kind, "http://127.0.0.1:1/cubejs-api").arrow(QUERY)
    assert issubclass(Unreachable, ClientError)


def test_an_http_client_of_one_s_own_is_used(server: Any) -> None:
    seen: list[httpx.Request] = []
    http = httpx.Client(event_hooks={"request": [seen.append]})
    with Client(f"http://127.0.0.1:{server.port}/cubejs-api", server.token, http=http) as client:
        client.load(QUERY)
    assert [json.loads(request.content)["query"] for request in seen] == [json.loads(json.dumps(QUERY))]


def test_importing_the_client_imports_no_server_and_no_table_library() -> None:
    heavy = ("cuboid", "tornado", "sqlglot", "pandas", "polars", "pyarrow", "numpy")
    code = f"import cuboid_client, sys; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
