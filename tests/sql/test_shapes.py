"""Golden statements: one shape per file in ``shapes/``, with a title that says what must be seen in it.

A file is a title, a query, the claims of who asks if they matter, and the SQL with its parameters. The SQL was read and
judged, not only recorded; whether it is right is for the oracle to say. Those in a folder of ``shapes/`` are in that
dialect, the others in DuckDB's. Every shape is there in every dialect.
``pytest tests/sql/test_shapes.py --rewrite-shapes`` writes the files anew.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cuboid.catalog.compile import compile_catalog
from cuboid.catalog.files import ModelFile
from cuboid.catalog.model import Catalog
from cuboid.planner import Planner
from cuboid.query.access import AccessReader, AccessSettings
from cuboid.query.model import Question
from cuboid.query.normalize import normalize
from cuboid.query.parse import parse
from cuboid.sql.dialect import Dialect
from cuboid.types import Principal
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
AS = "-- as "
SELLER = {"groups": ["seller"], "region": "north"}
LACKING = {engine: {"77_approximate_distinct.sql"} for engine in ("postgres", "mysql")}
NOW = datetime(2024, 6, 15, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Golden:
    """A file of ``shapes/``: the lines above its statement, and the statement."""

    head: tuple[str, ...]
    sql: str

    @classmethod
    def read(cls, file: Path) -> Golden:
        lines = file.read_text().split("\n")
        count = 3 if lines[2].startswith(AS) else 2
        return cls(tuple(line.removeprefix("-- ") for line in lines[:count]), "\n".join(lines[count:]))

    @property
    def title(self) -> str:
        return self.head[0]

    def question(self, catalog: Catalog) -> Question:
        claims = json.loads(self.head[2].removeprefix("as ")) if len(self.head) > 2 else SELLER
        access = AccessReader(catalog, AccessSettings())
        (question,) = normalize(
            parse(json.loads(self.head[1])),
            catalog,
            now=NOW,
            access=lambda query, scope: access.read(query, Principal(claims), scope),
        )
        if question.query.total:
            return replace(
                question, shape=replace(question.shape, total=True, order=(), limit=None, offset=None)
            )
        return question


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
    golden = Golden.read(file)
    question = golden.question(planner.catalog)
    prepared = planner.prepare(question.shape)
    statement = prepared.bind(question.values)
    shown = f"{statement.sql}\n"
    if statement.parameters:
        shown += f"-- {json.dumps(prepared.wire_parameters(question.values))}\n"
    if request.config.getoption("--rewrite-shapes", False):
        file.write_text("".join(f"-- {line}\n" for line in golden.head) + shown)
    ctes = re.findall(r'["`](\w+)["`] AS \(\s*/\*', statement.sql)
    assert len(set(ctes)) == len(ctes)  # some engines take one for another of its name, inside or outside
    assert golden.title
    assert shown == golden.sql or request.config.getoption("--rewrite-shapes", False)


def test_every_shape_is_there_in_every_dialect() -> None:
    names = {file.name for file in SHAPES.glob("*.sql")}
    for name in DIALECTS:
        folder = SHAPES if name == "shapes" else SHAPES / name
        assert {file.name for file in folder.glob("*.sql")} == names - LACKING.get(name, set())
