"""ClickHouse's SQL on the server, against Python's zone tables and plain comparison."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from sqlglot import exp
from tests.engines.admin import admin, new_database

from cuboid.query.model import Slot
from cuboid.sql.binding import prepare, slot_mark
from cuboid.types import Job
from cuboid_clickhouse.dialect import ClickHouseDialect
from cuboid_clickhouse.zones import corrections

DIALECT = ClickHouseDialect()
EPOCH = datetime(1970, 1, 1)


def bound(tree, *values):
    """The tree's SQL with its parameters."""
    return prepare(tree.sql(dialect="clickhouse"), DIALECT, (), "default").bind(values)


def moments(zone):
    """Around each change of the zone's clock from 1970 to 2025, and every 97 days."""
    clock = ZoneInfo(zone)

    def offset(second):
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=second)).astimezone(clock).utcoffset()

    found = set(range(0, 55 * 365 * 86400, 97 * 86400))
    for start in range(0, 55 * 365 * 86400, 86400 * 5):
        low, high = start, start + 86400 * 5
        if offset(low) != offset(high):
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if offset(middle) == offset(low) else (low, middle)
            found |= {high + delta for delta in (-3600, -60, -30, -1, 0, 1, 30, 60, 840, 900, 3600)}
    return sorted(found)


@pytest.mark.parametrize(
    "zone",
    [
        "America/Goose_Bay",  # one minute past midnight, 1987 to 2011
        "America/Moncton",
        "America/St_Johns",  # and half an hour
        "Antarctica/Casey",  # one minute past, 2018 to 2022
        "Asia/Gaza",
        "Asia/Kathmandu",
        "Australia/Lord_Howe",  # half an hour of summer time
        "Pacific/Apia",  # a day that never was
        "Europe/Berlin",
        "America/Sao_Paulo",
    ],
)
async def test_civil_time_is_python_s_around_every_change(driver, job, zone):
    seconds = moments(zone)
    civil = DIALECT.to_civil(exp.column("t"), zone, "utc").sql(dialect="clickhouse")
    source = f"SELECT toDateTime(arrayJoin({seconds}), 'UTC') AS t"
    rows = (await driver.execute(job(f"SELECT t, {civil} AS civil FROM ({source}) ORDER BY t"))).rows
    clock = ZoneInfo(zone)
    due = [
        (moment, moment.replace(tzinfo=UTC).astimezone(clock).replace(tzinfo=None))
        for moment in (EPOCH + timedelta(seconds=second) for second in seconds)
    ]
    assert [pair for pair in zip(rows, due, strict=True) if pair[0] != pair[1]] == []


def test_most_zones_need_no_correction():
    assert corrections("Europe/Berlin") == corrections("UTC") == corrections("Asia/Kathmandu") == {}
    assert len(corrections("America/St_Johns")) == 49  # twice a year; autumn 2011 changed at two again


COLUMNS = [
    ("toInt8(1)", 1, 2),
    ("toUInt64(18446744073709551615)", 2**64 - 1, 0),
    ("toInt256(1)", 1, 10**37),
    ("toFloat64(1.5)", Decimal("1.5"), Decimal("1.4")),
    ("toFloat64(1)", 1, Decimal("1.4")),
    ("toDecimal32('1.50', 2)", Decimal("1.5"), 10**37),
    ("toDecimal128('1.1', 18)", Decimal("1.1"), 1.2),
    ("toInt32(2)", Decimal(2), Decimal("2.5")),
    ("toDecimal64('12345678901234.5678', 4)", Decimal("12345678901234.5678"), Decimal("12345678901234.5679")),
]


@pytest.mark.parametrize(("column", "equal", "other"), COLUMNS, ids=[column for column, _, _ in COLUMNS])
async def test_numbers_of_any_type_are_compared_and_found(driver, column, equal, other):
    await _compared(driver, column, equal, other, "number")


@pytest.mark.parametrize(
    "column",
    [
        "toDate('2020-01-01')",
        "toDate32('2020-01-01')",
        "toDateTime('2020-01-01 00:00:00')",
        "toDateTime('2020-01-01 01:00:00', 'Europe/Berlin')",
        "toDateTime64('2020-01-01 00:00:00', 9)",
        "toDateTime64('2020-01-01 01:00:00', 3, 'Europe/Berlin')",
    ],
)
@pytest.mark.parametrize("kind", ["instant", "utc", "date"])
async def test_times_of_any_type_are_compared_and_found(driver, column, kind):
    zone = UTC if kind == "instant" else None
    await _compared(
        driver, column, datetime(2020, 1, 1, tzinfo=zone), datetime(2020, 1, 1, 0, 0, 0, 1, tzinfo=zone), kind
    )


async def _compared(driver, column, equal, other, type):
    """A column's value is equal to ``equal`` and in every list that has it; it differs from ``other``."""
    value, same, differs = exp.column("c"), *(slot_mark(Slot(n, type)) for n in (0, 1))
    tests = [
        exp.EQ(this=value, expression=same),
        exp.EQ(this=value, expression=differs),
        exp.LTE(this=value, expression=same),
        DIALECT.is_in(value, [differs, same], type),
        DIALECT.is_in(value, [differs, differs, differs, differs], type),
        exp.Not(this=DIALECT.is_in(value, [differs, same], type)),
    ]
    source = exp.select(
        exp.alias_(exp.Anonymous(this="toNullable", expressions=[exp.var(column)]), "c")
    ).subquery()
    tree = exp.select(*(exp.alias_(test, f"t{n}") for n, test in enumerate(tests))).from_(source)
    statement = bound(tree, equal, other)
    assert (await driver.execute(Job("1", "1", statement))).rows == [(1, 0, 1, 1, 0, 0)]


async def test_a_range_of_an_indexed_column_reads_its_part_only(driver, clickhouse_server, job):
    with new_database(clickhouse_server) as database, admin(database) as connection:
        connection.run("CREATE TABLE t (id Int64, at DateTime) ENGINE = MergeTree ORDER BY (at, id)")
        connection.run("INSERT INTO t SELECT number, 1577836800 + number * 60 FROM numbers(200000)")
        start, end = (slot_mark(Slot(n, "utc")) for n in (0, 1))
        at = exp.column("at")
        where = exp.and_(exp.GTE(this=at, expression=start), exp.LT(this=at.copy(), expression=end))
        tree = exp.select("*").from_(f"{database.database}.t").where(where)
        statement = bound(tree, datetime(2020, 2, 1), datetime(2020, 2, 2))
        explained = job(f"EXPLAIN indexes = 1 {statement.sql}", *statement.parameters)
        text = "\n".join(row[0] for row in (await driver.execute(explained)).rows)
    assert "Granules: 1/24" in text


@pytest.mark.parametrize(
    "type",
    ["Int8", "UInt64", "Decimal(9, 2)", "Nullable(Decimal(38, 10))", "Decimal(76, 20)", "Float64", "Bool"],
)
async def test_averages_have_all_digits_of_a_double(driver, job, type):
    average = DIALECT.average(exp.column("v")).sql(dialect="clickhouse")
    sql = f"SELECT {average} AS mean FROM (SELECT CAST(number % 2 AS {type}) AS v FROM numbers(70003))"
    assert (await driver.execute(job(sql))).rows == [(float(Fraction(35001, 70003)),)]


@pytest.mark.parametrize("rows", ["numbers(0)", "numbers(3)"])
async def test_an_average_of_nothing_is_null(driver, job, rows):
    average = DIALECT.average(exp.column("v")).sql(dialect="clickhouse")
    sql = f"SELECT {average} AS mean FROM (SELECT CAST(NULL AS Nullable(Decimal(9, 2))) AS v FROM {rows})"
    assert (await driver.execute(job(sql))).rows == [(None,)]
