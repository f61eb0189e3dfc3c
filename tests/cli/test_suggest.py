"""``query_log`` and ``cuboid rollups suggest``: what was asked is noted, and what is proposed answers it."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Run

import cuboid

MODEL = """
cubes:
  - name: orders
    sql: >
      SELECT range AS id, range % 3 AS city_id, range % 5 AS amount,
      TIMESTAMP '2024-01-01' + INTERVAL 7 HOUR * range AS at,
      CASE range % 2 WHEN 0 THEN 'paid' ELSE 'open' END AS status FROM range(1000)
    joins: [{name: cities, relationship: many_to_one, sql: "{CUBE}.city_id = {cities.id}"}]
    measures:
      - {name: count, type: count}
      - {name: total, type: sum, sql: amount}
      - {name: mean, type: number, sql: "{total} / {count}"}
      - {name: sizes, type: count_distinct, sql: amount}
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: status, sql: status, type: string}
      - {name: at, sql: at, type: time}
    segments: [{name: large, sql: "{CUBE}.amount > 3"}]
  - name: cities
    sql: SELECT 0 AS id, 'Rome' AS name UNION ALL SELECT 1, 'Oslo' UNION ALL SELECT 2, 'Bonn'
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: name, sql: name, type: string}
"""
AT = "orders.at"
MONTHLY = {
    "measures": ["orders.mean"],
    "dimensions": ["cities.name"],
    "timeDimensions": [{"dimension": AT, "granularity": "month", "dateRange": ["2024-01-01", "2024-03-31"]}],
}
DAILY = {
    "measures": ["orders.total"],
    "timeDimensions": [{"dimension": AT, "granularity": "day", "dateRange": ["2024-02-01", "2024-02-10"]}],
    "filters": [{"member": "orders.status", "operator": "equals", "values": ["a secret"]}],
}
LARGE = {
    "measures": ["orders.count"],
    "segments": ["orders.large"],
    "timeDimensions": [{"dimension": AT, "dateRange": ["2024-02-01", "2024-02-10"]}],
}
DISTINCT = {"measures": ["orders.sizes"]}
ROWS = {"dimensions": ["orders.status"], "ungrouped": True}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "cuboid.yml").write_text(
        "query_log: logs/queries.jsonl\ndata_sources:\n  default: {driver: duckdb}\n"
    )
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "orders.yml").write_text(MODEL)
    return tmp_path


def ask(folder: Path, *queries: dict[str, Any]) -> list[dict[str, Any]]:
    with cuboid.open(folder) as opened:
        for query in queries:
            opened.load(query)
    return [json.loads(line) for line in (folder / "logs" / "queries.jsonl").read_text().splitlines()]


def test_a_question_is_noted_without_the_values_of_its_filters(folder: Path) -> None:
    first, second = ask(folder, DAILY, DAILY)
    assert first["query"] == second["query"]
    assert first["query"]["filters"] == [{"member": "orders.status", "operator": "equals", "values": 1}]
    assert first["query"]["timeDimensions"][0]["dateRange"] == [
        "2024-02-01T00:00:00.000",
        "2024-02-10T23:59:59.999",
    ]
    assert (first["answered"], second["answered"], second["ms"]) == ("database", "cache", 0.0)
    assert first["ms"] > 0
    assert "a secret" not in (folder / "logs" / "queries.jsonl").read_text()


def test_what_is_proposed_answers_what_was_asked(folder: Path, run: Run) -> None:
    ask(folder, MONTHLY, MONTHLY, DAILY, LARGE, DISTINCT, ROWS)
    found = json.loads(run("rollups", "suggest", "--output", "json").stdout)
    # Distinct counts of days do not add up, and rows as they are are in no rollup.
    answered = sum(each["questions"] for each in found)
    assert answered >= 4
    assert sum(each["share"] for each in found) == pytest.approx(answered / 6)
    assert all(each["cube"] == "orders" for each in found)
    text = "\n".join(each["text"] for each in found)
    model = MODEL.replace(
        "  - name: cities\n    sql",
        f"    pre_aggregations:\n{textwrap.indent(text, ' ' * 6)}\n  - name: cities\n    sql",
    )
    (folder / "model" / "orders.yml").write_text(model)
    before = ask(folder)
    told = ask(folder, MONTHLY, DAILY, LARGE)[len(before) :]
    assert [each["answered"] for each in told] == ["rollups"] * 3


def test_without_a_log_it_says_how_to_get_one(folder: Path, run: Run) -> None:
    assert "There is no query log yet" in run("rollups", "suggest").stderr
    (folder / "cuboid.yml").write_text("data_sources:\n  default: {driver: duckdb}\n")
    assert "Set query_log to a file" in run("rollups", "suggest").stderr


def test_lines_that_are_no_questions_are_passed_over(folder: Path, run: Run) -> None:
    ask(folder, MONTHLY)
    log = folder / "logs" / "queries.jsonl"
    gone = log.read_text().replace("orders.mean", "orders.gone")
    odd = [
        {"timeDimensions": None},
        {"timeDimensions": ["x"]},
        {"filters": None},
        {"filters": [{"operator": "set"}]},
        {"filters": [{"member": "orders.status", "operator": "equals", "values": ["a"]}]},
    ]
    lines = [
        json.dumps({"query": {"measures": ["orders.count"], **each}, "answered": "cache", "ms": 5})
        for each in odd
    ]
    read = sum(
        1 for each in odd if each.get("timeDimensions", "") == ""
    )  # the first two are no questions at all
    log.write_text("\n".join(["nonsense", '{"query": 3}', "[]", *lines, f"{gone}{log.read_text()}"]))
    told = run("rollups", "suggest")
    assert told.returncode == 0
    assert f"# cube orders: 1 questions, {1 / (2 + read):.0%} of all" in told.stdout
    assert "measures: [count, total]" in told.stdout
    assert "dimensions: [cities.name]" in told.stdout
    assert "time_dimension: at\n  granularity: month" in told.stdout
