"""Rollups that are built from each server: what is stored is what the server gives, cell by cell."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest
from tests.engines.fixtures import DATABASES
from tests.engines.server import Server
from tests.run.rollups.shelves import REGISTRY, shelf

from cuboid.run.stored import StoredRollup
from cuboid.types import Column, Statement

COLUMNS = (
    Column("n", "number"),
    Column("amount", "number"),
    Column("share", "number"),
    Column("city", "string"),
    Column("placed", "time"),
)
ROWS = [
    (1, Decimal("10.50"), 0.25, "O'Hare", datetime(2024, 2, 29, 23, 59, 59)),
    (2**53 + 1, Decimal("-0.01"), 1e300, "Žluťoučký", datetime(1969, 12, 31, 1)),
    (None, None, None, None, None),
]
CASTS = {
    "postgres": ("bigint", "numeric(12, 2)", "double precision", "text", "timestamp"),
    "mysql": ("SIGNED", "DECIMAL(12, 2)", "DOUBLE", "CHAR", "DATETIME"),
    "mariadb": ("SIGNED", "DECIMAL(12, 2)", "DOUBLE", "CHAR", "DATETIME"),
    "clickhouse": (
        "Nullable(Int64)",
        "Nullable(Decimal(12, 2))",
        "Nullable(Float64)",
        "Nullable(String)",
        "Nullable(DateTime64(3, 'UTC'))",
    ),
}
DRIVERS = {"postgres": "postgres", "mysql": "mysql", "mariadb": "mysql", "clickhouse": "clickhouse"}


@pytest.mark.parametrize(
    "engine", [pytest.param(engine, marks=pytest.mark.engine(engine)) for engine in DATABASES]
)
async def test_what_is_stored_is_what_the_server_gives(tmp_path, engine, request):
    server: Server = request.getfixturevalue(f"{engine}_server")
    made = REGISTRY.driver(DRIVERS[engine])
    settings = {name: getattr(server, name) for name in ("host", "port", "user", "password", "database")}
    selects = [_select(row, engine) for row in ROWS]
    statement = Statement(" UNION ALL ".join(selects), (), COLUMNS)
    stored = StoredRollup("orders.cells", "UTC", "cells", COLUMNS, "default", lambda bounds: statement)
    async with shelf(tmp_path, made(made.Config.model_validate(settings))) as opened:
        await opened.ready(stored)
        result = await opened.rollups.source.submit(
            Statement('SELECT * FROM "cells" ORDER BY n', (), COLUMNS), wait=50
        )
        assert [tuple(row) for row in result.rows] == ROWS


def _select(row, engine):
    cells = (
        f"CAST({_literal(cell)} AS {cast}) AS {column.name}"
        for cell, cast, column in zip(row, CASTS[engine], COLUMNS, strict=True)
    )
    return f"SELECT {', '.join(cells)}"


def _literal(cell):
    if cell is None:
        return "NULL"
    if isinstance(cell, str | datetime):
        return "'" + str(cell).replace("'", "''") + "'"
    return str(cell)
