"""What goes in as a parameter and comes out as a cell."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from cuboid.errors import QueryFailed

PARAMETERS = [
    None,
    True,
    False,
    0,
    2**63 - 1,
    -(2**63),
    2**127 - 1,
    -(2**127),
    2**128 - 1,
    Decimal("1.50"),
    Decimal("-0.1"),
    Decimal("12345678901234567890123456789012345678"),
    1.5,
    "",
    "nul \0 inside",
    "quotes ' \" ` and % %s ? $1 \\",
    "new\nline\ttab",
    "Größe 😀 日本",
    "x" * 100_000,
    datetime(2020, 2, 29, 12, 30, 15, 123456),
    datetime(1969, 12, 31, 23, 59, 59),
    datetime(1, 1, 1),
    datetime(9999, 12, 31, 23, 59, 59, 999999),
]


@pytest.mark.parametrize("value", PARAMETERS, ids=[repr(value)[:40] for value in PARAMETERS])
async def test_a_parameter_comes_back_as_it_went_in(driver, job, value):
    result = await driver.execute(job("SELECT ? AS value", value))
    (cell,) = result.rows[0]
    assert cell == value
    assert type(cell) is type(value)
    await driver.close()


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (datetime(2020, 7, 1, 12, tzinfo=UTC), datetime(2020, 7, 1, 12)),
        (
            datetime(2020, 7, 1, 12, tzinfo=timezone(timedelta(hours=5, minutes=45))),
            datetime(2020, 7, 1, 6, 15),
        ),
        (date(2020, 7, 1), datetime(2020, 7, 1)),
        (10**40, 1e40),
        (-(10**40), -1e40),
        (10**400, math.inf),
        (-(10**400), -math.inf),
    ],
    ids=str,
)
async def test_a_parameter_that_has_no_equal_in_duckdb(driver, job, value, cell):
    assert (await driver.execute(job("SELECT ? AS value", value))).rows == [(cell,)]
    await driver.close()


async def test_text_that_is_no_unicode_is_a_failed_query(driver, job):
    with pytest.raises(QueryFailed):
        await driver.execute(job("SELECT ?", "\ud800"))
    await driver.close()


CELLS = [
    ("42::TINYINT", 42),
    ("18446744073709551615::UBIGINT", 2**64 - 1),
    ("170141183460469231731687303715884105727::HUGEINT", 2**127 - 1),
    ("123456789012345678901234567890123456789012345::BIGNUM", 123456789012345678901234567890123456789012345),
    ("sum(1)", 1),
    ("count(*)", 1),
    ("1.50::DECIMAL(10, 2)", Decimal("1.50")),
    ("99999999999999999999999999999999999999::DECIMAL(38, 0)", Decimal("9" * 38)),
    ("1.5::FLOAT", 1.5),
    ("1::DOUBLE", 1.0),
    ("'infinity'::DOUBLE", math.inf),
    ("true", True),
    ("NULL", None),
    ("NULL::BIGNUM", None),
    ("DATE '2020-02-29'", datetime(2020, 2, 29)),
    ("TIMESTAMP '1969-01-01 00:00:00.123456'", datetime(1969, 1, 1, 0, 0, 0, 123456)),
    ("TIMESTAMPTZ '2020-01-01 01:00:00+02'", datetime(2019, 12, 31, 23)),
    ("'2020-01-01 00:00:00'::TIMESTAMP_S", datetime(2020, 1, 1)),
    ("'2020-01-01 00:00:00.5'::TIMESTAMP_MS", datetime(2020, 1, 1, 0, 0, 0, 500000)),
    ("'2020-01-01 00:00:00.123456789'::TIMESTAMP_NS", datetime(2020, 1, 1, 0, 0, 0, 123456)),
    ("TIME '12:30:00'", "12:30:00"),
    ("INTERVAL '1 day 2 hours'", "1 day, 2:00:00"),
    ("'00000000-0000-0000-0000-000000000001'::UUID", "00000000-0000-0000-0000-000000000001"),
    ("'a'::ENUM('a', 'b')", "a"),
    ("[1, NULL, 2]", [1, None, 2]),
    ("[1.50::DECIMAL(4, 2)]", ["1.50"]),
    ("{'a': 1, 'b': DATE '2020-01-01'}", {"a": 1, "b": "2020-01-01T00:00:00"}),
    ("MAP {1: 'x'}", {"1": "x"}),
    ("""'{"a": [1]}'::JSON""", {"a": [1]}),
    ("'\\xAA\\x00'::BLOB", "0xaa00"),
    ("'101'::BIT", "101"),
]


@pytest.mark.parametrize(("sql", "value"), CELLS, ids=[sql for sql, _ in CELLS])
async def test_a_cell_has_its_semantic_type(driver, job, sql, value):
    result = await driver.execute(job(f"SELECT {sql} AS cell"))
    assert result.columns == ("cell",)
    assert result.rows == [(value,)]
    assert type(result.rows[0][0]) is type(value)
    await driver.close()


async def test_the_session_zone_is_utc(driver, job):
    result = await driver.execute(job("SELECT TIMESTAMPTZ '2020-07-01 12:00:00+02'::TIMESTAMP AS t"))
    assert result.rows == [(datetime(2020, 7, 1, 10),)]
    await driver.close()
