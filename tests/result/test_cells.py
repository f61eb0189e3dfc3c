"""Cells on the wire: contract section 4, with numbers and times written out by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cuboid.errors import InternalError
from cuboid.result.cells import wire_column, wire_float
from cuboid.types import SemanticType, Value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-5, "-5"),
        (2**63 - 1, "9223372036854775807"),
        (10**38, "1" + "0" * 38),
        (10.0, "10"),
        (0.1, "0.1"),
        (-2.5, "-2.5"),
        (-0.0, "0"),
        (1e21, "1000000000000000000000"),
        (1.5e300, "15" + "0" * 299),
        (1e-7, "0.0000001"),
        (5e-324, "0." + "0" * 323 + "5"),
        (0.1 + 0.2, "0.30000000000000004"),
        (float("nan"), None),
        (float("inf"), None),
        (float("-inf"), None),
        (Decimal("12.30"), "12.30"),
        (Decimal("0.00"), "0.00"),
        (Decimal("1E+3"), "1000"),
        (Decimal("1E-10"), "0.0000000001"),
        (Decimal("-123456789012345678901234567890.5"), "-123456789012345678901234567890.5"),
        (Decimal("NaN"), None),
        (Decimal("-Infinity"), None),
    ],
)
def test_numbers_are_texts_without_exponent(value: Value, text: str | None) -> None:
    assert wire_column([value], "number", "c") == [text]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_reads_back_as_itself(value: float) -> None:
    text = wire_float(value)
    assert text is not None
    assert float(text) == value
    assert "e" not in text
    assert not text.endswith(".0")


@pytest.mark.parametrize("type", ["string", "number", "boolean", "time"])
def test_null_and_truth_are_json_s_own_in_every_column(type: SemanticType) -> None:
    assert wire_column([None, None], type, "c") == [None, None]
    assert wire_column([True, None, False], type, "c") == [True, None, False]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (datetime(2019, 3, 1), "2019-03-01T00:00:00.000"),
        (datetime(2019, 3, 1, 23, 59, 59, 999_999), "2019-03-01T23:59:59.999"),
        (datetime(1, 1, 1), "0001-01-01T00:00:00.000"),
        (datetime(9999, 12, 31, 1, 2, 3, 40_000), "9999-12-31T01:02:03.040"),
        (date(2019, 3, 1), "2019-03-01T00:00:00.000"),
        ("2019-03-01 10:20:30", "2019-03-01T10:20:30.000"),
        ("2019-03-01T10:20:30.5", "2019-03-01T10:20:30.500"),
        ("2019-03-01T10:20:30.123987Z", "2019-03-01T10:20:30.123"),
        ("2019-03-01 10:20:30 UTC", "2019-03-01T10:20:30.000"),
        ("2019-03-01 10:20:30.25+02:00", "2019-03-01T10:20:30.250"),
        ("2019-03-01 10:20:30+02", "2019-03-01T10:20:30.000"),
        ("March 2019", "March 2019"),
    ],
)
def test_times_are_wall_clock_cut_to_milliseconds(value: Value, text: str) -> None:
    assert wire_column([value], "time", "c") == [text]
    assert wire_column([value, None, value], "time", "c") == [text, None, text]


def test_text_that_looks_like_a_time_stays_as_it_is_where_no_time_is_meant() -> None:
    assert wire_column(["2019-03-01 10:20:30"], "string", "c") == ["2019-03-01 10:20:30"]


def test_arrays_and_objects_of_json_columns_pass_through() -> None:
    assert wire_column([[1, None], None, {"a": "1.50"}], "string", "c") == [[1, None], None, {"a": "1.50"}]
    assert wire_column([[1], [2]], "string", "c") == [[1], [2]]


def test_the_value_decides_not_the_column_s_type() -> None:
    assert wire_column([5, "x", None, 2.0], "string", "c") == ["5", "x", None, "2"]
    assert wire_column([datetime(2020, 1, 2)], "string", "c") == ["2020-01-02T00:00:00.000"]
    assert wire_column([True, 1, Decimal("1.0")], "number", "c") == [True, "1", "1.0"]


@pytest.mark.parametrize("cells", [[b"x"], [b"x", None], [1, b"x"]])
def test_a_value_no_driver_may_deliver_is_named_with_its_column(cells: list[Value]) -> None:
    if any(isinstance(cell, dict | list) for cell in cells):
        expected = r"delivered a (dict|list) in column 'Orders.x'"
    else:
        expected = "delivered a bytes in column 'Orders.x'"
    with pytest.raises(InternalError, match=expected):
        wire_column(cells, "string", "Orders.x")


@given(st.lists(st.none() | st.datetimes() | st.datetimes(timezones=st.just(UTC)), max_size=20))
def test_a_column_of_times_is_what_its_cells_are(cells: list[Value]) -> None:
    expected = [
        cell.replace(tzinfo=None).isoformat(timespec="milliseconds") if isinstance(cell, datetime) else None
        for cell in cells
    ]
    assert wire_column(cells, "time", "t") == expected


@given(st.lists(st.none() | st.integers(), max_size=20))
def test_a_column_of_whole_numbers_is_what_its_cells_are(cells: list[Value]) -> None:
    assert wire_column(cells, "number", "n") == [None if cell is None else f"{cell:d}" for cell in cells]
