"""``cuboid rollups`` in a process of its own: what is told, built and listed."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import MODEL, Run

ROLLUP = """
    pre_aggregations:
      - name: monthly
        measures: [count]
        time_dimension: seen
        granularity: month
"""


def test_why_tells_for_each_rollup(run: Run, folder: Path) -> None:
    assert run("rollups", "why", "-m", "cities.count").stdout == "The model has no rollups.\n"
    (folder / "model" / "cities.yml").write_text(MODEL + ROLLUP)
    assert run("rollups", "why", "-m", "cities.count").stdout == "cities.monthly: used\n"
    by_city = run("rollups", "why", "-m", "cities.count", "-d", "cities.city")
    assert by_city.stdout == "cities.monthly: 'cities.city' is not stored\n"
    assert "Rollups\n  cities.monthly: used\n" in run("explain", "-m", "cities.count").stdout


def test_what_is_built_is_listed_and_answers(run: Run, folder: Path) -> None:
    (folder / "model" / "cities.yml").write_text(MODEL + ROLLUP)
    assert run("rollups", "list").stdout == "Nothing is stored yet.\n"
    built = run("rollups", "build")
    assert built.returncode == 0
    assert built.stdout == "cities.monthly (UTC): 1 of 1 parts built, 3 rows\n"
    assert "cities.monthly" in run("rollups", "list").stdout
    told = json.loads(run("sql", "-m", "cities.count", "--output", "json").stdout)["sql"]
    assert 'FROM "cities_monthly_' in told
    assert "4" in run("query", "-m", "cities.count").stdout
