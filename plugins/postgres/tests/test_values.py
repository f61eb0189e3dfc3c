"""What goes in as a parameter and comes out as a cell."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from cuboid.errors import QueryFailed

PARAMETERS = [
    (True, "boolean"),
    (0, "bigint"),
    (2**63 - 1, "bigint"),
    (-(2**63), "bigint"),
    (Decimal("1.50"), "numeric"),
    (Decimal("12345678901234567890123456789012345678.1"), "numeric"),
    (1.5, "double precision"),
    ("", "text"),
    ("quotes ' \" ` and % %s %% ? $1 \\", "text"),
    ("new\nline\ttab", "text"),
    ("Größe 😀 日本", "text"),
    ("x" * 100_000, "text"),
    (datetime(2020, 2, 29, 12, 30, 15, 123456), "timestamp"),
    (datetime(1969, 12, 31, 23, 59, 59), "timestamp"),
    (datetime(1, 1, 1), "timestamp"),
    (datetime(9999, 12, 31, 23, 59, 59, 999999), "timestamp"),
    (None, "text"),
    (None, "timestamptz"),
]


@pytest.mark.parametrize(("value", "type"), PARAMETERS, ids=[repr(value)[:40] for value, _ in PARAMETERS])
async def test_a_parameter_comes_back_as_it_went_in(driver, job, value, type):
    (row,) = (await driver.execute(job(f"SELECT $1::{type} AS value", value))).rows
    assert row == (value,)
    assert row[0].__class__ is value.__class__


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (datetime(2020, 7, 1, 12, tzinfo=UTC), datetime(2020, 7, 1, 12)),
        (
            datetime(2020, 7, 1, 12, tzinfo=timezone(timedelta(hours=5, minutes=45))),
            datetime(2020, 7, 1, 6, 15),
        ),
        (date(2020, 7, 1), datetime(2020, 7, 1)),
        (2**64, Decimal(2**64)),
    ],
    ids=str,
)
async def test_a_parameter_takes_its_own_type_without_a_cast(driver, job, value, cell):
    assert (await driver.execute(job("SELECT $1 AS value", value))).rows == [(cell,)]


@pytest.mark.parametrize("text", ["nul \0 inside", "\ud800"])
async def test_text_that_postgres_cannot_hold_is_a_failed_query(driver, job, text):
    with pytest.raises(QueryFailed):
        await driver.execute(job("SELECT $1::text", text))
    assert (await driver.execute(job("SELECT 1"))).rows == [(1,)]


async def test_a_text_is_compared_with_any_type_that_a_model_calls_string(driver, job):
    """Identifiers are often uuid or integer columns, declared as strings."""
    uuid = "00000000-0000-0000-0000-000000000001"
    sql = "SELECT 7 = $1, '00000000-0000-0000-0000-000000000001'::uuid = $2, 'x'::varchar(3) = $3"
    assert (await driver.execute(job(sql, "7", uuid, "x"))).rows == [(True, True, True)]


CELLS = [
    ("42::smallint", 42),
    ("9223372036854775807", 2**63 - 1),
    ("sum(1::bigint)", Decimal(1)),
    ("count(*)", 1),
    ("1.50::numeric(10, 2)", Decimal("1.50")),
    ("99999999999999999999999999999999999999::numeric", Decimal("9" * 38)),
    ("'NaN'::numeric", Decimal("NaN")),
    ("1.5::real", 1.5),
    ("0.1::double precision + 0.2::double precision", 0.1 + 0.2),
    ("'-Infinity'::double precision", -math.inf),
    ("true", True),
    ("NULL", None),
    ("NULL::timestamptz", None),
    ("DATE '2020-02-29'", datetime(2020, 2, 29)),
    ("TIMESTAMP '1969-01-01 00:00:00.123456'", datetime(1969, 1, 1, 0, 0, 0, 123456)),
    ("TIMESTAMP '2020-01-01 00:00:00.5'", datetime(2020, 1, 1, 0, 0, 0, 500000)),
    ("TIMESTAMPTZ '2020-01-01 01:00:00.25+02'", datetime(2019, 12, 31, 23, 0, 0, 250000)),
    ("TIMESTAMPTZ '0001-01-01 00:00:00+00'", datetime(1, 1, 1)),
    ("TIMESTAMPTZ 'infinity'", datetime.max),
    ("DATE '-infinity'", datetime.min),
    ("TIME '12:30:00'", "12:30:00"),
    ("TIME '12:30:00.5'", "12:30:00.500000"),
    ("TIME '24:00:00'", "24:00:00"),
    ("TIMETZ '12:30:00+02'", "12:30:00+02"),
    ("INTERVAL '1 month 2 days 3 hours'", "1 mon 2 days 03:00:00"),
    ("'00000000-0000-0000-0000-000000000001'::uuid", "00000000-0000-0000-0000-000000000001"),
    ("'10.0.0.1/24'::inet", "10.0.0.1/24"),
    ("'08:00:2b:01:02:03'::macaddr", "08:00:2b:01:02:03"),
    ("ARRAY[1, NULL, 2]", [1, None, 2]),
    ("ARRAY[1.50]", ["1.50"]),
    ("ARRAY[TIMESTAMP '2020-01-01']", ["2020-01-01T00:00:00"]),
    ("""'{"a": [1]}'::json""", {"a": [1]}),
    ("""'{"b":1,"a":[1]}'::jsonb""", {"a": [1], "b": 1}),
    ("'\\xAA00'::bytea", "0xaa00"),
    ("B'101'", "101"),
    ("'[1,5)'::int4range", "[1,5)"),
    ("'a'::char(3)", "a  "),
    ("'(1,2)'::point", "(1,2)"),
]


@pytest.mark.parametrize(("sql", "value"), CELLS, ids=[sql for sql, _ in CELLS])
async def test_a_cell_has_its_semantic_type(driver, job, sql, value):
    result = await driver.execute(job(f"SELECT {sql} AS cell"))
    assert result.columns == ("cell",)
    (cell,) = result.rows[0]
    assert repr(cell) == repr(value)


async def test_an_enum_is_its_text(driver, job, admin):
    admin.run("DROP TYPE IF EXISTS mood")
    admin.run("CREATE TYPE mood AS ENUM ('sad', 'ok')")
    assert (await driver.execute(job("SELECT 'ok'::mood AS m, 1.5 AS n"))).rows == [("ok", Decimal("1.5"))]
    admin.run("DROP TYPE mood")


@pytest.mark.parametrize("sql", ["TIMESTAMP '0044-03-15 BC'", "DATE '20000-01-01'"])
async def test_a_time_that_python_lacks_is_a_failed_query_that_names_it(driver, job, sql):
    with pytest.raises(QueryFailed, match=r"outside the years 1 to 9999"):
        await driver.execute(job(f"SELECT {sql}"))
    assert (await driver.execute(job("SELECT 1"))).rows == [(1,)]


async def test_settings_of_role_and_database_change_nothing(make, job, admin, postgres_server):
    """A DBA may have set any of these for people who use the role interactively."""
    admin.run("DROP ROLE IF EXISTS odd")
    admin.run("CREATE ROLE odd LOGIN PASSWORD 'odd'")
    settings = {
        "TimeZone": "'America/New_York'",
        "DateStyle": "'SQL, DMY'",
        "IntervalStyle": "'iso_8601'",
        "bytea_output": "'escape'",
        "extra_float_digits": "-5",
        "client_encoding": "'LATIN1'",
        "default_transaction_read_only": "off",
        "statement_timeout": "1",
    }
    for name, value in settings.items():
        admin.run(f"ALTER ROLE odd SET {name} = {value}")
    driver = make(user="odd", password="odd")
    sql = """SELECT TIMESTAMPTZ '2020-07-01 12:00:00+02', '2020-07-01 12:00'::timestamp::timestamptz,
      DATE '2020-02-01', INTERVAL '1 month', '\\x00'::bytea, 0.1::float8 + 0.2::float8, '日本'"""
    (row,) = (await driver.execute(job(sql))).rows
    await driver.close()
    admin.run("DROP ROLE odd")
    noon = datetime(2020, 7, 1, 12)
    assert row == (
        datetime(2020, 7, 1, 10), noon, datetime(2020, 2, 1), "1 mon", "0x00", 0.1 + 0.2, "日本",
    )  # fmt: skip
