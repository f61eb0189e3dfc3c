"""Rollups that are kept in the database of their source (``external: false``), on each engine that can."""

from __future__ import annotations

import os
import signal
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
from cuboid.errors import ConnectionFailed, QueryFailed

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
MEASURES = ["orders.count", "orders.total", "orders.mean", "orders.first"]
QUERIES: list[dict[str, Any]] = [
    {"measures": MEASURES},
    {"measures": MEASURES, "dimensions": ["orders.city"], "order": {"orders.city": "asc"}},
    {"measures": MEASURES, "dimensions": ["orders.paid"], "order": {"orders.paid": "desc"}},
    {"measures": MEASURES, "segments": ["orders.large"]},
    {
        "measures": MEASURES,
        "filters": [{"member": "orders.city", "operator": "equals", "values": ["ROME"]}],
    },
    {
        "measures": MEASURES,
        "dimensions": ["orders.city"],
        "filters": [{"member": "orders.city", "operator": "contains", "values": ["r"]}],
    },
    {
        "measures": MEASURES,
        "timeDimensions": [
            {"dimension": "orders.placed", "granularity": "month", "dateRange": ["2024-02-01", "2024-03-31"]}
        ],
    },
    {
        "measures": MEASURES,
        "timeDimensions": [{"dimension": "orders.placed", "granularity": "month"}],
        "timezone": "America/New_York",
    },
    {
        "measures": MEASURES,
        "timeDimensions": [{"dimension": "orders.placed", "dateRange": ["2030-01-01", "2030-12-31"]}],
    },
]


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
        cubes = {"cubes": [{**CUBE, "pre_aggregations": stored}]}
        (self.project / "model" / "orders.yml").write_text(yaml.safe_dump(cubes))

    def rows(self, *statements: str) -> list[Any]:
        """What the last statement finds, past Cuboid."""
        if self.server is None:
            with duckdb.connect(str(self.project / "shop.duckdb")) as opened:
                return [opened.execute(each).fetchall() for each in statements][-1]
        with admin(self.server) as opened:
            return [opened.run(each) for each in statements][-1]

    def tables(self) -> set[str]:
        """The tables of rollups that there are."""
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
    params=["duckdb", *(pytest.param(name, marks=pytest.mark.engine(name)) for name in ENGINES[1:])]
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


def test_what_is_kept_in_the_database_answers_as_its_tables_do(place: Place) -> None:
    with place.open(rollup_store="none") as opened:
        expected = [opened.load(each) for each in QUERIES]
    assert place.tables() == set()
    with place.open() as opened:
        for query, rows in zip(QUERIES, expected, strict=True):
            (result,) = opened.results(query)
            assert [each["preAggregationId"] for each in result["usedPreAggregations"].values()] == [
                "orders.daily"
            ], query
            assert result["external"] is False
            assert folded(result["data"]) == folded(rows), query
    # UTC: three months and rows without a time; New York: January to March, where February begins as January, and rest.
    assert len(place.tables()) == 8
    # What was built is what is read: the table has gone.
    place.rows("DROP TABLE orders")
    with place.open() as opened:
        assert folded([opened.load(each) for each in QUERIES]) == folded(expected)


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
    builds = f"{place.schema}.cuboid_builds"
    for moment in (1, -1):
        place.rows(f"UPDATE {builds} SET until = {moment}")
        build(place)


def test_what_is_replaced_can_be_read_for_a_while_and_is_dropped_then(place: Place) -> None:
    assert "4 of 4 parts built, 6 rows" in build(place)
    first = place.tables()
    with place.open(rollup_store="none") as opened:
        expected = opened.load(QUERIES[0])
    place.rows("DELETE FROM orders WHERE id = 1")  # all of January
    assert "0 of 3 parts built" in build(place)
    with place.open() as opened:
        assert opened.load(QUERIES[0]) != expected
    assert "3 of 3 parts built, 5 rows" in build(place, "--force")
    # January too, without a row: who asks first takes the range for that with which the parts were built.
    assert len(place.tables() - first) == 4
    assert first < place.tables()
    sweep(place)
    assert place.tables().isdisjoint(first)
    assert len(place.tables()) == 3
    with place.open(rollup_store="none") as opened:
        expected = opened.load(QUERIES[0])
    with place.open() as opened:
        assert opened.load(QUERIES[0]) == expected


def test_rows_that_are_all_gone_leave_an_empty_rollup(place: Place) -> None:
    build(place)
    place.rows("DELETE FROM orders")
    build(place, "--force")
    for rollups in ({"rollup_store": "none"}, {}):
        with place.open(**rollups) as opened:
            assert opened.load({"measures": ["orders.count"], "dimensions": ["orders.city"]}) == []
            assert opened.load({"measures": ["orders.count"]}) == [{"orders.count": "0"}]


def test_a_build_that_is_killed_is_made_again_and_leaves_nothing(place: Place) -> None:
    if place.engine == "duckdb":
        slow = (
            "orders.* FROM orders WHERE (SELECT COUNT(*) FROM range(30000000000) t(i) WHERE i % 7 = id) >= 0"
        )
    else:
        function = "pg_sleep" if place.engine == "postgres" else "SLEEP"
        slow = f"orders.* FROM orders CROSS JOIN (SELECT {function}(4)) AS slow"
    place.rows(f"CREATE VIEW shown AS SELECT {slow}")
    place.write(partition_granularity=None)
    model = place.project / "model" / "orders.yml"
    model.write_text(model.read_text().replace("sql_table: orders", "sql_table: shown"))
    with subprocess.Popen(
        command(place), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(place)
    ) as process:
        try:
            until(lambda: is_building(place))
        finally:
            process.send_signal(signal.SIGKILL)
    if place.engine != "duckdb":  # whose process was the server
        until(lambda: len(place.tables()) == 1)  # made by a server that has not noticed
        place.rows(f"DELETE FROM {place.schema}.cuboid_builds")
    left = place.tables()
    place.rows("DROP VIEW shown", "CREATE VIEW shown AS SELECT * FROM orders")
    place.rows(f"UPDATE {place.schema}.cuboid_leases SET until = 1")
    assert "1 of 1 parts built, 6 rows" in build(place)
    sweep(place)
    assert len(place.tables()) == 1
    assert place.tables().isdisjoint(left)
    with place.open(rollup_store="none") as opened:
        expected = opened.load(QUERIES[0])
    with place.open() as opened:
        assert opened.load(QUERIES[0]) == expected


def is_building(place: Place) -> bool:
    if place.server is None:  # nobody else may look
        written = place.project / "shop.duckdb.wal"
        if not written.exists() or b"cuboid_leases" not in written.read_bytes():
            return False
        time.sleep(1)
        return True
    try:
        return bool(place.rows(f"SELECT build FROM {place.schema}.cuboid_builds"))
    except Exception:  # there is no such table yet
        return False


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(
    "place", [pytest.param(name, marks=pytest.mark.engine(name)) for name in ENGINES[1:]], indirect=True
)
def test_of_several_processes_one_builds_each_part(place: Place) -> None:
    started = [
        subprocess.Popen(command(place), stdout=subprocess.PIPE, text=True, env=environment(place))
        for _ in range(3)
    ]
    said = [process.communicate(timeout=100)[0] for process in started]
    counts = [int(each.partition(": ")[2].partition(" of 4 parts")[0]) for each in said]
    assert sum(counts) == 4, said
    assert len(place.tables()) == 4


@pytest.mark.parametrize(
    "place", [pytest.param(name, marks=pytest.mark.engine(name)) for name in ENGINES[1:]], indirect=True
)
def test_an_account_that_may_only_read_is_told_what_it_lacks(place: Place) -> None:
    account = f"reader_{place.project.name[-20:]}".replace("-", "_")[:30]
    assert place.server is not None
    if place.engine == "postgres":
        place.rows(f"CREATE USER {account} PASSWORD 'reader-secret'", f"GRANT SELECT ON orders TO {account}")
    else:
        place.rows(
            f"CREATE USER {account} IDENTIFIED BY 'reader-secret'", f"GRANT SELECT ON orders TO {account}"
        )
    settings = {**connection(place.server), "user": account, "password": "reader-secret"}
    sources = {"default": {"driver": DRIVERS[place.engine], **settings}}
    (place.project / "cuboid.yml").write_text(yaml.safe_dump({"data_sources": sources}))
    try:
        with (
            place.open() as opened,
            pytest.raises(QueryFailed, match="may not keep rollups in the schema") as caught,
        ):
            opened.load(QUERIES[0])
    finally:
        if place.engine == "postgres":
            place.rows(f"DROP OWNED BY {account}", f"DROP USER {account}")
        else:
            place.rows(f"DROP USER {account}")
    assert "Let it create tables there" in (caught.value.hint or "")
    assert "secret" not in str(caught.value)


def test_a_lambda_reads_newer_rows_after_those_in_the_database(place: Place) -> None:
    place.write()
    model = yaml.safe_load((place.project / "model" / "orders.yml").read_text())
    live = {"name": "live", "type": "rollup_lambda", "rollups": ["daily"], "union_with_source_data": True}
    model["cubes"][0]["pre_aggregations"].insert(0, live)
    model["cubes"][0]["refresh_key"] = {"sql": "SELECT COUNT(*) FROM orders"}
    (place.project / "model" / "orders.yml").write_text(yaml.safe_dump(model))
    query = {
        "measures": ["orders.count"],
        "timeDimensions": [{"dimension": "orders.placed", "granularity": "month"}],
    }
    with place.open() as opened:
        (result,) = opened.results(query)
        assert [each["type"] for each in result["usedPreAggregations"].values()] == ["rollup_lambda"]
        assert [row["orders.count"] for row in result["data"]] == ["1", "2", "2", "1"]
    place.rows("INSERT INTO orders VALUES (7, 'Oslo', '2024-03-20 00:00:00', 1, NULL)")
    with place.open() as opened:
        assert [row["orders.count"] for row in opened.load(query)] == ["1", "2", "3", "1"]


@pytest.mark.parametrize(
    "place", [pytest.param("clickhouse", marks=pytest.mark.engine("clickhouse"))], indirect=True
)
def test_an_engine_that_cannot_keep_rollups_answers_from_its_tables(place: Place) -> None:
    with place.open() as opened:
        (result,) = opened.results(QUERIES[0])
    assert result["data"][0]["orders.count"] == "6"
    assert "usedPreAggregations" not in result
    refused = subprocess.run(
        command(place), capture_output=True, text=True, env=environment(place), timeout=100
    )
    assert refused.returncode == 1
    assert "cannot keep rollups in its database" in refused.stderr


def test_a_duckdb_file_that_is_only_read_keeps_no_rollups(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    place = Place(tmp_path, "duckdb", None)
    place.write()
    place.rows("CREATE TABLE orders (id INT, city VARCHAR, placed TIMESTAMP, amount DECIMAL, paid BOOLEAN)")
    (tmp_path / "cuboid.yml").write_text("data_sources: {default: {driver: duckdb, database: shop.duckdb}}")
    with place.open() as opened, pytest.raises(ConnectionFailed, match="open for reading only") as caught:
        opened.load(QUERIES[0])
    assert "read_only: false" in (caught.value.hint or "")
