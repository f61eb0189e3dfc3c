"""A project whose rollups are kept in the database of their source, on each engine, and what is done to it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from tests.across.shop import DRIVERS, connection
from tests.engines.admin import admin, new_database
from tests.engines.server import Server

import cuboid
from cuboid_clickhouse.config import ClickHouseConfig
from cuboid_clickhouse.store_log import BuildLog
from cuboid_clickhouse.store_server import StoreServer

ENGINES = ("duckdb", "postgres", "mysql", "mariadb")
SCHEMA = "kept_rollups"
TYPES = {
    "duckdb": ("VARCHAR", "TIMESTAMP", "BOOLEAN"),
    "postgres": ("VARCHAR(20)", "TIMESTAMP", "BOOLEAN"),
    "mysql": ("VARCHAR(20)", "DATETIME(6)", "BOOLEAN"),
    "mariadb": ("VARCHAR(20)", "DATETIME(6)", "BOOLEAN"),
    "clickhouse": ("Nullable(String)", "Nullable(DateTime64(3, 'UTC'))", "Nullable(Bool)"),
}
ROWS = [
    (1, "Rome", "2024-01-05 10:00:00", "10.25", "true"),
    (2, "rome", "2024-02-01 03:00:00", "20.10", "false"),
    (3, "Zürich", "2024-02-16 00:00:00", "5", "true"),
    (4, "zurich", "2024-03-01 02:00:00", "1.75", "NULL"),
    (5, "Ámsterdam", "2024-03-10 07:30:00", "7", "true"),
    (6, None, None, "8", "false"),
]
CUBE: dict[str, Any] = {
    "name": "orders",
    "sql_table": "orders",
    "measures": [
        {"name": "count", "type": "count"},
        {"name": "total", "sql": "amount", "type": "sum"},
        {"name": "mean", "sql": "{total} / {count}", "type": "number"},
        {"name": "first", "sql": "city", "type": "min"},
    ],
    "dimensions": [
        {"name": "id", "sql": "id", "type": "number", "primary_key": True},
        {"name": "city", "sql": "city", "type": "string"},
        {"name": "paid", "sql": "paid", "type": "boolean"},
        {"name": "placed", "sql": "placed", "type": "time"},
    ],
    "segments": [{"name": "large", "sql": "{CUBE}.amount > 6"}],
    "pre_aggregations": [
        {
            "name": "daily",
            "measures": ["count", "total", "first"],
            "dimensions": ["city", "paid"],
            "segments": ["large"],
            "time_dimension": "placed",
            "granularity": "day",
            "partition_granularity": "month",
            "external": False,
            "refresh_key": {"every": "1 day"},
        },
    ],
}


@dataclass(frozen=True)
class Place:
    """A project with its database, and what looks into that."""

    project: Path
    engine: str
    server: Server | None

    def write(self, **changes: Any) -> None:
        """The model, with another definition of the rollup."""
        changed = CUBE["pre_aggregations"][0] | changes
        stored = [{key: value for key, value in changed.items() if value is not None}]
        self.write_cubes({**CUBE, "pre_aggregations": stored})

    def write_cubes(self, *cubes: Any) -> None:
        """The model of these cubes."""
        (self.project / "model" / "orders.yml").write_text(yaml.safe_dump({"cubes": list(cubes)}))

    def rows(self, *statements: str) -> list[Any]:
        """What the last statement finds, past Cuboid."""
        if self.server is None:
            with duckdb.connect(str(self.project / "shop.duckdb")) as opened:
                return [opened.execute(each).fetchall() for each in statements][-1]
        with admin(self.server) as opened:
            return [opened.run(each) for each in statements][-1]

    def tables(self) -> set[str]:
        """The tables of rollups that there are; on ClickHouse the parts of tables."""
        if self.engine == "clickhouse":
            found = self.rows(
                "SELECT DISTINCT partition FROM system.parts"
                f" WHERE active AND database = '{self.schema}' AND startsWith(table, 'cuboid_rows_')"
            )
            return {str(number) for (number,) in found}
        found = self.rows(
            f"SELECT table_name FROM information_schema.tables WHERE table_schema = '{self.schema}'"
        )
        return {name for (name,) in found if name.startswith("p_")}

    @property
    def schema(self) -> str:
        return schema_of(self.server)

    def open(self, **settings: Any) -> Any:
        return cuboid.open(self.project, pre_aggregations_schema=self.schema, **settings)


def schema_of(server: Server | None) -> str:
    """In MySQL a schema is a database: each test has its own."""
    return SCHEMA if server is None else f"{SCHEMA}_{server.database}"


@pytest.fixture(
    params=[
        "duckdb",
        *(pytest.param(name, marks=pytest.mark.engine(name)) for name in (*ENGINES[1:], "clickhouse")),
    ]
)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    engine = request.param
    (tmp_path / "model").mkdir()
    with database(request, engine, tmp_path) as server:
        settings = (
            {"driver": "duckdb", "database": "shop.duckdb", "read_only": False}
            if server is None
            else {"driver": DRIVERS[engine], **connection(server)}
        )
        (tmp_path / "cuboid.yml").write_text(yaml.safe_dump({"data_sources": {"default": settings}}))
        found = Place(tmp_path, engine, server)
        found.write()
        text, time_, truth = TYPES[engine]
        values = ", ".join(
            "("
            + ", ".join(
                (str(id), *("NULL" if each is None else f"'{each}'" for each in (city, at)), amount, paid)
            )
            + ")"
            for id, city, at, amount, paid in ROWS
        )
        found.rows(
            f"CREATE TABLE orders (id INT, city {text}, placed {time_}, amount DECIMAL(10, 2), paid {truth})"
            + (" ENGINE = MergeTree ORDER BY id" if engine == "clickhouse" else ""),
            f"INSERT INTO orders VALUES {values}",
        )
        yield found


@contextmanager
def database(request: pytest.FixtureRequest, engine: str, folder: Path) -> Iterator[Server | None]:
    if engine == "duckdb":
        yield None
        return
    with new_database(request.getfixturevalue(f"{engine}_server")) as server:
        try:
            yield server
        finally:
            if engine != "postgres":  # it is a database of its own
                with admin(server) as account:
                    account.run(f"DROP DATABASE IF EXISTS {schema_of(server)}")


def folded(rows: Any) -> str:
    """An engine that takes Rome and rome for one, or Zürich and zurich, shows any of them."""
    apart = unicodedata.normalize("NFD", str(rows).casefold())
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def build(place: Place, *flags: str) -> str:
    """``cuboid rollups build``, in a process of its own."""
    done = subprocess.run(
        command(place, *flags), capture_output=True, text=True, env=environment(place), timeout=100
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def command(place: Place, *flags: str) -> list[str]:
    cli = str(Path(sys.executable).with_name("cuboid"))
    return [cli, "rollups", "build", "-p", str(place.project), *flags]


def environment(place: Place) -> dict[str, str]:
    return os.environ | {"CUBOID_PRE_AGGREGATIONS_SCHEMA": place.schema}


def sweep(place: Place) -> None:
    """As if hours had passed, and a process had looked twice."""
    if place.engine == "clickhouse":
        assert place.server is not None
        sweep_log(connection(place.server) | {"database": place.schema})
        return
    builds = f"{place.schema}.cuboid_builds"
    for moment in (1, -1):
        place.rows(f"UPDATE {builds} SET until = {moment}")
        build(place)


def sweep_log(settings: dict[str, Any]) -> None:
    """As :func:`sweep`, of the log that a store keeps on ClickHouse."""
    server = StoreServer(ClickHouseConfig.model_validate(settings))
    for _ in range(2):
        BuildLog(server, gone=-3600).sweep(0, 0)
    server.close()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
