"""What a model of 500 cubes costs beside one of 10: planning the same new question, and the start until /readyz."""

from __future__ import annotations

import itertools
import statistics
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import starting
from compiling import cube
from measure import Row

from cuboid.catalog.compile import compile_catalog
from cuboid.catalog.files import ModelFile
from cuboid.planner import Planner
from cuboid.request import RequestContext, RequestReader
from cuboid.service import Service
from cuboid_duckdb.dialect import DuckDBDialect

SIZES = (10, 500)
THREE_OF_TEN = list(itertools.combinations(range(10), 3))


def rows(rounds: int) -> list[Row]:
    """The report's rows."""
    few, many = SIZES
    models = {size: model(size) for size in SIZES}
    read: dict[int, list[float]] = {size: [] for size in SIZES}
    planned: dict[int, list[float]] = {size: [] for size in SIZES}
    for number in range(rounds):
        for size, (planner, reader) in models.items():
            query = asked(number)
            start = time.thread_time()
            (question,) = reader.read(query, RequestContext()).questions
            middle = time.thread_time()
            planner.prepare(question.shape).bind(question.values)
            read[size].append(middle - start)
            planned[size].append(time.thread_time() - middle)
    found = []
    for what, times in (("read a new question", read), ("plan a new shape", planned)):
        against = f"{what}, {few} cubes"
        found += [
            Row(against, statistics.median(times[few])),
            Row(f"{what}, {many} cubes", statistics.median(times[many]), against, most=1.1),
        ]
    return [*found, Row(f"cuboid serve to /readyz, {many} cubes", until_ready(many), most=1.5)]


def model(size: int) -> tuple[Planner, RequestReader]:
    catalog = compile_catalog([ModelFile(f"model/c{n}.yml", text(n, size)) for n in range(size)])
    source = SimpleNamespace(dialect=DuckDBDialect(), identity="duckdb")
    return Service(lambda: catalog, {"default": source}).planning.over(catalog)  # type: ignore[dict-item]


def text(number: int, size: int) -> str:
    """The cube's file, its joins within a model of that size."""
    written = cube(number)
    for step in (1, 2):
        written = written.replace(f"c{(number + step) % 1000}", f"c{(number + step) % size}")
    return written


def asked(number: int) -> dict[str, Any]:
    """Another shape each time: measures and dimensions of two cubes that are joined."""
    measures = THREE_OF_TEN[number % len(THREE_OF_TEN)]
    return {
        "measures": [f"c3.m{n}" for n in measures],
        "dimensions": [f"c3.d{number // 120 % 8}", "c4.d1"],
        "timeDimensions": [{"dimension": "c3.d8", "granularity": "month"}],
        "filters": [
            {"member": "c4.d2", "operator": "equals", "values": ["x"]},
            {"member": "c3.d7", "operator": "set"},
        ],
    }


def until_ready(size: int) -> float:
    """Seconds from the start of the process to the first 200 of /readyz; the median of three."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "model").mkdir()
        for number in range(size):
            (Path(folder) / "model" / f"c{number}.yml").write_text(text(number, size))
        return starting.until_ready(Path(folder), 3, CUBEJS_DB_TYPE="duckdb")
