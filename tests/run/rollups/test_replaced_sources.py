"""Data sources come and go while rollups are kept: others of the same database take their place, or theirs is away."""

from __future__ import annotations

import pytest
from tests.run.rollups.shelves import (
    COLUMNS,
    Shelf,
    duckdb_driver,
    monthly,
    shelf,
    source_over,
    whole,
    with_orders,
)

from cuboid.errors import ConnectionFailed
from cuboid.run.stored import StoredRollup
from cuboid.types import Statement

GIVEN = tuple(column.name for column in COLUMNS)
TABLE = "orders_0123456789ab"


async def read(opened: Shelf, stored: StoredRollup) -> list[tuple[object, ...]]:
    """What a query reads of the table."""
    source = opened.sources["default"]
    reader = opened.rollups.inside(source) if stored.inside else opened.rollups.source
    text = f'SELECT city, placed, amount FROM "{stored.table}" AS "orders" ORDER BY ALL'
    found = await reader.submit(Statement(text, (), COLUMNS), wait=50)
    return [tuple(row) for row in found.rows]


@pytest.mark.parametrize("inside", [False, True], ids=["in-the-store", "in-the-database"])
@pytest.mark.parametrize("kind", [whole, monthly])
async def test_a_data_source_that_took_the_place_of_another_is_asked_from_then_on(
    tmp_path, monkeypatch, kind, inside
):
    monkeypatch.setattr("cuboid.run.rollups.table.CHECK_SECONDS", 0.0)
    stored = kind(TABLE, inside=inside, given=GIVEN)
    async with shelf(tmp_path) as opened:
        await with_orders(opened)
        await opened.ready(stored)
        truth = await opened.truth()
        opened.sources["default"] = source_over(duckdb_driver(tmp_path / "source.duckdb"))
        await opened.ready(stored)
        assert await read(opened, stored) == truth
        await opened.do("INSERT INTO orders VALUES ('Lima', '2024-05-05', 2)")
        truth = await opened.truth()
        opened.versions.now[""] = "2"
        await opened.source.close()
        await opened.rollups.sweep()
        await opened.ready(stored, renew=True)
        assert await read(opened, stored) == truth


async def test_rollups_are_swept_though_the_database_of_others_is_away(tmp_path, monkeypatch, caplog):
    async with shelf(tmp_path) as opened:
        await with_orders(opened)
        await opened.ready(whole(TABLE, inside=True, given=GIVEN))

        async def away(self, job):
            raise ConnectionFailed("Nobody listens there.")

        with monkeypatch.context() as patched:
            patched.setattr(type(opened.source.driver), "execute", away)
            assert await opened.rollups.sweep() == ()
        assert "Nobody listens there." in caplog.text
