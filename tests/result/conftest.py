"""Questions and results without planner or database: what the result room gets, written down by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cuboid.catalog.compile import compile_catalog
from cuboid.catalog.files import read_model
from cuboid.catalog.model import Catalog
from cuboid.query.model import Query, Question, Shape, TimeGrouping
from cuboid.types import Result, Value

FIXTURES = Path(__file__).parent / "fixtures"

Echo = Mapping[str, Any]


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    compiled = compile_catalog([file for file in read_model(FIXTURES, FIXTURES) if file.name == "model.yml"])
    assert compiled.errors == ()
    return compiled


@pytest.fixture(scope="session")
def recorded() -> Callable[[str], dict[str, Any]]:
    """A recorded pair by name: ``{request, status, body}``."""
    return lambda name: json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def question() -> Callable[..., Question]:
    """The question with this echo, as the query room would make it."""

    def make(echo: Echo, *, date_range: tuple[str, str] | None = None) -> Question:
        measures = tuple(echo.get("measures", ()))
        dimensions = tuple(echo.get("dimensions", ()))
        segments = tuple(echo.get("segments", ()))
        groupings = tuple(
            TimeGrouping(each["dimension"], each["granularity"])
            for each in echo.get("timeDimensions", ())
            if "granularity" in each
        )
        shape = Shape(measures, dimensions, groupings, segments, (), (), (), None, None, "UTC")
        query = Query(
            measures=measures,
            dimensions=dimensions,
            segments=segments,
            time_dimensions=(),
            filters=(),
            order=None,
            limit=None,
            offset=None,
            total=None,
            timezone=None,
            ungrouped=None,
            response_format=echo.get("responseFormat"),
            cache=None,
        )
        return Question(query, shape, (), echo, (), date_range)

    return make


@pytest.fixture(scope="session")
def result() -> Callable[..., Result]:
    """A result with these rows; column names are SQL's aliases, which the wire never shows."""

    def make(*rows: Sequence[Value], width: int | None = None) -> Result:
        width = len(rows[0]) if rows else width or 0
        columns = tuple(f"column_{index}" for index in range(width))
        return Result(columns, [tuple(row) for row in rows], datetime(2024, 5, 6, 7, 8, 9, 123456, UTC))

    return make
