"""Lambdas of a project, end to end: stored parts, and newer rows from the source or from another rollup."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from tests.stored_shop import MODEL, fill, make_project

import cuboid
from cuboid.embedded import EmbeddedProject

TOTAL = {"measures": ["orders.count", "orders.total"]}
BY_MONTH = {
    **TOTAL,
    "timeDimensions": [{"dimension": "orders.placed", "granularity": "month"}],
}
IN_MARCH = {
    **TOTAL,
    "timeDimensions": [{"dimension": "orders.placed", "dateRange": ["2023-03-01", "2023-03-31"]}],
}
IN_JULY = {
    **TOTAL,
    "timeDimensions": [{"dimension": "orders.placed", "dateRange": ["2023-07-01", "2023-07-31"]}],
}


def shop(folder: Path, *lambdas: dict[str, Any], **batch: Any) -> Path:
    """A project whose rollup ``monthly`` has these keys too, with these lambdas of it."""
    project = make_project(folder)
    model = copy.deepcopy(MODEL)
    (cube,) = model["cubes"]
    (monthly,) = cube["pre_aggregations"]  # type: ignore[misc]
    monthly.update(batch)  # type: ignore[attr-defined]
    cube["pre_aggregations"] = [monthly, *({"type": "rollup_lambda", **each} for each in lambdas)]
    cube["refresh_key"] = {"every": "1 second"}  # type: ignore[assignment]
    (project / "model" / "orders.yml").write_text(yaml.safe_dump(model))
    sources = "data_sources:\n  default: {driver: duckdb, database: shop.duckdb, create: true}\n"
    (project / "cuboid.yml").write_text(sources)
    return project


LIVE = {"name": "live", "rollups": ["monthly"], "union_with_source_data": True}


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[EmbeddedProject]:
    with cuboid.open(shop(tmp_path, LIVE)) as project:
        yield project


def change(opened: Any, sql: str) -> None:
    opened._run(opened.project.data_sources["default"].driver.rows(sql))


def used(opened: Any, query: dict[str, Any]) -> list[tuple[str, str]]:
    (result,) = opened.results(query)
    return [
        (each["preAggregationId"], each["type"]) for each in result.get("usedPreAggregations", {}).values()
    ]


def over_tables(project: Path, query: dict[str, Any]) -> list[Any]:
    with cuboid.open(project, rollup_store="none") as opened:
        return opened.load(query)


def until(condition: Any) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def parts(project: Path) -> list[str]:
    (path,) = project.glob(".cuboid/rollups/*/table.json")
    written = json.loads(path.read_text())
    return sorted(part["label"] for part in written["parts"] if part["tail"] is None)


@pytest.mark.parametrize(
    "query", [TOTAL, BY_MONTH, IN_MARCH, IN_JULY], ids=["all", "by month", "March", "July"]
)
def test_a_lambda_answers_as_the_tables_do(
    opened: EmbeddedProject, tmp_path: Path, query: dict[str, Any]
) -> None:
    assert used(opened, query) == [("orders.live", "rollup_lambda")]
    assert opened.load(query) == over_tables(tmp_path, query)


def test_the_newest_part_is_read_anew_and_older_ones_are_not(opened: EmbeddedProject, tmp_path: Path) -> None:
    before = [int(opened.load(each)[0]["orders.count"]) for each in (IN_JULY, IN_MARCH, TOTAL)]
    assert parts(tmp_path) == ["20230101", "20230201", "20230301", "20230401", "20230501", "20230601", "rest"]
    change(
        opened, "INSERT INTO orders VALUES (9001, 'Rome', '2023-07-15', 1), (9002, 'Rome', '2023-03-15', 1)"
    )
    change(
        opened, "INSERT INTO orders VALUES (9003, 'Rome', '2023-08-01', 1), (9004, 'Rome', '2023-11-15', 1)"
    )
    until(lambda: int(opened.load(IN_JULY)[0]["orders.count"]) == before[0] + 1)
    assert int(opened.load(IN_MARCH)[0]["orders.count"]) == before[1]
    assert int(opened.load(TOTAL)[0]["orders.count"]) == before[2] + 3


def test_where_live_rows_begin_moves_on_with_time(opened: EmbeddedProject, tmp_path: Path) -> None:
    opened.load(IN_JULY)
    change(
        opened, "INSERT INTO orders VALUES (9001, 'Rome', '2023-09-15', 1), (9002, 'Rome', '2023-07-15', 1)"
    )
    opened.close()
    expected = [over_tables(tmp_path, each) for each in (BY_MONTH, TOTAL)]
    for name in ("worker", "reader"):
        built = {"pre_aggregations_builder": name == "worker"}
        with cuboid.open(tmp_path, **built) as again:
            if name == "worker":
                again._run(again.project.refresher.look())
                assert parts(tmp_path)[-4:] == ["20230701", "20230801", "20230901", "rest"]
            assert used(again, TOTAL) == [("orders.live", "rollup_lambda")]
            assert [again.load(each) for each in (BY_MONTH, TOTAL)] == expected


def test_rows_without_a_time_are_there_once(opened: EmbeddedProject, tmp_path: Path) -> None:
    query = {"measures": ["orders.count"], "filters": [{"member": "orders.placed", "operator": "notSet"}]}
    assert used(opened, query) == [("orders.live", "rollup_lambda")]
    # Every eleventh of 5,000, the first included.
    assert opened.load(query) == [{"orders.count": "455"}]


UNTIL_APRIL = {"sql": "SELECT '2023-04-10'"}


def test_what_is_not_to_be_stored_is_asked_of_the_source(tmp_path: Path) -> None:
    project = shop(tmp_path, build_range_start={"sql": "SELECT '2023-02-01'"}, build_range_end=UNTIL_APRIL)
    queries = [IN_MARCH, IN_JULY, TOTAL, BY_MONTH]
    with cuboid.open(project) as opened:
        assert [used(opened, each) != [] for each in queries] == [True, False, False, False]
        assert parts(tmp_path) == ["20230301"]
        (explained,) = opened.explain(IN_MARCH)["explanations"]
        ((told, reason),) = [(each["used"], each["reason"]) for each in explained["rollups"]]
        assert told
        assert "then the source answers" in reason
        opened._run(opened.project.refresher.look())
        assert parts(tmp_path) == ["20230201", "20230301", "20230401", "rest"]
        assert [opened.load(each) for each in queries] == [over_tables(project, each) for each in queries]


def test_a_range_that_holds_all_rows_leaves_none_to_the_source(tmp_path: Path) -> None:
    given = {"sql": "SELECT TIMESTAMP '2022-12-01 12:00:00'"}, {"sql": "SELECT DATE '2024-01-01'"}
    project = shop(tmp_path, build_range_start=given[0], build_range_end=given[1])
    with cuboid.open(project) as opened:
        for query in (IN_MARCH, IN_JULY, TOTAL, BY_MONTH):
            assert used(opened, query) == [("orders.monthly", "rollup")]
            assert opened.load(query) == over_tables(project, query)


def test_a_lambda_has_from_the_source_what_is_not_to_be_stored(tmp_path: Path) -> None:
    project = shop(tmp_path, LIVE, build_range_end=UNTIL_APRIL)
    with cuboid.open(project) as opened:
        for query in (IN_MARCH, IN_JULY, TOTAL, BY_MONTH):
            assert used(opened, query) == [("orders.live", "rollup_lambda")]
            assert opened.load(query) == over_tables(project, query)
    assert parts(tmp_path) == ["20230101", "20230201", "20230301", "rest"]


def test_a_second_rollup_follows_the_first_also_from_another_database(tmp_path: Path) -> None:
    project = shop(
        tmp_path, {"name": "both", "rollups": ["monthly", "arrivals.stream"]}, build_range_end=UNTIL_APRIL
    )
    model = yaml.safe_load((project / "model" / "orders.yml").read_text())
    arrivals = copy.deepcopy(model["cubes"][0]) | {"name": "arrivals", "data_source": "river"}
    (stream,) = [each for each in arrivals["pre_aggregations"] if each["name"] == "monthly"]
    stream["name"] = "stream"
    stream["measures"].reverse()
    del stream["build_range_end"]
    arrivals["pre_aggregations"] = [stream]
    (project / "model" / "arrivals.yml").write_text(yaml.safe_dump({"cubes": [arrivals]}))
    with (project / "cuboid.yml").open("a") as sources:
        sources.write("  river: {driver: duckdb, database: river.duckdb, create: true}\n")
    with duckdb.connect(str(project / "river.duckdb")) as connection:
        connection.execute(
            "CREATE TABLE orders (id INT, city VARCHAR, placed TIMESTAMP, amount DECIMAL(10, 2))"
        )
        connection.execute(
            "INSERT INTO orders VALUES (1, 'Rome', '2023-03-31', 1), (2, 'Rome', '2023-04-01', 2.5),"
            " (3, 'Oslo', '2024-01-01', 4)"
        )
    with cuboid.open(project) as opened:
        assert used(opened, BY_MONTH) == [("orders.both", "rollup_lambda")]
        answered = opened.load(BY_MONTH)
        # Orders up to March, arrivals from April on, and the orders without a time.
        expected = [
            row for row in over_tables(project, BY_MONTH) if str(row["orders.placed.month"]) < "2023-04"
        ]
        expected.append(row_of("2023-04", "1", "2.5"))
        expected.append(row_of("2024-01", "1", "4"))
        rest = [row for row in over_tables(project, BY_MONTH) if row["orders.placed.month"] is None]
        key = repr
        assert sorted(map(key, map(plain, answered))) == sorted(map(key, map(plain, [*expected, *rest])))


def row_of(month: str, count: str, total: str) -> dict[str, Any]:
    moment = f"{month}-01T00:00:00.000"
    return {
        "orders.placed": moment,
        "orders.placed.month": moment,
        "orders.count": count,
        "orders.total": total,
    }


def plain(row: dict[str, Any]) -> list[tuple[str, Any]]:
    numbers = ("orders.count", "orders.total")
    return sorted((name, float(cell) if name in numbers else cell) for name, cell in row.items())


REFUSED = {
    "adds nothing": {"name": "same", "rollups": ["monthly"]},
    "more than three": {"name": "many", "rollups": ["monthly", "weekly", "whole", "fourth"]},
    "a week of 'orders.weekly' may lie in two parts": {**LIVE, "name": "weeks", "rollups": ["weekly"]},
    "has no parts: give it a partition_granularity": {**LIVE, "name": "nothing", "rollups": ["whole"]},
}


@pytest.mark.parametrize("reason", REFUSED)
def test_a_lambda_that_cannot_be_says_why(tmp_path: Path, reason: str) -> None:
    project = shop(tmp_path, REFUSED[reason])
    model = yaml.safe_load((project / "model" / "orders.yml").read_text())
    rollups = model["cubes"][0]["pre_aggregations"]
    weekly = {**rollups[0], "name": "weekly", "granularity": "week"}
    rollups += [weekly, {**rollups[0], "name": "fourth"}, {**rollups[0], "name": "whole"}]
    del rollups[-1]["partition_granularity"]
    del rollups[-1]["refresh_key"]
    (project / "model" / "orders.yml").write_text(yaml.safe_dump(model))
    with cuboid.open(project) as opened:
        (explained,) = opened.explain(TOTAL)["explanations"]
        reasons = {each["rollup"]: each["reason"] for each in explained["rollups"]}
        assert reason in reasons[f"orders.{REFUSED[reason]['name']}"]
        assert opened.load(TOTAL) == over_tables(project, TOTAL)


def test_why_and_sql_tell_of_a_lambda(opened: EmbeddedProject) -> None:
    (explained,) = opened.explain(TOTAL)["explanations"]
    told = {each["rollup"]: (each["used"], each["reason"]) for each in explained["rollups"]}
    assert told == {"orders.live": (True, None), "orders.monthly": (False, "'orders.live' has newer rows")}


def test_the_statements_of_a_lambda_are_those_of_its_rollup_and_of_newer_rows(
    opened: EmbeddedProject,
) -> None:
    body = opened._run(opened.project.service.sql(TOTAL, opened._context(None)))
    stored, newer = json.loads(body)["sql"]["preAggregations"]
    assert (stored["preAggregationId"], stored["type"]) == ("orders.monthly", "rollup")
    assert stored["rollupLambdaId"] == newer["preAggregationId"] == "orders.live"
    assert newer["type"] == "rollup_lambda"
    assert "placed" in newer["loadSql"][0]
    assert len(newer["loadSql"][1]) == 1


READER = """
import sys
import cuboid
with cuboid.open(sys.argv[1]) as opened:
    while True:
        opened.load({"measures": ["orders.count"]})
        print("read", flush=True)
"""


def test_readers_that_are_killed_leave_what_the_next_one_reads_right(tmp_path: Path) -> None:
    """Each reads the newest rows anew every second."""
    project = shop(tmp_path, LIVE)
    fill(project, 100_000)
    for reads in (0, 1, 2, 40):
        command = [sys.executable, "-c", READER, str(project)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as reader:
            assert reader.stdout is not None
            for _ in range(reads):
                assert reader.stdout.readline() == "read\n"
            if not reads:  # amid the first builds
                until(lambda: list(project.glob(".cuboid/rollups/*/table.json")) != [])
            reader.kill()
        with cuboid.open(project) as opened:
            for query in (TOTAL, BY_MONTH, IN_MARCH):
                assert used(opened, query) == [("orders.live", "rollup_lambda")]
                assert opened.load(query) == over_tables(project, query)
