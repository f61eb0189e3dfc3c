"""Questions whose SQL this engine is particular about, from JSON to JSON."""

from __future__ import annotations

import json

import pytest

from cuboid.catalog.compile import compile_catalog
from cuboid.catalog.files import ModelFile
from cuboid.run.data_source import DataSource
from cuboid.run.queue import QueueSettings
from cuboid.service import RequestContext, Service
from cuboid_mysql.dialect import MySQLDialect

MODEL = """
cubes:
  - name: parts
    sql_table: asked_parts
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: more, sql: "n + 1", type: number}
      - {name: label, sql: "CONCAT('n', n)", type: string}
      - {name: odd, sql: "n = 1 OR NULLIF(n, 2) = 3", type: boolean}
      - {name: even, sql: "{label} NOT REGEXP '^n[1]$'", type: boolean}
      - {name: same, sql: "1 = (n REGEXP '[01]') AND NOT n RLIKE '0'", type: boolean}
      - {name: at, sql: at, type: time}
    measures:
      - {name: count, type: count}
      - {name: mean, sql: n, type: avg}
      - {name: share, sql: "1.0 * {count} / 3", type: number}
"""


@pytest.fixture
def ask(driver, server, admin):
    """Answers a query over four parts; closes everything after it."""
    admin(
        server,
        "DROP TABLE IF EXISTS asked_parts",
        "CREATE TABLE asked_parts (id INT PRIMARY KEY, n INT, at DATETIME(6))",
        "INSERT INTO asked_parts VALUES (1, 0, '2024-01-01'), (2, 1, '1960-07-01'), (3, 2, NULL), (4, NULL, NULL)",
    )

    async def answer(**query):
        catalog = compile_catalog([ModelFile("parts.yml", MODEL)])
        assert not catalog.errors
        source = DataSource("default", driver, MySQLDialect(), driver.queue(driver, QueueSettings()))
        service = Service(lambda: catalog, {"default": source})
        try:
            return json.loads(await service.load(query, RequestContext()))["data"]
        finally:
            await service.close()

    return answer


async def test_a_filter_over_measures_and_grouped_expressions(ask):
    """HAVING with the expression itself is "Unknown column 'parts.n' in 'having clause'"."""
    either = [
        {"member": "parts.more", "operator": "equals", "values": ["2"]},
        {"member": "parts.count", "operator": "gt", "values": ["5"]},
    ]
    assert await ask(dimensions=["parts.more"], measures=["parts.count"], filters=[{"or": either}]) == [
        {"parts.more": "2", "parts.count": "1"}
    ]


@pytest.mark.parametrize(
    ("dimension", "ascending"),
    [("parts.more", ["1", "2", "3", None]), ("parts.odd", [False, True, None])],
)
async def test_nulls_are_last_both_ways(ask, dimension, ascending):
    rows = await ask(dimensions=[dimension], order=[[dimension, "asc"]])
    assert [row[dimension] for row in rows] == ascending
    rows = await ask(dimensions=[dimension], order=[[dimension, "desc"]])
    assert [row[dimension] for row in rows] == [*reversed(ascending[:-1]), None]


async def test_averages_and_ratios_have_their_digits(ask):
    half = [{"member": "parts.more", "operator": "lte", "values": ["2"]}]
    (row,) = await ask(measures=["parts.mean", "parts.share"], filters=half)
    assert row["parts.mean"] == "0.5"
    assert row["parts.share"].startswith("0.6666666666666666")


async def test_times_before_1970_are_grouped_in_their_zone(ask):
    groups = [{"dimension": "parts.at", "granularity": "hour"}]
    rows = await ask(measures=["parts.count"], timeDimensions=groups, timezone="America/New_York")
    assert [(row["parts.at.hour"], row["parts.count"]) for row in rows] == [
        ("1960-06-30T20:00:00.000", "1"),
        ("2023-12-31T19:00:00.000", "1"),
        (None, "2"),
    ]


async def test_patterns_are_matched(ask):
    """By a function that MariaDB has, too: it has no REGEXP_LIKE."""
    rows = await ask(dimensions=["parts.label", "parts.even", "parts.same"])
    assert [list(row.values())[1:] for row in rows] == [
        [True, False],
        [False, True],
        [True, False],
        [None, None],
    ]
