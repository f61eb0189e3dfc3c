"""Native cells to semantic values."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal

import pytest

from cuboid.run.cells import semantic_cell, semantic_rows

CELLS = [
    (None, None),
    (True, True),
    (7, 7),
    (2**200, 2**200),
    (1.5, 1.5),
    (Decimal("1.50"), Decimal("1.50")),
    ("text", "text"),
    (datetime(2020, 1, 2, 3, 4, 5), datetime(2020, 1, 2, 3, 4, 5)),
    (datetime(2020, 1, 2, 3, tzinfo=UTC), datetime(2020, 1, 2, 3)),
    (datetime(2020, 1, 2, 1, tzinfo=timezone(timedelta(hours=2))), datetime(2020, 1, 1, 23)),
    (date(2020, 2, 29), datetime(2020, 2, 29)),
    (time(12, 30), "12:30:00"),
    (timedelta(days=1, hours=2), "1 day, 2:00:00"),
    (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    (b"\xaa\x00", "0xaa00"),
    (bytearray(b"\x01"), "0x01"),
    (memoryview(b""), "0x"),
    ([1, None, "ä"], [1, None, "ä"]),
    ((1, 2), [1, 2]),
    ({"a": Decimal("1.50"), 2: date(2020, 1, 1)}, {"a": "1.50", "2": "2020-01-01T00:00:00"}),
    ([float("nan"), float("-inf"), 1.5], [None, None, 1.5]),
    ({"deep": [{"er": b"\x01"}]}, {"deep": [{"er": "0x01"}]}),
]


@pytest.mark.parametrize(
    ("native", "semantic"),
    CELLS,
    ids=[f"{type(cell).__name__}-{number}" for number, (cell, _) in enumerate(CELLS)],
)
def test_cell(native, semantic):
    value = semantic_cell(native)
    assert value == semantic
    assert type(value) is type(semantic)


def test_plain_rows_are_not_copied():
    rows = [(1, "a", None), (2, "b", Decimal(1))]
    assert semantic_rows(rows) is rows


def test_only_columns_that_need_it_change():
    rows = [(1, date(2020, 1, 1)), (2, None)]
    assert semantic_rows(rows) == [(1, datetime(2020, 1, 1)), (2, None)]


def test_a_converter_of_a_column_does_not_see_null():
    assert semantic_rows([("12", "x"), (None, "y")], {0: int}) == [(12, "x"), (None, "y")]


def test_no_rows():
    assert semantic_rows([]) == []
