"""The rollup store on a server: what goes in comes out, or is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import pytest
from tests.stores_on_clickhouse import (
    NUMBER,
    ROW,
    config,
    on_server,
    process,
    rollup,
)

from cuboid.errors import NotStored
from cuboid.run.kinds import Kind
from cuboid.types import Column
from cuboid_clickhouse import store_writer
from cuboid_clickhouse.store_types import kept_type, shown_type

__all__ = ["config", "on_server", "process"]


async def one_column(process, meant, *parts):
    """What a column of that meaning holds after each part was stored."""
    stored = rollup(Column("n", "number"), Column("value", meant))
    number = 0
    for label, cells in enumerate(parts):
        await process.put(
            stored, f"part-{label}", [(number + index, cell) for index, cell in enumerate(cells)]
        )
        number += len(cells)
    return [value for _, value in await process.rows()]


EXACT = {
    "integers": ("number", [1, -7, 2**53 + 1, None, 0]),
    "wide-integers": ("number", [1, 10**37, -(10**37) - 1]),
    "decimals": (
        "number",
        [Decimal("1.10"), Decimal("-0.0000000001"), None, Decimal("12345678901234567890.5")],
    ),
    "many-digits": ("number", [Decimal("0.12345678901234567890123456789012345678"), Decimal("-0.1")]),
    "integers-then-decimals": ("number", [3, Decimal("0.25"), 4]),
    "floats": ("number", [0.1, 1e300, -5e-324, None]),
    "texts": ("string", ["", "O'Hare", 'a"b', "\\ % _", "Žluťoučký 🐎", "a\nb\x00c", None]),
    "booleans": ("boolean", [True, None, False]),
    "times": (
        "time",
        [
            datetime(2024, 2, 29, 23, 59, 59, 123456),
            None,
            datetime(1969, 12, 31, 23, 59, 59, 999999),
            datetime(1900, 1, 1),
            datetime(2299, 12, 31, 23, 59, 59, 999999),
        ],
    ),
    "nothing": ("number", [None, None]),
}


@pytest.mark.parametrize("name", EXACT)
async def test_cells_come_back_as_they_went_in(process, name):
    meant, cells = EXACT[name]
    came = await one_column(process(), meant, cells)
    assert came == cells
    # Decimal("1.10") == 1.1 and True == 1: the types count too, but for whole numbers among decimals.
    assert [type(each) for each in came if type(each) is not Decimal] == [
        type(each) for each, back in zip(cells, came, strict=True) if type(back) is not Decimal
    ]


async def test_a_column_is_as_wide_as_all_parts_together_need(process):
    parts = ([1, 2], [Decimal("0.5")], [None], [10**20], [Decimal("0.0001")])
    assert await one_column(process(), "number", *parts) == [cell for part in parts for cell in part]


async def test_a_column_that_grows_wider_within_a_part(process, monkeypatch):
    monkeypatch.setattr(store_writer, "CHUNK_ROWS", 2)
    one = process()
    stored = rollup(Column("n", "number"), Column("value", "number"))
    cells = [1, 2, Decimal("0.5"), 3, 10**20, None, 1e300, 4]
    built = await one.put(stored, "all", *[[pair] for pair in enumerate(cells)])
    assert built.rows == 8
    # A float among them: then all are floats, each the nearest.
    assert [value for _, value in await one.rows()] == [
        None if each is None else float(each) for each in cells
    ]


async def test_a_decimal_beside_floats_is_the_nearest_of_them(process):
    decimals = [Decimal("123456789.123456789"), Decimal("0.1")]
    assert await one_column(process(), "number", decimals, [0.5]) == [123456789.123456789, 0.1, 0.5]


async def test_numbers_that_no_decimal_holds_become_floating_point(process):
    assert await one_column(process(), "number", [10**40, 1]) == [1e40, 1.0]


async def test_a_text_column_stays_one_though_its_source_keeps_numbers(process):
    assert await one_column(process(), "string", [1, None, 20], ["x"]) == ["1", None, "20", "x"]


async def test_zeros_and_ones_of_engines_without_booleans_are_booleans(process):
    assert await one_column(process(), "boolean", [1, 0, None]) == [True, False, None]


@pytest.mark.parametrize(
    ("values", "total"),
    [
        ([9 * 10**17] * 20, 18 * 10**18),
        ([9 * 10**36] * 20, 18 * 10**37),
        ([Decimal("9.5") * 10**34] * 20, Decimal("190") * 10**34),
    ],
    ids=["integers", "wide-integers", "decimals"],
)
async def test_sums_do_not_wrap_around(process, values, total):
    one = process()
    await one.put(rollup(*NUMBER), "all", [(each,) for each in values])
    assert await one.rows(select="sum(n)", rest="") == [(total,)]


def test_a_sum_of_ten_billion_rows_has_room():
    for digits in range(1, 39):
        largest = (10**digits - 1) * 10**10
        rooms = {"Int64": 2**63, "Int128": 2**127, "Decimal(38, 0)": 10**38, "Decimal(76, 0)": 10**76}
        assert largest < rooms[shown_type(Kind("integer", digits, 0), "number")]
        assert 10**digits - 1 < rooms[kept_type(Kind("integer", digits, 0), "number")]


@pytest.mark.parametrize("moment", [datetime(1899, 12, 31, 23, 59, 59), datetime(2300, 1, 1)])
async def test_times_that_the_server_has_not_are_refused(process, moment):
    one = process()
    await one.put(rollup(), "all", [ROW])
    with pytest.raises(NotStored, match="'at' has the time"):
        await one.put(rollup(), "all", [ROW, (*ROW[:3], moment)])
    assert await one.rows() == [ROW]


async def test_objects_are_refused(process):
    with pytest.raises(NotStored, match="'city' holds lists or objects"):
        await process().put(rollup(), "all", [({"a": 1}, *ROW[1:])])


async def test_many_rows_go_in_many_pieces(process, monkeypatch):
    monkeypatch.setattr(store_writer, "CHUNK_ROWS", 20_000)
    stored = rollup(Column("n", "number"), Column("text", "string"))
    chunks = [[(i, f"row {i % 97}") for i in range(at, at + 5000)] for at in range(0, 130_000, 5000)]
    one = process()
    built = await one.put(stored, "all", *chunks)
    assert (built.rows, built.bytes > 0) == (130_000, True)
    found = await one.rows(select="count(), uniqExact(n), sum(n), uniqExact(text)", rest="")
    assert found == [(130_000, 130_000, sum(range(130_000)), 97)]


async def test_rows_are_kept_in_the_order_that_the_rollup_wants(process, on_server):
    stored = replace(rollup(Column("m", "number"), Column("at", "time")), order=("m",), time="at")
    await process().put(stored, "all", [(None, datetime(2024, 1, 1))])
    (found,) = on_server("SELECT sorting_key FROM system.tables WHERE startsWith(name, 'cuboid_rows_')")
    assert found[0] == "m, at"
