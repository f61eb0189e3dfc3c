"""Rollups of a project, end to end: on demand, by a worker, by hand, in several processes, and after kills."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.stored_shop import fill, make_project

import cuboid
from cuboid.errors import QueryFailed

QUERIES: list[dict[str, Any]] = [
    {"measures": ["orders.count", "orders.total", "orders.largest"], "dimensions": ["orders.city"]},
    {
        "measures": ["orders.total"],
        "timeDimensions": [
            {"dimension": "orders.placed", "granularity": "month", "dateRange": ["2023-02-01", "2023-03-31"]}
        ],
    },
    {"measures": ["orders.count"]},
    {
        "measures": ["orders.count"],
        "dimensions": ["orders.city"],
        "timeDimensions": [{"dimension": "orders.placed", "granularity": "year"}],
        "timezone": "America/Los_Angeles",
    },
]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path)


def ask(project: Path, **flags: Any) -> list[Any]:
    with cuboid.open(project, **flags) as opened:
        return [opened.load(query) for query in QUERIES]


def run(project: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).with_name("cuboid")), *arguments, "-p", str(project)],
        capture_output=True,
        text=True,
        env=os.environ | environ,
        timeout=100,
    )


def stored(project: Path) -> dict[str, list[dict[str, Any]]]:
    """The parts of all tables of the store, by zone."""
    found: dict[str, list[dict[str, Any]]] = {}
    for path in sorted(project.glob(".cuboid/rollups/*/table.json")):
        written = json.loads(path.read_text())
        found.setdefault(written["zone"], []).extend(written["parts"])
    return found


def test_answers_from_rollups_are_those_of_the_tables(project: Path) -> None:
    expected = ask(project, rollup_store="none")
    assert not (project / ".cuboid").exists()
    assert ask(project) == expected
    assert set(stored(project)) == {"UTC", "America/Los_Angeles"}
    # A second process builds nothing: the database has gone.
    (project / "shop.duckdb").unlink()
    assert ask(project) == expected


def test_an_answer_says_which_rollup_it_is_from_and_how_old_that_is(project: Path) -> None:
    before = datetime.now(UTC)
    with cuboid.open(project) as opened:
        (first,) = opened.results(QUERIES[0])
        (again,) = opened.results(QUERIES[0])
    (told,) = first["usedPreAggregations"].values()
    assert first["external"] is True
    assert told["preAggregationId"].startswith("orders.")
    assert told["type"] == "rollup"
    refreshed = datetime.fromisoformat(first["lastRefreshTime"].replace("Z", "+00:00"))
    assert abs(refreshed.timestamp() * 1000 - told["lastUpdatedAt"]) < 1
    assert refreshed.timestamp() >= int(before.timestamp())
    assert again["lastRefreshTime"] == first["lastRefreshTime"]
    with cuboid.open(project, rollup_store="none") as opened:
        (plain,) = opened.results(QUERIES[0])
    assert plain["external"] is False
    assert "usedPreAggregations" not in plain
    assert plain["data"] == first["data"]


def test_a_query_with_a_range_builds_its_parts_only(project: Path) -> None:
    with cuboid.open(project) as opened:
        opened.load(QUERIES[1])
    assert sorted(part["label"] for part in stored(project)["UTC"]) == ["20230201", "20230301"]


def test_rollups_are_built_and_listed_by_hand(project: Path) -> None:
    built = run(project, "rollups", "build", "--zone", "UTC", "--zone", "Asia/Tokyo")
    assert built.returncode == 0, built.stderr
    # 5,000 hours from New Year 2023 end in July; those without a time are a part of their own.
    assert "orders.monthly (UTC): 8 of 8 parts built" in built.stdout
    assert "orders.monthly (Asia/Tokyo): 8 of 8 parts built" in built.stdout
    again = run(
        project, "rollups", "build", "orders.monthly", "--zone", "UTC", "--zone", "Europe/Oslo"
    ).stdout
    assert "0 of 8 parts built" in again
    assert "8 of 8 parts built" in again
    listed = run(project, "rollups", "list", COLUMNS="200").stdout
    assert listed.count("orders.monthly") == 3
    by_part = run(project, "rollups", "list", "--parts", COLUMNS="200").stdout
    assert by_part.count("20230301") == 3
    wrong = run(project, "rollups", "build", "orders.montly")
    assert wrong.returncode == 1
    assert "Did you mean 'orders.monthly'?" in wrong.stderr


def test_a_rollup_that_cannot_be_built_is_told_by_hand_and_to_whoever_asks(project: Path) -> None:
    with duckdb.connect(str(project / "shop.duckdb")) as connection:
        connection.execute("ALTER TABLE orders DROP COLUMN amount")
    built = run(project, "rollups", "build")
    assert built.returncode == 1
    assert "pre-aggregation orders.monthly" in built.stderr
    assert "amount" in built.stderr
    with cuboid.open(project) as opened, pytest.raises(QueryFailed, match=r"orders\.monthly.*amount"):
        opened.load(QUERIES[0])


@contextmanager
def worker(project: Path, **environ: str) -> Any:
    command = [str(Path(sys.executable).with_name("cuboid")), "worker", str(project)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | environ
    ) as process:
        try:
            assert process.stdout is not None
            assert "keeps the rollups" in process.stdout.readline()
            yield process
        finally:
            process.kill()


def until(condition: Any) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_worker_builds_what_servers_only_read(project: Path) -> None:
    reads = {"pre_aggregations_builder": False}
    with cuboid.open(project, **reads) as opened:
        with pytest.raises(QueryFailed, match="No parts of the pre-aggregation"):
            opened.load(QUERIES[0])
        with worker(project, CUBOID_SCHEDULED_REFRESH_TIMER="1s") as process:
            until(lambda: len(stored(project).get("UTC", [])) == 8)
            expected = ask(project, rollup_store="none")[0]
            assert opened.load(QUERIES[0]) == expected
            process.send_signal(signal.SIGTERM)
            assert process.wait(50) == 0


def test_a_worker_that_is_killed_again_and_again_gets_there_and_leaves_nothing(project: Path) -> None:
    fill(project, 100_000)  # 137 months
    expected = ask(project, rollup_store="none")
    for _ in range(4):
        before = len(stored(project).get("UTC", []))
        with worker(project) as process:
            until(lambda before=before: len(stored(project).get("UTC", [])) > before + 3)
            process.kill()
    parts = stored(project)["UTC"]
    assert 12 < len(parts) < 138
    assert run(project, "rollups", "build").returncode == 0
    assert ask(project) == expected
    # Each folder of a build is one that a table names.
    named = {
        shard[0].partition("/")[0]
        for parts in stored(project).values()
        for part in parts
        for shard in part["shards"]
    }
    found = {path.parent.name for path in project.glob(".cuboid/rollups/*/*/*.parquet")}
    assert found == named


def test_two_stores_are_a_question_of_the_setting(project: Path) -> None:
    (project / "cuboid_plugin.py").write_text(
        "import cuboid\n\n\nclass Cellar(cuboid.RollupStore):\n    name = 'cellar'\n\n\n"
        "@cuboid.hookimpl\ndef register_stores(register):\n    register(Cellar)\n"
    )
    with cuboid.open(project) as opened, pytest.raises(cuboid.PluginError, match="cellar, duckdb") as caught:
        opened.load(QUERIES[0])
    assert "rollup_store" in str(caught.value.hint)
    assert ask(project, rollup_store="duckdb") == ask(project, rollup_store="none")


def test_hook_scheduled_contexts(project: Path) -> None:
    (project / "cuboid_plugin.py").write_text(
        "import cuboid\n\n\n@cuboid.hookimpl\ndef tenant(principal):\n    return principal.claims.get('shop')\n\n\n"
        "@cuboid.hookimpl\ndef model_files(principal):\n"
        "    if 'shop' in principal.claims:\n"
        "        text = open(__file__.replace('cuboid_plugin.py', 'model/orders.yml')).read()\n"
        "        return [('orders.yml', text.replace('monthly', 'monthly_' + principal.claims['shop']))]\n\n\n"
        "@cuboid.hookimpl\ndef scheduled_contexts():\n    return [{'shop': 'north'}, {'shop': 'south'}]\n"
    )
    assert run(project, "worker", "--once").returncode == 0
    listed = run(project, "rollups", "list", COLUMNS="200").stdout
    assert "monthly_north" in listed
    assert "monthly_south" in listed
    assert "monthly " not in listed


def test_kept_answers_follow_the_rollups_that_they_were_read_from(project: Path) -> None:
    """The refresh key is in SQL; only the newest month changes, whose part is not the oldest."""
    model = (project / "model" / "orders.yml").read_text()
    key = "refresh_key: {every: 1 second, sql: SELECT max(id) FROM orders}"
    assert "refresh_key:\n      every: 1 day\n      incremental: true\n" in model
    changed = model.replace("refresh_key:\n      every: 1 day\n      incremental: true\n", key + "\n")
    (project / "model" / "orders.yml").write_text(changed)
    sources = (project / "cuboid.yml").read_text().replace("shop.duckdb", "shop.duckdb, create: true")
    (project / "cuboid.yml").write_text(sources)
    newest = [{**query, "cache": "must-revalidate"} for query in QUERIES[:2]]
    with cuboid.open(project) as opened:
        for query in (*newest, QUERIES[2]):
            opened.load(query)
        driver = opened.project.data_sources["default"].driver
        opened._run(driver.rows("INSERT INTO orders VALUES (9999, 'Rome', '2023-03-31 23:00', 1000000)"))
        until(lambda: "Rome" in [row["orders.city"] for row in opened.load(newest[0])])
        assert opened.load(QUERIES[2]) == [{"orders.count": "5001"}]
        assert opened.load(QUERIES[0]) == opened.load(newest[0])
        assert opened.load(QUERIES[1])[1]["orders.total"].startswith("10")


def test_rollups_of_another_database_or_in_other_parts_are_other_tables(project: Path) -> None:
    """Whatever the model calls it: tenants, and the files of a project that is configured anew."""
    with duckdb.connect(str(project / "other.duckdb")) as connection:
        connection.execute(f"ATTACH '{project / 'shop.duckdb'}' AS shop")
        connection.execute("CREATE TABLE orders AS SELECT * REPLACE (amount + 1 AS amount) FROM shop.orders")
    config = (project / "cuboid.yml").read_text()
    model = (project / "model" / "orders.yml").read_text()
    first = ask(project)
    (project / "cuboid.yml").write_text(config.replace("shop.duckdb", "shop.duckdb, threads: 1"))
    built = {path.parent.name for path in project.glob(".cuboid/rollups/*/table.json")}
    assert ask(project) == first
    assert {path.parent.name for path in project.glob(".cuboid/rollups/*/table.json")} == built
    (project / "cuboid.yml").write_text(config.replace("shop.duckdb", "other.duckdb"))
    second = ask(project)
    assert second != first
    assert second == ask(project, rollup_store="none")
    for length in ("quarter", "year", "month"):
        (project / "model" / "orders.yml").write_text(
            model.replace("partition_granularity: month", f"partition_granularity: {length}")
        )
        assert ask(project) == second


def test_tenants_whose_data_sources_differ_share_no_rollups(project: Path) -> None:
    (project / "cuboid.yml").write_text(
        "data_sources:\n  north: {driver: duckdb, database: shop.duckdb}\n"
        "  south: {driver: duckdb, database: south.duckdb}\n"
    )
    with duckdb.connect(str(project / "south.duckdb")) as connection:
        connection.execute(f"ATTACH '{project / 'shop.duckdb'}' AS shop")
        connection.execute("CREATE TABLE orders AS SELECT * FROM shop.orders LIMIT 10")
    (project / "cuboid_plugin.py").write_text(
        "import cuboid\n\n\n@cuboid.hookimpl\ndef tenant(principal):\n    return principal.claims['shop']\n"
    )
    model = (project / "model" / "orders.yml").read_text()
    source = "data_source: \"{{ COMPILE_CONTEXT.security_context.shop or 'north' }}\"\n  name: orders\n  "
    (project / "model" / "orders.yml").write_text(model.replace("name: orders\n  ", source, 1))
    with cuboid.open(project) as opened:
        for shop, count in (("north", "5000"), ("south", "10"), ("north", "5000")):
            assert opened.load(QUERIES[2], {"shop": shop}) == [{"orders.count": count}]


def test_the_least_of_texts_is_not_aggregated_again_in_the_order_of_the_store(project: Path) -> None:
    with duckdb.connect(str(project / "shop.duckdb")) as connection:
        connection.execute("CREATE TYPE size AS ENUM ('small', 'large', 'huge')")
        connection.execute(
            "CREATE TABLE boxes AS SELECT i % 2 AS kind, (['small', 'large', 'huge'])[1 + i % 3]::size AS size"
            " FROM range(24) t(i)"
        )
    boxes = {
        "name": "boxes",
        "sql_table": "boxes",
        "measures": [
            {"name": "largest", "sql": "size", "type": "max"},
            {"name": "smallest", "sql": "{size}", "type": "min"},
            {"name": "unknown", "sql": "coalesce(size, 'small')", "type": "max"},
        ],
        "dimensions": [
            {"name": "kind", "sql": "kind", "type": "number"},
            {"name": "size", "sql": "size", "type": "string"},
        ],
        "pre_aggregations": [
            {"name": "by_kind", "measures": ["largest", "smallest"], "dimensions": ["kind"]},
            {"name": "more_by_kind", "measures": ["unknown"], "dimensions": ["kind"]},
        ],
    }
    (project / "model" / "boxes.yml").write_text(json.dumps({"cubes": [boxes]}))
    sizes = {"measures": ["boxes.largest", "boxes.smallest"]}
    with cuboid.open(project) as opened:
        assert opened.load(sizes) == [{"boxes.largest": "huge", "boxes.smallest": "small"}]
        (by_kind,) = opened.results({**sizes, "dimensions": ["boxes.kind"]})
        assert by_kind["usedPreAggregations"]
        assert {row["boxes.largest"] for row in by_kind["data"]} == {"huge"}
        (unknown,) = opened.results({"measures": ["boxes.unknown"]})
        assert unknown["data"] == [{"boxes.unknown": "small"}]  # a text, no more of the type
        assert (
            unknown["external"] is False
        )  # that it is of texts is known when rows are read: the source answers
    built = run(project, "rollups", "build", "boxes.more_by_kind")
    assert built.returncode == 1
    assert "'boxes.unknown' is the least or greatest of texts" in built.stderr


def test_a_shift_moves_no_key_that_is_no_time(project: Path) -> None:
    model = (project / "model" / "orders.yml").read_text()
    shifted = (
        "  measures:\n  - {name: before, sql: '{count}', type: number, multi_stage: true,"
        " time_shift: [{interval: 1 month, type: prior}]}\n"
    )
    (project / "model" / "orders.yml").write_text(model.replace("  measures:\n", shifted, 1))
    query = {"measures": ["orders.before"], "dimensions": ["orders.city"], "order": {"orders.city": "asc"}}
    with cuboid.open(project) as opened:
        (result,) = opened.results(query)
        assert result["usedPreAggregations"]
    # Without a time there is nothing to be shifted: a seventh of 5,000 has no city, the rest is of five.
    counts = {row["orders.city"]: int(row["orders.before"]) for row in result["data"]}
    assert counts == {None: 715} | {
        f"city {n}": sum(i % 7 > 0 and i % 5 == n for i in range(5000)) for n in range(5)
    }


def test_data_that_is_said_to_have_changed_is_stored_anew(project: Path) -> None:
    sources = (project / "cuboid.yml").read_text().replace("shop.duckdb", "shop.duckdb, create: true")
    (project / "cuboid.yml").write_text(sources)
    with cuboid.open(project) as opened:
        assert opened.load(QUERIES[2]) == [{"orders.count": "5000"}]
        driver = opened.project.data_sources["default"].driver
        opened._run(driver.rows("INSERT INTO orders VALUES (9999, 'Rome', '2023-03-31 23:00', 1)"))
        opened._run(opened.project.service.invalidate(["orders"], opened._context(None)))
        assert opened.load({**QUERIES[2], "cache": "must-revalidate"}) == [{"orders.count": "5001"}]


def test_a_rollup_without_a_key_of_its_own_follows_those_of_its_cubes(project: Path) -> None:
    model = (project / "model" / "orders.yml").read_text()
    own = "    refresh_key:\n      every: 1 day\n      incremental: true\n"
    assert own in model
    cube = "  refresh_key: {every: 1 second, sql: SELECT max(id) FROM orders}\n  sql_table: orders\n"
    changed = model.replace(own, "").replace("  sql_table: orders\n", cube, 1)
    (project / "model" / "orders.yml").write_text(changed)
    sources = (project / "cuboid.yml").read_text().replace("shop.duckdb", "shop.duckdb, create: true")
    (project / "cuboid.yml").write_text(sources)
    with cuboid.open(project) as opened:
        opened.load(QUERIES[2])
        driver = opened.project.data_sources["default"].driver
        opened._run(driver.rows("INSERT INTO orders VALUES (9999, 'Rome', '2023-03-31 23:00', 1)"))
        fresh = {**QUERIES[2], "cache": "must-revalidate"}
        until(lambda: opened.load(fresh) == [{"orders.count": "5001"}])


def test_rows_are_ordered_by_the_first_index(project: Path) -> None:
    model = (project / "model" / "orders.yml").read_text()
    index = "    indexes: [{name: by_city, columns: [city]}]\n    measures:\n    - count\n"
    assert model.count("    measures:\n    - count\n") == 1
    for text in (model, model.replace("    measures:\n    - count\n", index)):
        (project / "model" / "orders.yml").write_text(text)
        assert run(project, "rollups", "build", "--force", "--zone", "UTC").returncode == 0
        (path,) = project.glob(".cuboid/rollups/*/20230301.*/*.parquet")
        rows = duckdb.sql(f"SELECT orders__city, orders__placed_day FROM '{path}'").fetchall()
        assert len(rows) > 100
        ordered = sorted(rows, key=lambda row: (row[0] is None, row[0] or "", row[1]))
        assert (rows == ordered) is ("indexes" in text)
        path.unlink()


def test_an_index_by_what_is_not_stored_is_told(project: Path) -> None:
    model = (project / "model" / "orders.yml").read_text()
    index = "    indexes: [{name: by_id, columns: [id]}]\n    measures:\n    - count\n"
    (project / "model" / "orders.yml").write_text(model.replace("    measures:\n    - count\n", index))
    told = run(project, "check")
    assert "the index 'by_id' has no effect by 'orders.id'" in told.stdout + told.stderr


def test_stored_buckets_that_a_shift_moves_into_two_are_not_read(project: Path) -> None:
    """A year less a quarter lies in two years; the orders go from January into July of one."""
    model = (project / "model" / "orders.yml").read_text()
    shifted = (
        "  measures:\n  - {name: before, sql: '{count}', type: number, multi_stage: true,"
        " time_shift: [{interval: 1 quarter, type: prior}]}\n"
    )
    model = model.replace("  measures:\n", shifted, 1).replace(
        "    granularity: day\n", "    granularity: year\n"
    )
    model = model.replace("    partition_granularity: month\n", "").replace("      incremental: true\n", "")
    assert "granularity: year" in model
    (project / "model" / "orders.yml").write_text(model)
    query = {
        "measures": ["orders.before"],
        "timeDimensions": [{"dimension": "orders.placed", "granularity": "year"}],
        "filters": [{"member": "orders.placed", "operator": "set"}],
    }
    with cuboid.open(project) as opened:
        (result,) = opened.results(query)
    assert "usedPreAggregations" not in result
    with cuboid.open(project, rollup_store="none") as opened:
        assert result["data"] == opened.load(query)
    assert {row["orders.placed.year"][:4] for row in result["data"]} == {"2023"}


def test_what_an_inner_query_reads_of_a_cube_that_differs_by_who_asks_is_not_stored(project: Path) -> None:
    """Visits are of people by way of shops, of which each sees his own."""
    number = {"name": "id", "sql": "id", "type": "number", "primary_key": True}
    visits = {"name": "visits", "sql_table": "visits", "dimensions": [number]}
    visits |= {"measures": [{"name": "count", "type": "count"}]}
    visits |= {
        "joins": [{"name": "shops", "relationship": "many_to_one", "sql": "{CUBE}.shop_id = {shops}.id"}]
    }
    own = "SELECT * FROM shops WHERE {SECURITY_CONTEXT.town.filter('town')}"
    shops = {"name": "shops", "sql": own, "dimensions": [number]}
    shops |= {
        "joins": [{"name": "people", "relationship": "many_to_one", "sql": "{CUBE}.owner_id = {people}.id"}]
    }
    seen = {"name": "seen", "sql": "{visits.count}", "type": "number", "sub_query": True}
    people = {"name": "people", "sql_table": "people", "dimensions": [number, seen]}
    people |= {"measures": [{"name": "count", "type": "count"}]}
    people |= {"pre_aggregations": [{"name": "by_seen", "measures": ["count"], "dimensions": ["seen"]}]}
    (project / "model" / "people.yml").write_text(json.dumps({"cubes": [visits, shops, people]}))
    with cuboid.open(project) as opened:
        (explained,) = opened.explain({"measures": ["people.count"]})["explanations"]
    reasons = {each["rollup"]: each["reason"] for each in explained["rollups"]}
    assert reasons["people.by_seen"].startswith("cube 'shops' differs from query to query")
