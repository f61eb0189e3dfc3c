"""Streamed answers have the rows of JSON, in every format, on every engine."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from contextlib import aclosing
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pyarrow
import pytest
from tests.across.conftest import Shops
from tests.across.questions import QUESTIONS
from tests.engines.fixtures import EMBEDDED, ENGINES

import cuboid
from cuboid.request import RequestContext
from cuboid.types import Principal

CSV, NDJSON, ARROW = "text/csv", "application/x-ndjson", "application/vnd.apache.arrow.stream"

STREAMABLE = {
    title: {key: value for key, value in query.items() if key != "responseFormat"}
    for title, query in QUESTIONS.items()
    if not query.get("total")
    and not any("compareDateRange" in each for each in query.get("timeDimensions", ()))
}

ROUNDED = Decimal("5e-19")
"""Half of the last of 18 digits behind the point."""

Row = dict[str, Any]


def streamed(shop: cuboid.EmbeddedProject, query: dict[str, Any], media_type: str) -> bytes:
    service = shop.project.service
    context = RequestContext(Principal(MappingProxyType({})), "streamed")

    async def read() -> bytes:
        parts = service.stream(
            query, context, cast_numerics=False, format=service.formats[media_type], more=False
        )
        async with aclosing(parts) as chunks:
            return b"".join([chunk async for chunk in chunks])

    return asyncio.run_coroutine_threadsafe(read(), shop._loop).result(100)


def without_bare_times(query: dict[str, Any], rows: list[Row]) -> list[Row]:
    """JSON's rows without the keys that are there for older clients only."""
    bare = {each["dimension"] for each in query.get("timeDimensions", ()) if "granularity" in each}
    bare -= set(query.get("dimensions", ()))
    return [{key: cell for key, cell in row.items() if key not in bare} for row in rows]


def text(cell: Any) -> str:
    """As CSV has a cell of JSON."""
    if cell is None:
        return ""
    return str(cell).lower() if isinstance(cell, bool) else str(cell)


def is_the_same(found: Any, cell: Any) -> bool:
    """Whether a value of Arrow is that of JSON."""
    if isinstance(found, datetime):
        return found.isoformat(timespec="milliseconds") == cell
    if isinstance(found, Decimal):
        return abs(found - Decimal(cell)) <= ROUNDED
    if isinstance(found, float):
        return found == float(cell)
    if isinstance(found, int) and not isinstance(found, bool):
        return found == Decimal(cell)
    return bool(found == cell)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "engine", [pytest.param(engine, marks=pytest.mark.engine(EMBEDDED, engine)) for engine in ENGINES]
)
def test_streams_have_the_rows_of_json(shop_on: Shops, engine: str) -> None:
    shop = shop_on(engine)
    assert len(STREAMABLE) > 20
    for title, query in STREAMABLE.items():
        (result,) = shop.results(query)
        expected = without_bare_times(query, result["data"])
        lines = streamed(shop, query, NDJSON).splitlines()
        assert [json.loads(line) for line in lines] == expected, title
        table = csv.DictReader(io.StringIO(streamed(shop, query, CSV).decode(), newline=""))
        assert list(table) == [{key: text(cell) for key, cell in row.items()} for row in expected], title
        rows = pyarrow.ipc.open_stream(streamed(shop, query, ARROW)).read_all().to_pylist()
        assert len(rows) == len(expected), title
        for found, row in zip(rows, expected, strict=True):
            assert found.keys() == row.keys(), title
            assert all(is_the_same(found[key], row[key]) for key in row), (title, found, row)
