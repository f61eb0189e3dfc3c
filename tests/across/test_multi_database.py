"""One project, four data sources on four engines, one server: cubes of each answer side by side."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.across.serving import load, serving
from tests.across.shop import Table, connection, copy_tables
from tests.engines.admin import admin
from tests.engines.server import Server

SOURCES = ("default", "warehouse", "webshop", "events")
ENGINES = ("duckdb", "postgres", "mysql", "clickhouse")
CUBE = """
  - name: {source}_orders
    sql_table: orders
    data_source: {source}
    dimensions:
      - {{name: id, sql: id, type: number, primary_key: true}}
      - {{name: status, sql: status, type: string}}
      - {{name: is_gift, sql: is_gift, type: boolean}}
      - {{name: created_at, sql: created_at, type: time}}
    measures:
      - {{name: count, type: count}}
      - {{name: shipping, sql: shipping, type: sum}}
"""


@dataclass(frozen=True, slots=True)
class Served:
    """A project's server: ``warehouse`` is the database of the data source of that name."""

    url: str
    warehouse: Server

    def load(self, query: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Status and body, when there is an answer."""
        return load(self.url, query)


@pytest.fixture
def served(
    original: Path,
    tables: tuple[Table, ...],
    stocked: Callable[[str], Server],
    own_server: Callable[[str], Server],
    tmp_path: Path,
) -> Iterator[Served]:
    """The warehouse is on a server of its own, in Cube's variables; the others are in ``cuboid.yml``."""
    warehouse = own_server("postgres")
    with admin(warehouse) as account:
        copy_tables([table for table in tables if table.name == "orders"], account)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "orders.yml").write_text("cubes:" + "".join(CUBE.format(source=s) for s in SOURCES))
    sources = {
        "default": {"driver": "duckdb", "database": str(original)},
        "webshop": {"driver": "mysql", **connection(stocked("mysql"))},
        "events": {"driver": "clickhouse", **connection(stocked("clickhouse"))},
    }
    (tmp_path / "cuboid.yml").write_text(yaml.safe_dump({"data_sources": sources}))
    named = {
        "TYPE": "postgres",
        "HOST": warehouse.host,
        "PORT": warehouse.port,
        "NAME": warehouse.database,
    }
    named |= {"USER": warehouse.user, "PASS": warehouse.password}
    lines = ["CUBEJS_DATASOURCES=default,warehouse"]
    lines += [f"CUBEJS_DS_WAREHOUSE_DB_{name}={value}" for name, value in named.items()]
    (tmp_path / ".env").write_text("\n".join(lines))
    with serving(tmp_path) as url:
        yield Served(url, warehouse)


def question(source: str) -> dict[str, Any]:
    cube = f"{source}_orders"
    return {
        "measures": [f"{cube}.count", f"{cube}.shipping"],
        "dimensions": [f"{cube}.status", f"{cube}.is_gift"],
        "timeDimensions": [{"dimension": f"{cube}.created_at", "granularity": "quarter"}],
        "timezone": "Europe/Berlin",
    }


def rows(body: dict[str, Any], source: str) -> list[dict[str, Any]]:
    """The answer without the cube's name, by which alone sources may differ."""
    return json.loads(json.dumps(body["data"]).replace(f"{source}_orders.", ""))


@pytest.mark.engine(*ENGINES)
def test_cubes_of_four_engines_answer_side_by_side(served: Served) -> None:
    with ThreadPoolExecutor(len(SOURCES)) as threads:
        answers = dict(zip(SOURCES, threads.map(lambda s: served.load(question(s)), SOURCES), strict=True))
    assert {source: status for source, (status, _) in answers.items()} == dict.fromkeys(SOURCES, 200)
    found = {source: rows(body, source) for source, (_, body) in answers.items()}
    assert len(found["default"]) > 20
    assert all(each == found["default"] for each in found.values())
    # A question has one data source.
    status, body = served.load({"measures": [f"{source}_orders.count" for source in SOURCES[:2]]})
    assert status == 400
    assert "default" in body["error"]
    assert "warehouse" in body["error"]


@pytest.mark.engine(*ENGINES)
def test_a_dead_database_takes_down_its_own_cubes_only(served: Served) -> None:
    assert served.load(question("warehouse"))[0] == 200
    served.warehouse.kill()
    # Another question: that answer is kept, and still fresh.
    others = [question(source) | {"limit": 1000} for source in SOURCES]
    with ThreadPoolExecutor(len(SOURCES)) as threads:
        answers = dict(zip(SOURCES, threads.map(served.load, others), strict=True))
    status, body = answers.pop("warehouse")
    assert status == 400, body  # as Cube answers what the database said
    assert "Data source 'warehouse'" in body["error"]
    assert served.warehouse.password not in json.dumps(body)
    assert {source: status for source, (status, _) in answers.items()} == dict.fromkeys(answers, 200)
    served.warehouse.restart()
    assert served.load(question("warehouse") | {"limit": 1000})[0] == 200
