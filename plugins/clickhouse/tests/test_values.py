"""What goes in as a parameter and comes out as a cell."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from cuboid.errors import UnsupportedFeature
from cuboid.types import Column, Job, Statement
from cuboid_clickhouse.dialect import ClickHouseDialect

PARAMETERS = [
    None,
    True,
    False,
    0,
    2**63 - 1,
    -(2**63),
    2**64 - 1,
    Decimal("1.50"),
    Decimal("-0.1"),
    Decimal("1E+2"),
    Decimal("12345678901234567890123456789012345678"),
    Decimal("0.12345678901234567890123456789012345678"),
    1.5,
    -math.inf,
    "",
    "\\N",
    "NULL",
    "nul \0 inside",
    "quotes ' \" ` and % %s ? $1 {p1:String} \\",
    "new\nline\ttab\rreturn\bback\fform\vvertical",
    "Größe 😀 日本",
    "x" * 100_000,
    datetime(2020, 2, 29, 12, 30, 15, 123456),
    datetime(1969, 12, 31, 23, 59, 59, 999999),
    datetime(1900, 1, 1),
    datetime(2299, 12, 31, 23, 59, 59, 999999),
]


@pytest.mark.parametrize("value", PARAMETERS, ids=[repr(value)[:40] for value in PARAMETERS])
async def test_a_parameter_comes_back_as_it_went_in(driver, job, value):
    sql = f"SELECT {{p1:{ClickHouseDialect().parameter_type(value)}}} AS value"
    ((cell,),) = (await driver.execute(job(sql, value))).rows
    assert cell == value
    assert type(cell) is type(value)


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (datetime(2020, 7, 1, 12, tzinfo=UTC), datetime(2020, 7, 1, 12)),
        (
            datetime(2020, 7, 1, 12, tzinfo=timezone(timedelta(hours=5, minutes=45))),
            datetime(2020, 7, 1, 6, 15),
        ),
        (date(2020, 7, 1), datetime(2020, 7, 1)),
        (10**37, Decimal(10**37)),
        (10**80, 1e80),
    ],
    ids=str,
)
async def test_a_parameter_that_has_no_equal_in_clickhouse(driver, job, value, cell):
    sql = f"SELECT {{p1:{ClickHouseDialect().parameter_type(value)}}} AS value"
    assert (await driver.execute(job(sql, value))).rows == [(cell,)]


def test_a_number_of_too_many_digits_is_unsupported():
    with pytest.raises(UnsupportedFeature, match="76 digits"):
        ClickHouseDialect().parameter_type(Decimal("1." + "1" * 76))


CELLS = [
    ("42::Int8", 42),
    ("18446744073709551615::UInt64", 2**64 - 1),
    ("170141183460469231731687303715884105727::Int128", 2**127 - 1),
    ("-1::Int256", -1),
    ("sum(1)", 1),
    ("count()", 1),
    ("uniqExact(1)", 1),
    ("'1.50'::Decimal(10, 2)", Decimal("1.50")),
    ("'99999999999999999999999999999999999999'::Decimal(38, 0)", Decimal("9" * 38)),
    ("1.5::Float32", 1.5),
    ("1::Float64", 1.0),
    ("1/0", math.inf),
    ("true", True),
    ("CAST(NULL AS Nullable(Bool))", None),
    ("NULL", None),
    ("toDate('2020-02-29')", datetime(2020, 2, 29)),
    ("toDate32('1950-02-28')", datetime(1950, 2, 28)),
    ("toDateTime('2020-01-01 00:00:00')", datetime(2020, 1, 1)),
    ("toDateTime('2020-07-01 02:00:00', 'Europe/Berlin')", datetime(2020, 7, 1)),
    ("toDateTime64('1969-01-01 00:00:00.123', 3)", datetime(1969, 1, 1, 0, 0, 0, 123000)),
    (
        "toDateTime64('2020-01-01 02:00:00.123456789', 9, 'Asia/Kolkata')",
        datetime(2019, 12, 31, 20, 30, 0, 123456),
    ),
    ("CAST(NULL AS Nullable(DateTime))", None),
    ("toUUID('00000000-0000-0000-0000-000000000001')", "00000000-0000-0000-0000-000000000001"),
    ("'a'::Enum8('a' = 1, 'b' = 2)", "a"),
    ("toLowCardinality('a')", "a"),
    ("toFixedString('ab', 2)", "ab"),
    ("toFixedString('ab', 5)", "ab"),
    ("toIPv4('127.0.0.1')", "127.0.0.1"),
    ("toIPv6('::1')", "::1"),
    ("[1, NULL, 2]", [1, None, 2]),
    ("['1.50'::Decimal(4, 2)]", ["1.50"]),
    ("[nan]", [None]),
    ("tuple(1, 'x')", [1, "x"]),
    ("map(1, 'x')", {"1": "x"}),
    ("[toDateTime('2020-07-01 02:00:00', 'Europe/Berlin')]", ["2020-07-01T00:00:00"]),
]


@pytest.mark.parametrize(("sql", "value"), CELLS, ids=[sql for sql, _ in CELLS])
async def test_a_cell_has_its_semantic_type(driver, job, sql, value):
    result = await driver.execute(job(f"SELECT {sql} AS cell"))
    assert result.columns == ("cell",)
    assert result.rows == [(value,)]
    assert type(result.rows[0][0]) is type(value)


async def test_a_number_that_is_none_stays_none(driver, job):
    ((cell,),) = (await driver.execute(job("SELECT 0/0 AS cell"))).rows
    assert math.isnan(cell)


async def test_a_comparison_is_a_truth_where_the_model_says_boolean(driver):
    sql = "SELECT arrayJoin([1, 2, NULL]) > 1 AS yes, 1 AS one"
    statement = Statement(sql, columns=(Column("yes", "boolean"), Column("one", "number")))
    rows = (await driver.execute(Job("1", "1", statement))).rows
    assert rows == [(False, 1), (True, 1), (None, 1)]
    assert [type(row[0]) for row in rows] == [bool, bool, type(None)]


async def test_a_result_without_rows_has_the_columns_of_the_statement(driver):
    statement = Statement("SELECT 1 AS a WHERE false", columns=(Column("a", "number"),))
    result = await driver.execute(Job("1", "1", statement))
    assert (result.columns, list(result.rows)) == (("a",), [])


@pytest.mark.parametrize(
    ("sql", "row"),
    [
        ("SELECT a.x, b.y FROM (SELECT 1 AS x) AS a LEFT JOIN (SELECT 2 AS x, 3 AS y) AS b ON a.x = b.x", (1, None)),
        ("SELECT sum(number), min(number), avg(number), count() FROM numbers(0)", (None, None, None, 0)),
        ("SELECT CAST(NULL AS String)", (None,)),
        ("SELECT count() FROM (SELECT 1 UNION SELECT 1)", (1,)),
        ("SELECT toStartOfDay(toDateTime64('1950-01-01 12:00:00', 3))", (datetime(1950, 1, 1),)),
        ("SELECT toTypeName(toDateTime64('2020-01-01 00:00:00', 3)), toDateTime('2020-01-01 00:00:00')::Int64",
         ("DateTime64(3)", 1577836800)),
        ("SELECT any(x) AS x, any(y) AS y FROM (SELECT 1 AS x, 2 AS y) WHERE x > 0", (1, 2)),
    ],
)  # fmt: skip
async def test_a_session_means_what_the_standard_means(driver, job, sql, row):
    assert (await driver.execute(job(sql))).rows == [row]
