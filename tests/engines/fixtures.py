"""The pytest plugin: real servers as session fixtures, the option ``--engines``, and what the run met.

``postgres_server``, ``mysql_server``, ``mariadb_server``, ``clickhouse_server``, ``valkey_server`` and
``redis_server`` are :class:`Server` values. A server starts when a collected test asks for it, all of them side by
side while the first tests run, and one serves the whole run, all workers of pytest-xdist included. A server that
cannot be had fails the tests that want it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from tests.engines.server import EngineError, Server, ask, keeper, start
from tests.engines.tls import certificates  # noqa: F401 - a fixture

EMBEDDED = "duckdb"
DATABASES = ("postgres", "mysql", "mariadb", "clickhouse")
ENGINES = (EMBEDDED, *DATABASES)
"""What answers questions in SQL."""
SERVERS = (*DATABASES, "valkey", "redis")
ALL = (EMBEDDED, *SERVERS)
FOLDER = pytest.StashKey[Path]()
OWNER = pytest.StashKey[int]()
LEFT_OUT = pytest.StashKey[dict[str, int]]()


# ------------------------------------------------------------------------------------------------ which tests run


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--engines",
        metavar="NAMES",
        help=f"run only tests that want none but these engines, such as duckdb,postgres (all: {','.join(ALL)})",
    )


def selected(config: pytest.Config) -> tuple[str, ...]:
    """The engines of ``--engines``; all without it."""
    text = config.getoption("--engines")
    if text is None:
        return ALL
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    unknown = sorted(set(names) - set(ALL))
    if unknown:
        raise pytest.UsageError(f"--engines: unknown {', '.join(unknown)}; there are {', '.join(ALL)}")
    return names


def wanted(item: pytest.Item) -> set[str]:
    """The engines a test wants: by fixtures it names itself or through others, or by ``@pytest.mark.engine``."""
    fixtures = getattr(item, "fixturenames", ())
    marked = {name for mark in item.iter_markers("engine") for name in mark.args}
    return marked | {name for name in SERVERS if f"{name}_server" in fixtures}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    names = set(selected(config))
    left_out = [item for item in items if not wanted(item) <= names]
    if left_out:
        items[:] = [item for item in items if wanted(item) <= names]
        config.hook.pytest_deselected(items=left_out)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Has the servers started that the collected tests want, without waiting for them."""
    config = session.config
    if config.option.collectonly:
        return
    for engine in sorted({engine for item in session.items for engine in wanted(item)} & set(SERVERS)):
        threading.Thread(target=_start_early, args=(config, engine), daemon=True).start()


def _start_early(config: pytest.Config, engine: str) -> None:
    with suppress(EngineError):  # the fixture asks again, and hears the same
        start(_control(config), engine, engine)


# ------------------------------------------------------------------------------------------------ the run's keeper


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "engine(*names): the test wants these engines (see --engines)")
    selected(config)
    # A worker of pytest-xdist is told by the process that started it.
    told: dict[str, Any] | None = getattr(config, "workerinput", None)
    if told is None:
        config.stash[FOLDER] = Path(tempfile.mkdtemp(prefix="cuboid-engines-"))
        config.stash[OWNER] = os.getpid()
    else:
        config.stash[FOLDER] = Path(told["engines_folder"])
        config.stash[OWNER] = told["engines_owner"]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput["engines_folder"] = str(node.config.stash[FOLDER])
    node.workerinput["engines_owner"] = node.config.stash[OWNER]


def pytest_unconfigure(config: pytest.Config) -> None:
    folder = config.stash.get(FOLDER, None)
    if folder is None or config.stash[OWNER] != os.getpid():
        return
    if (folder / "control").exists():
        with suppress(EngineError):  # it may have been stopped before us; then its servers are too
            ask(str(folder / "control"), "end")
    shutil.rmtree(folder, ignore_errors=True)


def _control(config: pytest.Config) -> str:
    return keeper(config.stash[FOLDER], config.stash[OWNER])


# ------------------------------------------------------------------------------------------------ what it met


def pytest_report_header(config: pytest.Config) -> str:
    names = selected(config)
    if names == ALL:
        return "engines: all that the tests want"
    return f"engines: {', '.join(names)} only, by --engines"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    lines = []
    if (config.stash[FOLDER] / "control").exists():
        for met in ask(str(config.stash[FOLDER] / "control"), "met"):
            lines.append(f"{met['title']} {met['version']}, started in {met['seconds']:.1f} s")
            if met["note"]:
                lines.append(met["note"])
    left_out = [name for name in ALL if name not in selected(config)]
    if left_out:
        lines.append(f"LEFT OUT by --engines: tests that want {', '.join(left_out)}")
    if lines:
        terminalreporter.section("engines")
        for line in lines:
            terminalreporter.line(line)


# ------------------------------------------------------------------------------------------------ fixtures


def _server(config: pytest.Config, engine: str, instance: str) -> Server:
    if engine not in selected(config):
        pytest.fail(f"this test asked for {engine} without @pytest.mark.engine({engine!r})", pytrace=False)
    try:
        return start(_control(config), engine, instance)
    except EngineError as error:
        said = str(error)
    others = ",".join(name for name in selected(config) if name != engine)
    pytest.fail(f"No {engine} server: {said}\nTo test without it: --engines={others}", pytrace=False)


@pytest.fixture(scope="session")
def postgres_server(pytestconfig: pytest.Config) -> Server:
    return _server(pytestconfig, "postgres", "postgres")


@pytest.fixture(scope="session")
def mysql_server(pytestconfig: pytest.Config) -> Server:
    return _server(pytestconfig, "mysql", "mysql")


@pytest.fixture(scope="session")
def mariadb_server(pytestconfig: pytest.Config) -> Server:
    return _server(pytestconfig, "mariadb", "mariadb")


@pytest.fixture(scope="session")
def clickhouse_server(pytestconfig: pytest.Config) -> Server:
    return _server(pytestconfig, "clickhouse", "clickhouse")


@pytest.fixture(scope="session")
def valkey_server(pytestconfig: pytest.Config) -> Server:
    return _server(pytestconfig, "valkey", "valkey")


@pytest.fixture(scope="session")
def redis_server(pytestconfig: pytest.Config) -> Server:
    return _server(pytestconfig, "redis", "redis")


@contextmanager
def own(config: pytest.Config, engine: str) -> Iterator[Server]:
    """A server for one test or module alone, to be killed, paused or misconfigured."""
    server = _server(config, engine, f"{engine}-{uuid.uuid4().hex[:8]}")
    try:
        yield server
    finally:
        ask(server.control, "stop", instance=server.instance)


@pytest.fixture
def own_server(pytestconfig: pytest.Config) -> Iterator[Callable[[str], Server]]:
    """Starts a server of an engine for this test alone."""
    with ExitStack() as started:
        yield lambda engine: started.enter_context(own(pytestconfig, engine))
