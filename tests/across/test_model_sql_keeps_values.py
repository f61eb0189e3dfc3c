"""A model's SQL has the values that its engine gives it as it was written: Cuboid reads it and writes it again, and the
words of an engine are many."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from tests.across.shop import DRIVERS, connection
from tests.engines.admin import admin
from tests.engines.fixtures import DATABASES, EMBEDDED

import cuboid
from cuboid.errors import CuboidError

EXPRESSIONS = Path(__file__).parent / "model_sql"
"""A file of expressions for each database's SQL, one a line: those of dimensions, and aggregates."""

KINDS = ("dimensions", "measures")
LACKING: Mapping[str, Sequence[str]] = {
    "mysql": ("md5('a')", "sha1('a')", "'a' regexp binary 'A'"),
    "mariadb": ("any_value(3)",),
}
"""What is in the list of MySQL and MariaDB, and this one does not have."""

KNOWN: Mapping[str, Mapping[str, str]] = {
    "duckdb": {"4!": "sqlglot does not read the operator"},
    "postgres": {"@ -4": "sqlglot does not read the operator"},
    "mysql": {},
    "clickhouse": {
        "7 mod 4": "sqlglot reads MOD only as a function, or %",
        "in(1, (1, 2))": "sqlglot reads IN only as an operator",
    },
}
"""What has no value through Cuboid, or another one, and why. Whoever mends one moves it to the list."""

Questions = Mapping[str, Sequence[str]]
Written = Callable[[str, str], str]
Run = Callable[[str], list[tuple[Any, ...]]]
ENGINES = [EMBEDDED, *(pytest.param(name, marks=pytest.mark.engine(name)) for name in DATABASES)]


def expressions(engine: str) -> dict[str, list[str]]:
    """The engine's, by kind."""
    found: dict[str, list[str]] = {}
    for line in (EXPRESSIONS / f"{DRIVERS[engine]}.sql").read_text(encoding="utf-8").splitlines():
        if line.startswith("-- "):
            found[line.removeprefix("-- ")] = []
        elif line not in LACKING.get(engine, ()):
            found[list(found)[-1]].append(line)
    assert tuple(found) == KINDS
    return found


@contextmanager
def running(request: pytest.FixtureRequest, engine: str) -> Iterator[tuple[Run, dict[str, Any]]]:
    """What runs a statement on the engine as it is, and the settings of a data source there."""
    if engine == EMBEDDED:
        with duckdb.connect() as database:
            yield lambda sql: database.execute(sql).fetchall(), {}
        return
    server = request.getfixturevalue(f"{engine}_server")
    with admin(server) as account:
        yield account.run, connection(server)


@contextmanager
def written(
    folder: Path, engine: str, settings: dict[str, Any], cubes: Mapping[str, Questions]
) -> Iterator[Written]:
    """Cuboid's statement for a cube's members of one kind, sorted by each: an expression has to serve there, too."""
    (folder / "model").mkdir(parents=True)
    source = {"driver": DRIVERS[engine], **settings}
    (folder / "cuboid.yml").write_text(
        yaml.safe_dump({"data_sources": {"default": source}, "api_secret": "none"})
    )
    model = {"cubes": [cube(name, questions) for name, questions in cubes.items()]}
    (folder / "model" / "cubes.yml").write_text(yaml.safe_dump(model), encoding="utf-8")
    with cuboid.open(folder) as project:

        def write(name: str, kind: str) -> str:
            members = [f"{name}.{kind[0]}{place}" for place in range(len(cubes[name][kind]))]
            text, parameters = project.sql(
                {kind: members, "ungrouped": kind == "dimensions", "order": dict.fromkeys(members, "asc")}
            )
            assert not parameters
            return text.replace("%%", "%") if engine in ("postgres", "mysql", "mariadb") else text

        yield write


def cube(name: str, questions: Questions) -> dict[str, Any]:
    """Members with these expressions, of one row."""
    members = {
        kind: [
            {"name": f"{kind[0]}{place}", "type": "string", "sql": re.sub(r"([{}])", r"\\\1", sql)}
            for place, sql in enumerate(found)
        ]
        for kind, found in questions.items()
    }
    key = {"name": "id", "sql": "id", "type": "number", "primary_key": True}
    return {"name": name, "sql": "SELECT 1 AS id", **members, "dimensions": [key, *members["dimensions"]]}


def raw(expressions: Sequence[str]) -> str:
    """The engine's own statement."""
    return "SELECT " + ", ".join(f"(\n{sql}\n) AS c{place}" for place, sql in enumerate(expressions))


@pytest.mark.parametrize("engine", ENGINES)
def test_model_sql_has_the_values_that_it_has_on_the_engine(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    all_, known = expressions(engine), KNOWN[DRIVERS[engine]]
    cubes: dict[str, Questions] = {"all": all_}
    cubes |= {f"known{place}": {"dimensions": [sql], "measures": []} for place, sql in enumerate(known)}
    with (
        running(request, engine) as (run, settings),
        written(tmp_path / "project", engine, settings, cubes) as write,
    ):
        for kind in KINDS:
            (expected,), (found,) = run(raw(all_[kind])), run(write("all", kind))
            rows = list(zip(all_[kind], expected, found, strict=True))
            assert [row for row in rows if row[1] != row[2]] == []
        for place, sql in enumerate(known):
            expected = run(raw([sql]))
            assert rows_of(run, write, f"known{place}") != expected, f"{sql} has become right"


def rows_of(run: Run, write: Written, name: str) -> list[tuple[Any, ...]] | None:
    """What Cuboid's statement for the cube's dimensions has, None if there is none."""
    try:
        return run(write(name, "dimensions"))
    except CuboidError:
        return None
