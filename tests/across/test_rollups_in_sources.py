"""Rollups that are kept in the database of their source (``external: false``), on each engine that can."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.across.beside import CUBE, ENGINES, Place, build, command, environment, folded, place, sweep, until
from tests.across.shop import DRIVERS, connection
from tests.engines.admin import admin

from cuboid.errors import QueryFailed

__all__ = ["place"]

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
    assert len(place.tables() - first) == (
        3 if place.engine == "clickhouse" else 4
    )  # which keeps no empty parts
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
    place.rows("DELETE FROM orders WHERE id > 0")
    build(place, "--force")
    for rollups in ({"rollup_store": "none"}, {}):
        with place.open(**rollups) as opened:
            assert opened.load({"measures": ["orders.count"], "dimensions": ["orders.city"]}) == []
            assert opened.load({"measures": ["orders.count"]}) == [{"orders.count": "0"}]


@pytest.mark.parametrize(
    "place",
    ["duckdb", *(pytest.param(name, marks=pytest.mark.engine(name)) for name in ENGINES[1:])],
    indirect=True,
)
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
    running = {"postgres": "SELECT query FROM pg_stat_activity WHERE state = 'active' AND query"}
    statements = running.get(place.engine, "SELECT info FROM information_schema.processlist WHERE info")
    return bool(place.rows(f"{statements} LIKE 'CREATE TABLE%{place.schema}%AS made%'"))


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


@pytest.mark.parametrize(
    "place",
    [pytest.param(name, marks=pytest.mark.engine(name)) for name in ("mysql", "mariadb")],
    indirect=True,
)
def test_a_build_neither_waits_for_those_who_write_nor_keeps_them_waiting(place: Place) -> None:
    """At the level of isolation that servers begin with, CREATE TABLE … AS locks each row that it reads."""
    with place.open(rollup_store="none") as opened:
        expected = opened.load(QUERIES[0])
    assert place.server is not None
    with admin(place.server) as other:
        other.run("START TRANSACTION")
        other.run("UPDATE orders SET amount = 1000")
        with place.open() as opened:
            (found,) = opened.results(QUERIES[0])
        other.run("ROLLBACK")
    assert "usedPreAggregations" in found
    assert found["data"] == expected


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
    "place", [pytest.param(name, marks=pytest.mark.engine(name)) for name in ENGINES[1:]], indirect=True
)
def test_a_process_that_builds_nothing_finds_what_another_has_built_since(place: Place) -> None:
    with place.open(pre_aggregations_builder=False) as opened:
        with pytest.raises(QueryFailed, match="No parts of the pre-aggregation"):
            opened.load(QUERIES[0])
        build(place)

        def found() -> bool:
            try:
                return bool(opened.load(QUERIES[0]))
            except QueryFailed:
                return False

        until(found)


@pytest.mark.parametrize(
    "place", [pytest.param("postgres", marks=pytest.mark.engine("postgres"))], indirect=True
)
def test_a_pooler_between_keeps_what_is_written(place: Place) -> None:
    assert place.server is not None
    settings = {"driver": "postgres", **connection(place.server), "transaction_pooling": True}
    (place.project / "cuboid.yml").write_text(yaml.safe_dump({"data_sources": {"default": settings}}))
    assert "4 of 4 parts built, 6 rows" in build(place)
    with place.open() as opened:
        (result,) = opened.results(QUERIES[0])
    assert "usedPreAggregations" in result
    assert result["data"][0]["orders.count"] == "6"


@pytest.mark.parametrize("place", [pytest.param("mysql", marks=pytest.mark.engine("mysql"))], indirect=True)
def test_a_driver_over_another_library_writes_too(place: Place) -> None:
    assert place.server is not None
    settings = {"driver": "asyncmy", **connection(place.server)}
    (place.project / "cuboid.yml").write_text(yaml.safe_dump({"data_sources": {"default": settings}}))
    with place.open() as opened:
        (result,) = opened.results(QUERIES[0])
    assert "usedPreAggregations" in result
    assert result["data"][0]["orders.count"] == "6"
    assert len(place.tables()) == 4


@pytest.mark.parametrize("place", ["duckdb"], indirect=True)
def test_a_database_that_cannot_keep_rollups_answers_from_its_tables(place: Place) -> None:
    settings = {"driver": "duckdb", "database": "shop.duckdb", "read_only": True}
    (place.project / "cuboid.yml").write_text(yaml.safe_dump({"data_sources": {"default": settings}}))
    with place.open() as opened:
        (result,) = opened.results(QUERIES[0])
    assert result["data"][0]["orders.count"] == "6"
    assert "usedPreAggregations" not in result
    refused = subprocess.run(
        command(place), capture_output=True, text=True, env=environment(place), timeout=100
    )
    assert refused.returncode == 1
    assert "open for reading only, and rollups are to be kept in it" in refused.stderr


def test_a_lambda_has_newer_rows_of_another_cube_of_the_database(place: Place) -> None:
    stored = {**CUBE["pre_aggregations"][0], "segments": None, "measures": ["count", "total"]}
    stored = {key: value for key, value in stored.items() if value is not None}
    ended = stored | {"build_range_end": {"sql": "SELECT '2024-02-15'"}}
    live = {"name": "live", "type": "rollup_lambda", "rollups": ["daily", "fresh_ones.daily"]}
    fresh = {**CUBE, "name": "fresh_ones", "sql_table": "fresh", "pre_aggregations": [stored]}
    place.write_cubes({**CUBE, "pre_aggregations": [live, ended]}, fresh)
    place.rows(
        "CREATE TABLE fresh AS SELECT * FROM orders WHERE id < 0",
        "INSERT INTO fresh VALUES (7, 'Oslo', '2024-02-20 00:00:00', 1, NULL)",
        "INSERT INTO fresh VALUES (8, 'Oslo', '2024-01-20 00:00:00', 1, NULL)",
    )
    query = {
        "measures": ["orders.count"],
        "timeDimensions": [{"dimension": "orders.placed", "granularity": "month"}],
        "filters": [{"member": "orders.placed", "operator": "set"}],
    }
    with place.open() as opened:
        (result,) = opened.results(query)
    assert [each["type"] for each in result["usedPreAggregations"].values()] == ["rollup_lambda"]
    # January as it is stored; from February on, where the last part begins, what the other table has.
    assert [row["orders.count"] for row in result["data"]] == ["1", "1"]


@pytest.mark.parametrize("external", [True, False], ids=["in-the-store", "in-the-database"])
def test_each_of_three_rollups_has_the_rows_after_those_of_the_one_before(
    place: Place, external: bool
) -> None:
    stored = CUBE["pre_aggregations"][0] | {
        "measures": ["count"],
        "dimensions": ["paid"],
        "external": external,
    }
    del stored["segments"]
    names = [f"{name}.daily" for name in ("orders", "recent", "fresh")]
    live = {"name": "live", "type": "rollup_lambda", "rollups": names}
    archive = {
        **CUBE,
        "pre_aggregations": [live, stored | {"build_range_end": {"sql": "SELECT '2024-02-15'"}}],
    }
    ended = stored | {"build_range_end": {"sql": "SELECT '2024-04-20'"}}
    recent = {**CUBE, "name": "recent", "sql_table": "recent", "pre_aggregations": [ended]}
    fresh = {**CUBE, "name": "fresh", "sql_table": "fresh", "pre_aggregations": [stored]}
    place.write_cubes(archive, recent, fresh)
    # In each month one row of orders, two of recent ones and four of fresh ones.
    place.rows("DELETE FROM orders WHERE id > 0")
    for table in ("recent", "fresh"):
        place.rows(f"CREATE TABLE {table} AS SELECT * FROM orders")
    for table, count in (("orders", 1), ("recent", 2), ("fresh", 4)):
        for month in range(1, 7):
            rows = ", ".join([f"(1, 'Oslo', '2024-0{month}-10 00:00:00', 1, NULL)"] * count)
            place.rows(f"INSERT INTO {table} VALUES {rows}")
    query = {
        "measures": ["orders.count"],
        "timeDimensions": [{"dimension": "orders.placed", "granularity": "month"}],
    }
    in_april = {
        "measures": ["orders.count"],
        "timeDimensions": [{"dimension": "orders.placed", "dateRange": ["2024-04-01", "2024-04-30"]}],
    }
    in_march = {
        "measures": ["orders.count"],
        "timeDimensions": [{"dimension": "orders.placed", "dateRange": ["2024-03-01", "2024-03-31"]}],
    }
    with place.open() as opened:
        (result,) = opened.results(query)
        # The parts of February and April are not over.
        assert [row["orders.count"] for row in result["data"]] == ["1", "2", "2", "4", "4", "4"]
        assert [each["type"] for each in result["usedPreAggregations"].values()] == ["rollup_lambda"]
        assert opened.load(in_april) == [{"orders.count": "4"}]
        assert opened.load(in_march) == [{"orders.count": "2"}]
        again = query | {"timezone": "Asia/Tokyo"}
        assert [row["orders.count"] for row in opened.load(again)] == ["1", "2", "2", "4", "4", "4"]


def test_a_duckdb_file_that_is_only_read_keeps_no_rollups(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    place = Place(tmp_path, "duckdb", None)
    place.write()
    place.rows("CREATE TABLE orders (id INT, city VARCHAR, placed TIMESTAMP, amount DECIMAL, paid BOOLEAN)")
    (tmp_path / "cuboid.yml").write_text("data_sources: {default: {driver: duckdb, database: shop.duckdb}}")
    with place.open() as opened:
        (result,) = opened.results(QUERIES[0])
    assert "usedPreAggregations" not in result
    refused = subprocess.run(
        command(place), capture_output=True, text=True, env=environment(place), timeout=100
    )
    assert refused.returncode == 1
    assert "open for reading only" in refused.stderr
