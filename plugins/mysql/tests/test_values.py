"""What goes in as a parameter and comes out as a cell."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo, available_timezones

import pytest
from sqlglot import exp

from cuboid.errors import QueryFailed
from cuboid.sql.zones import offsets
from cuboid.types import Column
from cuboid_mysql.dialect import MySQLDialect
from cuboid_mysql.early import BEGIN, END

PARAMETERS = [
    (None, None),
    (True, 1),
    (2**63 - 1, 2**63 - 1),
    (-(2**63), -(2**63)),
    (2**64 - 1, 2**64 - 1),
    (2**64, Decimal(2**64)),
    (Decimal("1.50"), Decimal("1.50")),
    (Decimal("-99999999999999999999999999999999999999"), Decimal("-99999999999999999999999999999999999999")),
    (Decimal("1E-30"), Decimal("1E-30")),
    (1.5, 1.5),
    (0.1, 0.1),
    (1e300, 1e300),
    ("", ""),
    ("nul \0 inside", "nul \0 inside"),
    ("quotes ' \" ` and % %s %% ? $1 \\ \\' -- /*", "quotes ' \" ` and % %s %% ? $1 \\ \\' -- /*"),
    ("new\nline\x1a\ttab", "new\nline\x1a\ttab"),
    ("Größe 😀 日本", "Größe 😀 日本"),
    ("x" * 100_000, "x" * 100_000),
    (datetime(2020, 2, 29, 12, 30, 15, 123456), datetime(2020, 2, 29, 12, 30, 15, 123456)),
    (datetime(1, 1, 1), datetime(1, 1, 1)),
    (datetime(9999, 12, 31, 23, 59, 59, 999999), datetime(9999, 12, 31, 23, 59, 59, 999999)),
    (datetime(2020, 7, 1, 12, tzinfo=timezone(timedelta(hours=5, minutes=45))), datetime(2020, 7, 1, 6, 15)),
    (date(2020, 7, 1), datetime(2020, 7, 1)),
]


async def test_a_parameter_comes_back_as_what_it_is(driver, job):
    for value, cell in PARAMETERS:
        ((found,),) = (await driver.execute(job("SELECT %s AS value", value))).rows
        assert found == cell, value
        assert type(found) is type(cell), value
    await driver.close()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), Decimal("NaN"), "\ud800"], ids=repr)
async def test_what_has_no_equal_in_mysql_is_a_failed_query(driver, job, value):
    with pytest.raises(QueryFailed):
        await driver.execute(job("SELECT %s AS value", value))
    assert (await driver.execute(job("SELECT 1 AS a"))).rows == [(1,)]
    await driver.close()


async def test_percent_signs_of_the_statement_are_doubled_and_the_wrong_number_of_parameters_fails(
    driver, job
):
    assert (await driver.execute(job("SELECT 7 %% 4 AS a, '%%s' AS b, %s AS c", 1))).rows == [(3, "%s", 1)]
    with pytest.raises(QueryFailed):
        await driver.execute(job("SELECT %s + %s AS a", 1))
    await driver.close()


CELLS = [
    ("TINYINT", "-1", -1),
    ("BOOLEAN", "TRUE", 1),
    ("BIGINT UNSIGNED", "18446744073709551615", 2**64 - 1),
    ("DECIMAL(65, 30)", "1.5", Decimal("1.500000000000000000000000000000")),
    ("FLOAT", "0.1", 0.1),
    ("DOUBLE", "0.1", 0.1),
    ("BIT(10)", "b'1000000001'", 513),
    ("YEAR", "2024", 2024),
    ("DATE", "'2020-02-29'", datetime(2020, 2, 29)),
    ("DATETIME", "'1969-01-01 00:00:00'", datetime(1969, 1, 1)),
    ("DATETIME(6)", "'2020-01-01 00:00:00.123456'", datetime(2020, 1, 1, 0, 0, 0, 123456)),
    ("TIMESTAMP(3) NULL", "'2020-01-01 01:00:00.5'", datetime(2020, 1, 1, 1, 0, 0, 500000)),
    ("TIME", "'-838:59:59'", "-838:59:59"),
    ("TIME(3)", "'12:30:00.25'", "12:30:00.250"),
    ("CHAR(5)", "'a'", "a"),
    ("VARCHAR(20) CHARACTER SET latin1", "'Größe'", "Größe"),
    ("VARCHAR(20) COLLATE utf8mb4_bin", "'Größe 😀'", "Größe 😀"),
    ("LONGTEXT", "'text'", "text"),
    ("ENUM('s', 'm')", "'m'", "m"),
    ("SET('s', 'm')", "'s,m'", "s,m"),
    ("JSON", "'{\"a\": [1]}'", {"a": [1]}),
    ("BINARY(3)", "'a'", "0x610000"),
    ("BLOB", "x'AA00'", "0xaa00"),
]


async def test_a_cell_has_its_semantic_type(driver, server, admin, job):
    columns = ", ".join(f"c{n} {type}" for n, (type, _, _) in enumerate(CELLS))
    admin(
        server,
        "DROP TABLE IF EXISTS cells",
        f"CREATE TABLE cells ({columns})",
        f"INSERT INTO cells VALUES ({', '.join(text for _, text, _ in CELLS)}), ({', '.join(['NULL'] * len(CELLS))})",
    )
    result = await driver.execute(job("SELECT * FROM cells ORDER BY c0 IS NULL"))
    assert result.columns == tuple(f"c{n}" for n in range(len(CELLS)))
    for (type_, text, value), cell in zip(CELLS, result.rows[0], strict=True):
        if type_ == "JSON" and isinstance(
            cell, str
        ):  # MariaDB has no such type: its columns of JSON are LONGTEXT
            value = text.strip("'")
        assert (cell, type(cell)) == (value, type(value)), type_
    assert set(result.rows[1]) == {None}
    await driver.close()


async def test_numbers_are_truth_values_where_the_model_says_so_and_nowhere_else(driver, job):
    sql = (
        "SELECT 1 AS a, 0 AS b, NULL AS c, 2 = 2 AS d, CAST(0 AS DECIMAL(4, 2)) AS e, 1 AS f, MAX(TRUE) AS g"
    )
    columns = tuple(Column(name, "number" if name == "f" else "boolean") for name in "abcdefg")
    (row,) = (await driver.execute(job(sql, columns=columns))).rows
    assert list(map(repr, row)) == ["True", "False", "None", "True", "False", "1", "True"]
    await driver.close()


async def test_a_bit_column_is_a_truth_value_too_and_zero_dates_are_null(driver, server, admin, job):
    admin(
        server,
        "SET sql_mode = ''",
        "DROP TABLE IF EXISTS bits",
        "CREATE TABLE bits (b BIT(1), d DATE, t DATETIME)",
        "INSERT INTO bits VALUES (b'1', '0000-00-00', '2020-00-00 00:00:00'), (b'0', NULL, NULL)",
    )
    columns = (Column("b", "boolean"), Column("d", "time"), Column("t", "time"))
    found = (await driver.execute(job("SELECT b, d, t FROM bits ORDER BY b DESC", columns=columns))).rows
    assert found == [(True, None, None), (False, None, None)]
    await driver.close()


# ---------------------------------------------------------------- text


@pytest.mark.parametrize(
    "type",
    [
        "VARCHAR(20) COLLATE utf8mb4_bin",
        "VARCHAR(20) COLLATE utf8mb4_general_ci",
        "VARCHAR(20) CHARACTER SET latin1",
        "VARBINARY(40)",
    ],
)
async def test_matching_ignores_case_and_nothing_else_whatever_the_collation(
    driver, server, admin, job, type
):
    admin(
        server,
        "DROP TABLE IF EXISTS texts",
        f"CREATE TABLE texts (t {type})",
        "INSERT INTO texts VALUES ('Größe'), ('GRÖßE'), ('Grosse'), ('Grösse'), (NULL)",
    )
    test = MySQLDialect().like(exp.column("t"), exp.var("PATTERN")).sql("mysql").replace("PATTERN", "%s")
    rows = (await driver.execute(job(f"SELECT CAST(t AS CHAR) AS t FROM texts WHERE {test}", "%größ%"))).rows
    assert sorted(text for (text,) in rows) == ["GRÖßE", "Größe"]
    await driver.close()


# ---------------------------------------------------------------- zones before 1970


def test_offsets_before_1970_are_zoneinfos():
    chance = random.Random(3)
    zones = [zone for zone in sorted(available_timezones()) if zone != "localtime"]
    for zone in [*zones[::12], "Africa/Freetown", "Africa/Monrovia"]:
        changes = offsets(zone, BEGIN, END)
        moments = [chance.randrange(BEGIN, END) for _ in range(100)]
        moments += [second + step for second, _ in changes[1:] for step in (-1, 0)]
        for moment in moments:
            instant = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=moment)
            (offset,) = [offset for second, offset in changes if second <= moment][-1:]
            assert instant.astimezone(ZoneInfo(zone)).utcoffset() == timedelta(seconds=offset), (
                zone,
                instant,
            )
