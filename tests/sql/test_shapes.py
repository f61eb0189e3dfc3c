"""Golden statements: one shape per file in ``shapes/``, with a title that says what must be seen in it.

A file is a title, a query, and the SQL with its parameters. The SQL was read and judged, not only recorded; whether
it is right is for the oracle to say. Those in a folder of ``shapes/`` are in that dialect, the others in DuckDB's.
``pytest tests/sql/test_shapes.py --rewrite-shapes`` writes the files anew.
"""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cuboid.catalog.compile import compile_catalog
from cuboid.catalog.files import ModelFile
from cuboid.catalog.model import Catalog
from cuboid.planner import Planner
from cuboid.query.normalize import normalize
from cuboid.query.parse import parse
from cuboid.sql.dialect import Dialect
from cuboid_clickhouse.dialect import ClickHouseDialect
from cuboid_duckdb.dialect import DuckDBDialect
from cuboid_mysql.dialect import MySQLDialect
from cuboid_postgres.dialect import PostgresDialect

SHAPES = Path(__file__).parent / "shapes"
DIALECTS: dict[str, Dialect] = {
    "shapes": DuckDBDialect(),
    "postgres": PostgresDialect(),
    "mysql": MySQLDialect(),
    "clickhouse": ClickHouseDialect(),
}
NOW = datetime(2024, 6, 15, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    catalog = compile_catalog([ModelFile("model.yml", (SHAPES / "model.yml").read_text())])
    assert not catalog.errors
    return catalog


@pytest.fixture(scope="module")
def planners(catalog: Catalog) -> dict[str, Planner]:
    return {name: Planner(catalog, lambda _, dialect=dialect: dialect) for name, dialect in DIALECTS.items()}


@pytest.mark.parametrize(
    "file", sorted(SHAPES.glob("**/*.sql")), ids=lambda file: f"{file.parent.name}-{file.stem}"
)
def test_shape(file: Path, planners: dict[str, Planner], request: pytest.FixtureRequest) -> None:
    planner = planners[file.parent.name]
    title, query, expected = _read(file)
    (question,) = normalize(parse(json.loads(query)), planner.catalog, now=NOW)
    prepared = planner.prepare(question.shape)
    statement = prepared.bind(question.values)
    shown = f"{statement.sql}\n"
    if statement.parameters:
        shown += f"-- {json.dumps(prepared.wire_parameters(question.values))}\n"
    if request.config.getoption("--rewrite-shapes", False):
        file.write_text(f"-- {title}\n-- {query}\n{shown}")
    assert title
    assert shown == expected or request.config.getoption("--rewrite-shapes", False)


def _read(file: Path) -> tuple[str, str, str]:
    title, query, sql = [*file.read_text().split("\n", 2), "", ""][:3]
    return title.removeprefix("-- "), query.removeprefix("-- "), sql
