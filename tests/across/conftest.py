"""The shop on every engine, each loaded once when a test first asks for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.across.shop import Table, connection, copy_tables, read_tables, write_original, write_project
from tests.engines.admin import admin, new_database
from tests.engines.server import Server

import cuboid

Shops = Callable[..., cuboid.EmbeddedProject]


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shop's database file."""
    file = tmp_path_factory.mktemp("shop") / "shop.duckdb"
    write_original(file)
    return file


@pytest.fixture(scope="session")
def tables(original: Path) -> tuple[Table, ...]:
    """What is in it, read before anybody opens it: one process cannot do so in two ways."""
    return read_tables(original)


@pytest.fixture(scope="session")
def stocked(tables: tuple[Table, ...], request: pytest.FixtureRequest) -> Iterator[Callable[[str], Server]]:
    """A database of its own on an engine's server, with the shop's rows."""
    known: dict[str, Server] = {}
    with ExitStack() as opened:

        def get(engine: str) -> Server:
            if engine not in known:
                server = opened.enter_context(new_database(request.getfixturevalue(f"{engine}_server")))
                with admin(server) as account:
                    copy_tables(tables, account)
                known[engine] = server
            return known[engine]

        yield get


@pytest.fixture(scope="session")
def shop_on(
    original: Path, stocked: Callable[[str], Server], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shops]:
    """The open project on an engine, by its usual driver or another."""
    known: dict[tuple[str, str], cuboid.EmbeddedProject] = {}
    with ExitStack() as opened:

        def get(engine: str, driver: str = "") -> cuboid.EmbeddedProject:
            if (engine, driver) not in known:
                folder = tmp_path_factory.mktemp("projects") / f"{engine}{driver}"
                settings = {"database": str(original)} if engine == "duckdb" else connection(stocked(engine))
                write_project(folder, engine, settings, driver)
                known[engine, driver] = opened.enter_context(cuboid.open(folder))
            return known[engine, driver]

        yield get
