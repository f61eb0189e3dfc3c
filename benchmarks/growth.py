"""What a model of 500 cubes costs beside one of 10: planning the same new question, and the start until /readyz."""

from __future__ import annotations

import itertools
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import starting
from compiling import cube
from measure import Row

from cuboid.catalog.compile import compile_catalog
from cuboid.catalog.files import ModelFile
from cuboid.planner import Planner
from cuboid.query.model import Question
from cuboid.query.normalize import normalize
from cuboid.query.parse import parse
from cuboid_duckdb.dialect import DuckDBDialect

SIZES = (10, 500)
THREE_OF_TEN = list(itertools.combinations(range(10), 3))


def rows(rounds: int) -> list[Row]:
    """The report's rows."""
    few, many = SIZES
    planners = {size: planner(size) for size in SIZES}
    times: dict[int, list[float]] = {size: [] for size in SIZES}
    for number in range(rounds):
        for size, own in planners.items():
            asked = question(own, number)
            start = time.thread_time()
            own.prepare(asked.shape).bind(asked.values)
            times[size].append(time.thread_time() - start)
    against = f"plan a new shape, {few} cubes"
    return [
        Row(against, statistics.median(times[few])),
        Row(f"plan a new shape, {many} cubes", statistics.median(times[many]), against, most=1.1),
        Row(f"cuboid serve to /readyz, {many} cubes", until_ready(many), most=1.5),
    ]


def planner(size: int) -> Planner:
    catalog = compile_catalog([ModelFile(f"model/c{n}.yml", text(n, size)) for n in range(size)])
    return Planner(catalog, lambda _: DuckDBDialect())


def text(number: int, size: int) -> str:
    """The cube's file, its joins within a model of that size."""
    written = cube(number)
    for step in (1, 2):
        written = written.replace(f"c{(number + step) % 1000}", f"c{(number + step) % size}")
    return written


def question(own: Planner, number: int) -> Question:
    """Another shape each time: measures and dimensions of two cubes that are joined."""
    measures = THREE_OF_TEN[number % len(THREE_OF_TEN)]
    query = {
        "measures": [f"c3.m{n}" for n in measures],
        "dimensions": [f"c3.d{number // 120 % 8}", "c4.d1"],
        "timeDimensions": [{"dimension": "c3.d8", "granularity": "month"}],
        "filters": [
            {"member": "c4.d2", "operator": "equals", "values": ["x"]},
            {"member": "c3.d7", "operator": "set"},
        ],
    }
    return normalize(parse(query), own.catalog, now=datetime.now(UTC))[0]


def until_ready(size: int) -> float:
    """Seconds from the start of the process to the first 200 of /readyz; the median of three."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "model").mkdir()
        for number in range(size):
            (Path(folder) / "model" / f"c{number}.yml").write_text(text(number, size))
        return starting.until_ready(Path(folder), 3, CUBEJS_DB_TYPE="duckdb")
