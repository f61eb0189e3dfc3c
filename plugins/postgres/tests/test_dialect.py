"""What only Postgres needs of its dialect; the kit tests the rest."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction
from zoneinfo import ZoneInfo, available_timezones

import pytest
from sqlglot import exp, parse_one

from cuboid_postgres.dialect import PostgresDialect

DIALECT = PostgresDialect()

MOMENTS = [
    datetime(year, month, 3, hour, 30, tzinfo=UTC)
    for year in (1985, 1999, 2007, 2016, 2024)
    for month in (1, 4, 7, 10)
    for hour in (0, 15)
]

NOWHERE = {"Factory", "localtime"}


def text(tree):
    return tree.sql(dialect="postgres")


async def test_every_zone_has_its_wall_time_whatever_postgres_takes_its_name_for(driver, job):
    """Seven names of zones are also abbreviations to Postgres: ``AT TIME ZONE 'CET'`` knows no summer. Years in which
    the rules of both sides' zone data may differ, for they are of different age, are left out."""
    zones = sorted(available_timezones() - NOWHERE)
    civil = [text(DIALECT.to_civil(exp.column("moment"), zone, "instant")) for zone in zones]
    moments = ", ".join(f"(TIMESTAMPTZ '{moment.isoformat()}')" for moment in MOMENTS)
    wrong = {}
    for first in range(0, len(zones), 200):
        columns = ", ".join(civil[first : first + 200])
        rows = (await driver.execute(job(f"SELECT {columns} FROM (VALUES {moments}) AS m (moment)"))).rows
        for zone, cells in zip(zones[first : first + 200], zip(*rows, strict=True), strict=True):
            due = [moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for moment in MOMENTS]
            if list(cells) != due:
                wrong[zone] = [(cell, each) for cell, each in zip(cells, due, strict=True) if cell != each][
                    :1
                ]
    assert wrong == {}


PICKED = [
    ("boolean", "(true), (NULL::boolean)", True),
    ("boolean", "(false), (NULL::boolean)", False),
    ("string", "('a'), (NULL::text)", "a"),
    ("string", "('10000000-0000-0000-0000-000000000000'::uuid), (NULL)", "10000000-0000-0000-0000-000000000000"),
    ("string", "('[1]'::json), (NULL)", "[1]"),
    ("string", "(ARRAY[1, 2]), (NULL)", "{1,2}"),
    ("string", "(NULL::text), (NULL)", None),
    ("number", "(1), (NULL)", 1),
    ("time", "(TIMESTAMP '2024-01-01'), (NULL)", datetime(2024, 1, 1)),
]  # fmt: skip


@pytest.mark.parametrize(("type", "values", "due"), PICKED)
async def test_the_one_value_of_a_group_is_found_also_for_types_without_a_maximum(
    driver, job, type, values, due
):
    picked = text(DIALECT.pick(exp.column("v"), type))
    sql = f"SELECT {picked} FROM (VALUES {values}) AS t (v)"
    assert (await driver.execute(job(sql))).rows == [(due,)]


@pytest.mark.parametrize(
    "value", ["'Abc'::text", "'Abc'::char(10)", "'{Abc}'::text[]", "'[\"Abc\"]'::jsonb", "1230"]
)
async def test_anything_can_be_searched_as_its_text(driver, job, value):
    searched = text(DIALECT.like(parse_one(value, dialect="postgres"), exp.Placeholder(this="1"))).replace(
        "%(1)s", "$1"
    )
    sought = "%23%" if value == "1230" else "%aB%"
    assert (await driver.execute(job(f"SELECT {searched}", sought))).rows == [(True,)]


@pytest.mark.parametrize("value", ["'NÉ'", "'NÉ' COLLATE \"C\"", "'NÉ' COLLATE \"POSIX\""])
async def test_case_does_not_matter_whatever_the_collation_of_the_column(driver, job, value):
    searched = text(DIALECT.like(parse_one(value, dialect="postgres"), exp.Placeholder(this="1"))).replace(
        "%(1)s", "$1"
    )
    assert (await driver.execute(job(f"SELECT {searched}", "%né"))).rows == [(True,)]


@pytest.mark.parametrize(
    ("sql", "due"),
    [
        ("100.0 * 2::bigint / 3", 200 / 3),
        ("1.0 * 1::bigint / NULLIF(0::bigint, 0)", None),
        ("1::numeric / 3", 1 / 3),
        ("1::bigint / 3.0", 1 / 3),
        ("SUM(12.50::numeric(9, 2)) / COUNT(*)", 12.5),
        ("SUM(3::numeric + 1) / SUM(7::int)", 4 / 7),
        ("7::bigint / 2", 3),  # whole numbers divide to whole ones, as the model's author knows them to
        ("SUM(7::int) / COUNT(*)", 7),
        ("1::float8 / 3", 1 / 3),
    ],
)
async def test_a_quotient_is_a_double_but_of_whole_numbers_a_whole_one(driver, job, sql, due):
    quotient = text(DIALECT.quotient(parse_one(sql, dialect="postgres")))
    assert (await driver.execute(job(f"SELECT {quotient}"))).rows == [(due,)]


@pytest.mark.parametrize("type", ["smallint", "integer", "bigint", "numeric", "real", "double precision"])
async def test_averages_have_all_digits_of_a_double(driver, job, type):
    average = text(DIALECT.average(exp.column("v")))
    sql = f"SELECT {average} FROM (SELECT (20000 + n % 3)::{type} AS v FROM generate_series(1, 70000) AS n) AS t"
    exact = Fraction(sum(20000 + n % 3 for n in range(1, 70001)), 70000)
    assert (await driver.execute(job(sql))).rows == [(float(exact),)]


async def test_an_average_of_nothing_is_null(driver, job):
    average = text(DIALECT.average(exp.column("v")))
    assert (await driver.execute(job(f"SELECT {average} FROM (SELECT NULL::numeric AS v) AS t"))).rows == [
        (None,)
    ]


def test_union_branches_are_padded_with_the_donor():
    """A bare NULL is text to a UNION of three branches once the first two have none but NULLs."""
    donor = exp.select("n").from_("part").where(exp.false()).subquery()
    assert DIALECT.padding("number", donor) is donor


async def test_values_that_may_be_null_are_joined_by_hashing_and_null_meets_null(driver, job):
    """``IS NOT DISTINCT FROM`` would be compared row by row: 20,000 rows with 20,000 take a minute."""
    same = text(DIALECT.same(exp.column("n", table="a"), exp.column("n", table="b")))
    rows = "(SELECT NULLIF(n, 0) AS n FROM generate_series(0, 20000) AS s (n))"
    found = await driver.execute(
        job(f"SELECT count(*), count(b.n) FROM {rows} AS a JOIN {rows} AS b ON {same}")
    )
    assert [tuple(row) for row in found.rows] == [(20001, 20000)]
    plan = await driver.execute(job(f"EXPLAIN SELECT 1 FROM {rows} AS a JOIN {rows} AS b ON {same}"))
    steps = "\n".join(str(row[0]) for row in plan.rows)
    assert "Nested Loop" not in steps
    assert "Hash Join" in steps or "Merge Join" in steps
