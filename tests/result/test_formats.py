"""Formats of streamed answers: cells, quoting, and numbers that keep their digits or are refused."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cuboid.errors import QueryFailed
from cuboid.result.arrow import AWAITED_ROWS, ArrowFormat
from cuboid.result.cells import number_column
from cuboid.result.format import Format
from cuboid.result.text_formats import CsvFormat, JsonLinesFormat
from cuboid.types import Column


def write(
    format: type[Format], columns: Sequence[Column], *batches: Sequence[tuple[Any, ...]], cast: bool = False
) -> bytes:
    writer = format(columns, cast_numerics=cast)
    return b"".join((writer.begin(), *(writer.rows(batch) for batch in batches if batch), writer.end()))


def numbers(*batches: Sequence[Any], cast: bool = False) -> Any:
    """An Arrow column of numbers in these batches."""
    rows = [[(cell,) for cell in batch] for batch in batches]
    data = write(ArrowFormat, [Column("n", "number")], *rows, cast=cast)
    return pyarrow.ipc.open_stream(data).read_all().column("n")


@given(st.lists(st.tuples(st.text(), st.text()), min_size=1, max_size=5))
def test_csv_of_any_text_is_read_back_by_another_reader(rows: list[tuple[str, str]]) -> None:
    columns = [Column("a", "string"), Column("b, quoted", "string")]
    text = write(CsvFormat, columns, rows).decode("utf-8")
    read = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert read == [["a", "b, quoted"], *([a.replace("\ud800", "?"), b] for a, b in rows)]


def test_csv_tells_null_from_an_empty_text_and_has_no_exponents() -> None:
    types: Mapping[str, Any] = {"t": "string", "n": "number", "b": "boolean", "d": "time", "j": "string"}
    columns = [Column(name, type) for name, type in types.items()]
    rows = [
        (None, None, None, None, None),
        ("", Decimal("1E+3"), True, datetime(2024, 1, 2, 3, 4, 5, 678901), [1, {"a": None}]),
        ("x", 1e-7, False, date(2024, 1, 2), {}),
    ]
    assert write(CsvFormat, columns, rows).decode().split("\r\n") == [
        "t,n,b,d,j",
        ",,,,",
        '"",1000,true,2024-01-02T03:04:05.678,"[1,{""a"":null}]"',
        "x,0.0000001,false,2024-01-02T00:00:00.000,{}",
        "",
    ]


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        (5, 5),
        (2**53, 2**53),
        (2**53 + 1, "9007199254740993"),
        (-(2**60), "-1152921504606846976"),
        (1.5, 1.5),
        (-0.0, 0.0),
        (float("nan"), None),
        (float("inf"), None),
        (Decimal("0.10"), 0.1),
        (Decimal("-123456789012.345"), -123456789012.345),
        (Decimal("0.1234567890123456"), "0.1234567890123456"),
        (Decimal("12345678901234567890.12"), "12345678901234567890.12"),
        (Decimal("0.00000000012345"), 0.00000000012345),
        (Decimal("NaN"), None),
        (None, None),
        (True, True),
        ("text", "text"),
    ],
)
def test_a_number_is_a_json_number_only_if_a_double_keeps_its_digits(cell: Any, number: Any) -> None:
    (found,) = number_column([cell], "number", "n")
    assert (found, type(found)) == (number, type(number))


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20))
def test_no_decimal_changes_its_value_as_a_json_number(value: Decimal) -> None:
    line = write(JsonLinesFormat, [Column("n", "number")], [(value,)], cast=True)
    assert Decimal(str(json.loads(line)["n"])) == value


@pytest.mark.parametrize(
    ("batches", "type", "values"),
    [
        ([[1, None, 3]], "int64", [1, None, 3]),
        ([[2**63]], "decimal128(38, 0)", [Decimal(2**63)]),
        ([[1.5], [2]], "double", [1.5, 2.0]),
        ([[2**62], [-(2**64)]], "decimal128(38, 0)", [Decimal(2**62), Decimal(-(2**64))]),
        (
            [[Decimal("1.50")], [Decimal("2.5"), 3]],
            "decimal128(38, 18)",
            [Decimal("1.5"), Decimal("2.5"), Decimal(3)],
        ),
        ([[1, Decimal("0.125")]], "decimal128(38, 18)", [Decimal("1.000"), Decimal("0.125")]),
        ([[None], [None, Decimal("7.5")]], "decimal128(38, 18)", [None, None, Decimal("7.5")]),
        ([[None]], "decimal128(38, 18)", [None]),
        ([[Decimal("NaN"), Decimal("1.5")]], "decimal128(38, 18)", [None, Decimal("1.5")]),
        ([[Decimal("1e-20"), Decimal("1.5")]], "decimal128(38, 20)", [Decimal("1e-20"), Decimal("1.5")]),
        ([[Decimal("1" * 20 + ".25")]], "decimal128(38, 14)", [Decimal("1" * 20 + ".25")]),
        ([[Decimal("1" * 36 + ".25")]], "decimal128(38, 2)", [Decimal("1" * 36 + ".25")]),
    ],
)
def test_the_first_numbers_tell_an_arrow_column_s_type(batches: Any, type: str, values: list[Any]) -> None:
    column = numbers(*batches)
    assert (str(column.type), column.to_pylist()) == (type, values)


@pytest.mark.parametrize(
    ("batches", "last"),
    [
        ([[Decimal("1.5")], [Decimal("1.25")]], Decimal("1.25")),
        ([[Decimal("1.5")], [1 / 3]], Decimal("0.333333333333333300")),
        ([[Decimal("1.5")], [Decimal("0." + "3" * 40)]], Decimal("0." + "3" * 18)),
        ([[Decimal("1.5")], [Decimal("2." + "5" * 18 + "9")]], Decimal("2." + "5" * 17 + "6")),
        ([[Decimal("1.5")], [Decimal("9" * 20)]], Decimal("9" * 20)),
        ([[None] * AWAITED_ROWS, [Decimal("7.25")]], Decimal("7.25")),
        ([[1.5], [Decimal("0.1234567890123456789")]], 0.12345678901234568),
        ([[1.5], [2**53 + 1]], float(2**53)),
        ([[Decimal("1" + "0" * 36 + ".01")]], Decimal("1" + "0" * 36)),
    ],
)
def test_a_later_number_finds_room_and_is_rounded_only_far_behind_the_point(batches: Any, last: Any) -> None:
    assert numbers(*batches).to_pylist()[-1] == last


@pytest.mark.parametrize("cells", [[1, 2**40, None], [Decimal("5"), Decimal("7.000")], [3.0]])
def test_counts_are_whole_whatever_the_database_calls_them(cells: list[Any]) -> None:
    data = write(ArrowFormat, [Column("n", "number", counted=True)], [(cell,) for cell in cells])
    column = pyarrow.ipc.open_stream(data).read_all().column("n")
    assert (str(column.type), column.to_pylist()) == ("int64", cells)


@pytest.mark.parametrize(
    "batches",
    [
        [[1], [1.5]],
        [[1], [2**63]],
        [[Decimal("1.5")], [Decimal("1" + "0" * 37)]],
    ],
)
def test_a_number_for_which_there_is_no_room_is_an_error(batches: Any) -> None:
    with pytest.raises(QueryFailed, match="does not fit its Arrow type"):
        numbers(*batches)


def test_who_asks_for_numbers_gets_doubles_for_decimals() -> None:
    column = numbers([Decimal("1.5")], [Decimal("0.1234567890123456789"), 2], cast=True)
    assert str(column.type) == "double"
    assert column.to_pylist() == [1.5, 0.1234567890123456789, 2.0]


def test_rows_are_not_held_for_ever_for_a_number_that_does_not_come() -> None:
    writer = ArrowFormat([Column("n", "number")], cast_numerics=False)
    assert writer.rows([(None,)] * 10) == b""
    assert len(writer.rows([(None,)] * AWAITED_ROWS)) > AWAITED_ROWS / 8


def test_arrow_has_times_truth_values_and_nested_values() -> None:
    columns = [Column("t", "time"), Column("b", "boolean"), Column("s", "string")]
    rows = [
        (datetime(2024, 1, 2, 3, 4, 5, 678901), True, "x"),
        (date(2024, 1, 2), None, {"a": [1]}),
        ("2024-01-02 03:04:05", False, None),
        (None, None, ""),
    ]
    table = pyarrow.ipc.open_stream(write(ArrowFormat, columns, rows)).read_all()
    assert [str(field.type) for field in table.schema] == ["timestamp[us]", "bool", "string"]
    assert table.column("t").to_pylist() == [
        datetime(2024, 1, 2, 3, 4, 5, 678901),
        datetime(2024, 1, 2),
        datetime(2024, 1, 2, 3, 4, 5),
        None,
    ]
    assert table.column("s").to_pylist() == ["x", '{"a":[1]}', None, ""]
