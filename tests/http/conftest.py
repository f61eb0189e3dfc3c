"""A real server on a free port: Tornado in a thread, the real service, a DuckDB file behind it."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import http.client
import io
import itertools
import json
import logging
import shutil
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import duckdb
import pytest
import structlog
from tests.http import fuzzing
from tests.http.socket_client import Loop, Socket
from tornado.web import Application

from cuboid.catalog.compile import compile_catalog
from cuboid.catalog.files import read_model
from cuboid.catalog.model import Catalog
from cuboid.http.app import AuthSettings, HttpSettings, make_app
from cuboid.http.logs import configure_logs
from cuboid.http.server import drain, listen, start
from cuboid.http.site import Site
from cuboid.planning import ServiceSettings
from cuboid.query.normalize import Limits
from cuboid.run.data_source import DataSource
from cuboid.run.queue import QueueSettings
from cuboid.run.streams import Streams
from cuboid.service import Service
from cuboid.types import Job, Result
from cuboid_duckdb.dialect import DuckDBDialect
from cuboid_duckdb.driver import DuckDBConfig, DuckDBDriver
from cuboid_duckdb.queue import DuckDBQueue

HERE = Path(__file__).parent
RECORDED = HERE.parent / "result" / "fixtures"

SECRET = "a-secret-that-is-long-enough-for-every-hash-function-in-use-here-512"


def log_quietly() -> None:
    """Lines of requests are records of ``logging``, shown of tests that fail; structlog would print them."""
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, structlog.stdlib.render_to_log_kwargs],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
    )


log_quietly()

TABLES = """
CREATE SCHEMA public;
CREATE TABLE public.users AS
    SELECT range AS id, 'city ' || range % 3 AS city, 'u' || range AS uid,
           TIMESTAMP '2019-03-01' + INTERVAL 1 HOUR * range AS created_at
    FROM range(700);
CREATE TABLE public.orders AS
    SELECT range AS id, range % 700 AS user_id, (range % 10)::DECIMAL(10, 2) AS amount,
           CASE range % 3 WHEN 0 THEN 'paid' WHEN 1 THEN 'open' END AS status, 'x' AS url,
           TIMESTAMP '2024-01-01' + INTERVAL 1 DAY * (range % 60) AS created_at
    FROM range(1200);
"""

Body = Any
Call = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of the server."""

    status: int
    headers: Mapping[str, str]
    raw: bytes

    @property
    def body(self) -> Body:
        return json.loads(self.raw)


class Client:
    """Asks one server; each request on a connection of its own."""

    def __init__(self, port: int, token: str | None = None) -> None:
        self.port = port
        self.token = token
        self.server: Any = None

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        timeout: float = 60,
        **headers: str,
    ) -> Answer:
        """Header names are given with underscores."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token is not None:
            given.setdefault("Authorization", self.token)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, given)
            response = connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def get(self, endpoint: str, query: object = None, **parameters: str) -> Answer:
        """GET under the API's path, the query as JSON text."""
        if query is not None:
            parameters["query"] = query if isinstance(query, str) else json.dumps(query)
        return self.ask("GET", f"/cubejs-api/v1/{endpoint}?{urlencode(parameters)}")

    def post(self, endpoint: str, body: object) -> Answer:
        """POST of a JSON body."""
        return self.ask(
            "POST", f"/cubejs-api/v1/{endpoint}", json.dumps(body).encode(), Content_Type="application/json"
        )


class CountingDriver(DuckDBDriver):
    """DuckDB, with a count of the statements that reached it."""

    runs = 0

    async def execute(self, job: Job) -> Result:
        self.runs += 1
        return await super().execute(job)


def sign(payload: object, secret: str = SECRET, algorithm: str = "HS256", **header: object) -> str:
    """A token made by hand, not by the library that verifies it. ``none`` leaves the signature empty."""

    def encode(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    head = encode(json.dumps({"typ": "JWT", "alg": algorithm, **header}).encode())
    text = f"{head}.{encode(payload if isinstance(payload, bytes) else json.dumps(payload).encode())}"
    digest = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}.get(algorithm)
    signature = hmac.new(secret.encode(), text.encode(), digest).digest() if digest else b""
    return f"{text}.{encode(signature)}"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--fuzz", type=float, default=1, help="how many times as many requests are fuzzed (default: 1)"
    )


def pytest_configure(config: pytest.Config) -> None:
    fuzzing.TIMES[0] = config.getoption("--fuzz")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if fuzzing.ANSWERS:
        terminalreporter.section("fuzz")
        for line in fuzzing.summary():
            terminalreporter.line(line)


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("http") / "shop.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(TABLES)
    return path


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    files = (*read_model(RECORDED, HERE), *read_model(HERE / "fixtures", HERE))
    compiled = compile_catalog(
        [file for file in files if file.name.endswith(".yml")]
    )  # the others are answers
    assert compiled.errors == ()
    return compiled


@pytest.fixture(scope="session")
def recorded() -> Callable[[str], dict[str, Any]]:
    """A recorded pair by name: ``{request, status, body}``."""
    return lambda name: json.loads((RECORDED / f"{name}.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def make_service(database: Path, catalog: Catalog) -> Callable[..., Service]:
    """A service over a copy of the database; ``limit`` statements at once, ``wait`` seconds until Continue wait."""
    numbers = itertools.count()

    def make(
        *,
        limit: int = 4,
        wait: float = 10.0,
        waiting: int = 1000,
        writable: bool = False,
        stream_limit: int | None = None,
        cache_size: int = 0,
        catalog: Catalog = catalog,
        **extra: Any,
    ) -> Service:
        # DuckDB gives one process one instance a file, which two drivers cannot both configure.
        file = shutil.copy(database, database.with_name(f"copy-{next(numbers)}.duckdb"))
        driver = CountingDriver(DuckDBConfig(database=str(file), read_only=not writable))
        streams = Streams(driver)
        queue = DuckDBQueue(streams, QueueSettings(limit=limit, waiting=waiting))
        source = DataSource("default", driver, DuckDBDialect(), queue, streams=streams, refresh_every=86400)
        options = {"formats": extra.pop("formats")} if "formats" in extra else {}
        settings = ServiceSettings(
            Limits(), continue_wait=wait, stream_limit=stream_limit, cache_size=cache_size, **options
        )
        return Service(lambda: catalog, {"default": source}, settings, **extra)

    return make


class Running:
    """An application that is served by a thread until :meth:`stop`."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self._listening = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        self._listening.wait()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        sockets = listen("127.0.0.1", 0)
        self.port: int = sockets[0].getsockname()[1]
        server = start(self._app, sockets)
        self._listening.set()
        await self._stop.wait()
        await drain(self.site, [server], self._grace, asyncio.Event())
        await self.site.close()

    @property
    def site(self) -> Site:
        site: Site = self._app.settings["site"]
        return site

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Runs ``work`` on the server's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def stop(self, grace: float = 0.0) -> None:
        """Stops it in order; harmless when called twice."""
        if self._thread.is_alive():
            self._grace = grace
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()


@pytest.fixture(scope="session")
def run() -> Iterator[Callable[..., Client]]:
    """Starts servers; all end with the session."""
    servers: list[Running] = []

    def make(service: Service, *, dev: bool = False, token: str | None = None, **settings: Any) -> Client:
        auth = settings.pop("auth", AuthSettings(secrets=(SECRET,), required=not dev))
        plugins = settings.pop("plugins", None)
        server = Running(make_app(service, HttpSettings(auth, dev_mode=dev, **settings), plugins))
        servers.append(server)
        client = Client(server.port, token)
        client.server = server
        return client

    yield make
    for server in servers:
        server.stop()


@pytest.fixture(scope="session")
def token() -> Callable[..., str]:
    return sign


@pytest.fixture(scope="session")
def production(run: Call, make_service: Call) -> Client:
    """A server that asks for tokens; this client has one."""
    client: Client = run(make_service(), token=sign({"tenant": 1}))
    return client


@pytest.fixture(scope="session")
def dev(run: Call, make_service: Call) -> Client:
    """A server in dev mode; this client has no token."""
    client: Client = run(make_service(), dev=True)
    return client


@pytest.fixture
def broken_service(tmp_path: Path, catalog: Catalog) -> Service:
    """A service whose database is a file of something else."""
    file = tmp_path / "not.duckdb"
    file.write_text("this is no database " * 1000)
    driver = DuckDBDriver(DuckDBConfig(database=str(file)))
    source = DataSource("default", driver, DuckDBDialect(), DuckDBQueue(driver, QueueSettings()))
    return Service(lambda: catalog, {"default": source}, ServiceSettings())


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """Everything that is logged, as JSON lines; the process's own logging is put back."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logs(stream=stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    log_quietly()


@pytest.fixture(scope="module")
def loop() -> Iterator[Loop]:
    """Where WebSocket clients live."""
    running = Loop()
    yield running
    running.stop()


@pytest.fixture
def connect(loop: Loop) -> Iterator[Callable[..., Socket]]:
    """Opens connections; with ``claims`` they are authorized."""
    opened: list[Socket] = []

    def connecting(client: Any, claims: Any = None, path: str = "/", **headers: str) -> Socket:
        socket = Socket(loop, client.port, path, headers)
        opened.append(socket)
        if claims is not None:
            assert socket.authorize(sign(claims)) == {"handshake": True}
        return socket

    yield connecting
    for socket in opened:
        socket.close()
