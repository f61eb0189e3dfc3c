"""What planning each golden shape costs: never seen, and seen before with other values.

    python benchmarks/shapes.py [--rounds 300] [--slowest 12] [--markdown]

A new shape is planned by a planner that has planned other shapes, so the templates of the model are parsed already and
the catalog's joins are known: what a server meets that has run for a minute. ``--fresh`` takes a new planner for each.
Times are what the thread's CPU spends, of planning and binding alone; reading the JSON comes before.
"""

from __future__ import annotations

import argparse
import functools
import json
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from measure import Row, readable

from cuboid.catalog.compile import compile_catalog
from cuboid.catalog.files import ModelFile
from cuboid.catalog.model import Catalog
from cuboid.planner import Planner
from cuboid.query.access import AccessReader, AccessSettings
from cuboid.query.conditions import Scope
from cuboid.query.model import Access, Query, Question
from cuboid.query.normalize import normalize
from cuboid.query.parse import parse
from cuboid.sql.dialect import Dialect
from cuboid.types import Principal
from cuboid_duckdb.dialect import DuckDBDialect

SELLER = {"groups": ["seller"], "region": "north"}
SHAPES = Path(__file__).parents[1] / "tests" / "sql" / "shapes"
NOW = datetime(2024, 6, 15, 12, tzinfo=UTC)
SIMPLE_LINES, MEDIUM_LINES = 25, 60
"""Lines of SQL up to which a shape is simple, or medium."""

_DUCKDB = DuckDBDialect()


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds of each round."""

    name: str
    lines: int
    new: list[float]
    repeated: list[float]

    @property
    def size(self) -> str:
        if self.lines <= SIMPLE_LINES:
            return "simple"
        return "medium" if self.lines <= MEDIUM_LINES else "complex"


def model() -> Catalog:
    """The model of the golden shapes."""
    return compile_catalog([ModelFile("model.yml", (SHAPES / "model.yml").read_text())])


def questions(catalog: Catalog, folder: Path = SHAPES) -> Iterator[tuple[str, Question]]:
    """Each golden shape by the name of its file.

    :param folder: has those of one dialect.
    """
    access = AccessReader(catalog, AccessSettings())
    for file in sorted(folder.glob("*.sql")):
        _, query, third = file.read_text().split("\n", 3)[:3]
        claims = json.loads(third.removeprefix("-- as ")) if third.startswith("-- as ") else SELLER
        (question,) = normalize(
            parse(json.loads(query.removeprefix("-- "))),
            catalog,
            now=NOW,
            access=functools.partial(_access, access, Principal(claims)),
        )
        yield file.stem, question


def _access(access: AccessReader, asker: Principal, query: Query, scope: Scope) -> Access:
    return access.read(query, asker, scope)


def measured(
    catalog: Catalog,
    rounds: int,
    *,
    fresh: bool = False,
    dialect: Dialect = _DUCKDB,
    folder: Path = SHAPES,
) -> list[Measured]:
    """All shapes, in turn in each round, so that they share the machine's moods.

    :param folder: has the shapes that the dialect can say.
    """

    def planner() -> Planner:
        return Planner(catalog, lambda _: dialect)

    asked = list(questions(catalog, folder))
    new: dict[str, list[float]] = {name: [] for name, _ in asked}
    repeated: dict[str, list[float]] = {name: [] for name, _ in asked}
    lines: dict[str, int] = {}
    warm = planner()
    for _ in range(rounds):
        for name, question in asked:
            own = planner() if fresh else warm
            own._prepared.clear()  # what it has planned, and nothing else that it knows
            new[name].append(_seconds(own, question))
            repeated[name].append(_seconds(own, question))
            lines[name] = own.prepare(question.shape).bind(question.values).sql.count("\n")
    return [Measured(name, lines[name], new[name], repeated[name]) for name, _ in asked]


def _seconds(own: Planner, question: Question) -> float:
    start = time.thread_time()
    own.prepare(question.shape).bind(question.values)
    return time.thread_time() - start


def p99(times: list[float]) -> float:
    return sorted(times)[int(0.99 * (len(times) - 1))]


def rows(found: list[Measured], slowest: int) -> Iterator[tuple[str, ...]]:
    """A line for each size, for the slowest shapes, and for all."""
    for size in ("simple", "medium", "complex"):
        some = [each for each in found if each.size == size]
        yield _row(f"{size}, {len(some)} shapes", some)
    yield _row(f"all {len(found)}", found)
    for each in sorted(found, key=lambda each: -statistics.median(each.new))[:slowest]:
        yield _row(each.name, [each])


def _row(name: str, some: list[Measured]) -> tuple[str, ...]:
    new = [each for one in some for each in one.new]
    repeated = [each for one in some for each in one.repeated]
    times = (statistics.median(new), p99(new), statistics.median(repeated), p99(repeated))
    return (name, *map(readable, times))


def report_rows(rounds: int) -> list[Row]:
    """The medians, for the report of all benchmarks."""
    found = measured(model(), rounds)
    rows: list[Row] = []
    for size, most in (("simple", None), ("medium", 0.8e-3), ("complex", 2e-3)):
        some = [each for each in found if each.size == size]
        new = [each for one in some for each in one.new]
        rows.append(Row(f"new, {size}: {len(some)} golden shapes", statistics.median(new), most=most))
        rows.append(Row(f"new, {size}: p99", p99(new), most=None if most is None else 3 * most))
    again = [each for one in found for each in one.repeated]
    return [
        *rows,
        Row("repeated", statistics.median(again), most=40e-6),
        Row("repeated: p99", p99(again), most=100e-6),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--slowest", type=int, default=12, help="how many of the slowest shapes are shown")
    parser.add_argument("--fresh", action="store_true", help="a new planner for each new shape")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    given = parser.parse_args()
    found = measured(model(), given.rounds, fresh=given.fresh)
    head = ("shape", "new: median", "p99", "repeated: median", "p99")
    table = [head, *rows(found, given.slowest)]
    if given.markdown:
        table.insert(1, ("---",) * len(head))
        print("\n".join(f"| {' | '.join(row)} |" for row in table))
        return
    width = max(len(row[0]) for row in table) + 2
    print("\n".join(f"{row[0]:{width}}" + "".join(f"{cell:>18}" for cell in row[1:]) for row in table))


if __name__ == "__main__":
    main()
