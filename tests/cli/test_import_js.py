"""``cuboid import-js``: what comes out compiles, and what does not is told with its line."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from cuboid.catalog.compile import compile_catalog
from cuboid.catalog.files import ModelFile
from cuboid.cli.import_js import command
from cuboid.javascript.convert import Conversion, convert

ORDERS = r"""
// The orders of the shop.
cube(`Orders`, {
  sql: `
    SELECT * FROM orders
    WHERE ${SECURITY_CONTEXT.tenant.requiredFilter('tenant_id')}
      AND ${FILTER_PARAMS.Orders.createdAt.filter((from, to) => `created_at >= ${from} AND created_at < ${to}`)}
      AND note != '{}' AND code ~ '^\\d+$'
  `,
  refreshKey: { every: `10 minutes` },
  joins: {
    Users: { relationship: `belongsTo`, sql: `${CUBE}.user_id = ${Users.id}` },
  },
  measures: {
    count: { type: `count`, drillMembers: [id, CUBE.createdAt] },
    revenue: { type: 'sum', sql: `amount`, title: "Total {revenue}", filters: [{ sql: `${CUBE}.paid` }] },
    perUser: { type: `number`, sql: `${revenue} / NULLIF(${Users.count}, 0)`, meta: { unitName: 'EUR', n: [1, -2.5] } },
    rolling: { type: `sum`, sql: 'amount', rollingWindow: { trailing: `7 day`, offset: `end` } },
  },
  dimensions: {
    id: { sql: `id`, type: `number`, primaryKey: true, shown: true },
    createdAt: { sql: `created_at`, type: `time`,
      granularities: { half: { interval: `6 months` } } },
    size: {
      type: `string`,
      case: {
        when: [{ sql: `${CUBE}.n > 10`, label: `big` }, { sql: `${CUBE}.n > 1`, label: { sql: `'some'` } }],
        else: { label: `one` },
      },
    },
  },
  segments: { paid: { sql: `${CUBE}.paid` } },
  preAggregations: {
    main: { type: `rollup`, measures: [CUBE.count], dimensions: [Orders.size], timeDimension: CUBE.createdAt,
      granularity: `day`, indexes: { bySize: { columns: [size] } } },
  },
  dataSource: `default`,
});

cube('Users', {
  sql_table: `public.` + `users`,
  measures: { count: { type: `count` } },
  dimensions: { id: { sql: `id`, type: `number`, primary_key: true } },
});

cube(`LateOrders`, { extends: Orders, sql: `SELECT * FROM ${Orders.sql()} AS o WHERE late` });

view(`sales`, {
  cubes: [{ join_path: Orders, includes: [`count`, { name: `revenue`, alias: `total` }] },
          { join_path: Orders.Users, includes: `*`, prefix: true, excludes: [`id`] }],
});
"""


def convert_text(source: str) -> Conversion:
    return convert(textwrap.dedent(source), "a.js")


def test_a_static_model_is_converted_whole_and_compiles() -> None:
    converted = convert_text(ORDERS)
    assert converted.problems == []
    catalog = compile_catalog([ModelFile("a.yml", converted.text())])
    assert catalog.errors == (), converted.text()
    assert list(catalog.cubes) == ["Orders", "Users", "LateOrders", "sales"]
    orders = catalog.cubes["Orders"]
    assert list(orders.measures) == ["count", "revenue", "perUser", "rolling"]
    assert orders.measures["revenue"].short_title == "Total {revenue}"
    assert orders.measures["perUser"].meta == {"unitName": "EUR", "n": [1, -2.5]}
    assert list(orders.rollups) == ["main"]
    assert list(catalog.cubes["sales"].members())


def test_sql_keeps_its_meaning() -> None:
    (orders, users, late) = convert_text(ORDERS).cubes
    assert orders["sql"].split("\n") == [
        "SELECT * FROM orders",
        "WHERE {SECURITY_CONTEXT.tenant.requiredFilter('tenant_id')}",
        "  AND {FILTER_PARAMS.Orders.createdAt.filter("
        "lambda from_, to: f'created_at >= {from_} AND created_at < {to}')}",
        "  AND note != '\\{\\}' AND code ~ '^\\d+$'",
    ]
    assert users["sql_table"] == "public.users"
    assert late["sql"] == "SELECT * FROM {Orders.sql()} AS o WHERE late"


@pytest.mark.parametrize(
    ("source", "line", "message"),
    [
        ("const x = require('x');\ncube(`a`, { sql_table: `a` });", 1, "not 'const x = require ( x )'"),
        ("\nimport { y } from './y'\ncube(`a`, { sql_table: `a` });", 2, "only cube(...) and view(...)"),
        (
            "cube(`a`, {\n  sql: `SELECT ${table()} FROM t`,\n});",
            2,
            "'${table()}' cannot be converted; the cube",
        ),
        (
            "cube(`a`, {\n  sql: sqlOf('x'),\n});",
            2,
            "'sqlOf ( x )' cannot be converted; the cube is left out",
        ),
        (
            "cube(`a`, {\n  sql_table: `a`,\n  measures: {\n    m: { sql: f(), type: `sum` } } });",
            4,
            "'a.m' is left out",
        ),
        (
            "cube(`a`, {\n  sql_table: `a`,\n  dimensions: {\n    ...shared,\n  } });",
            4,
            "a part of 'a' is left out",
        ),
        ("cube(`a`, {\n  sql_table: `a`,\n  measures: {\n    [name]: { type: `count` } } });", 4, "left out"),
        (
            "cube(`a`, {\n  accessPolicy: [{ role: `x`,\n  conditions: [{ if: ctx => true }] }] });",
            3,
            "the cube",
        ),
        ("cube(`a${b}`, { sql_table: `a` });", 1, "left out"),
        ("asyncModule(async () => {\n  cube(`a`, {});\n});\n", 1, "asyncModule"),
    ],
)
def test_what_cannot_be_converted_is_told_with_its_line(source: str, line: int, message: str) -> None:
    (problem, *_) = convert_text(source).problems
    assert (problem.file, problem.line) == ("a.js", line)
    assert message in problem.message


def test_a_member_is_left_out_whole_and_the_rest_stays() -> None:
    converted = convert_text(
        """
        cube(`a`, {
          sql_table: `a`,
          measures: {
            paid: { type: `count`, filters: [{ sql: paid() }] },
            count: { type: `count` },
          },
        })
        cube(`b`, { sql_table: `b` })
        """
    )
    assert converted.cubes == [
        {"name": "a", "sql_table": "a", "measures": [{"name": "count", "type": "count"}]},
        {"name": "b", "sql_table": "b"},
    ]


def test_the_command_prints_yaml_and_says_what_is_missing(tmp_path: Path) -> None:
    file = tmp_path / "orders.js"
    file.write_text("cube(`a`, { sql_table: `a`, public: false });\nhelper();\n")
    done = CliRunner().invoke(command, [str(file)])
    assert yaml.safe_load(done.stdout) == {"cubes": [{"name": "a", "sql_table": "a", "public": False}]}
    assert f"{file}:2: " in done.stderr
    assert done.exit_code == 1
    written = CliRunner().invoke(command, [str(file), "-o", str(tmp_path / "model")])
    assert written.exit_code == 1
    assert (tmp_path / "model" / "orders.yml").read_text() == done.stdout


@settings(max_examples=200, deadline=None)
@given(
    source=st.lists(
        st.sampled_from(
            [
                "cube(",
                "`a`",
                ", {",
                "}",
                ")",
                "${",
                "`",
                "'",
                '"',
                "[",
                "]",
                ":",
                ",",
                "=>",
                "sql",
                "\\",
                "\n",
                "/",
                "//",
            ]
        ),
        max_size=30,
    ).map("".join)
)
def test_any_text_is_converted_or_told(source: str) -> None:
    converted = convert(source, "a.js")
    assert all(problem.line >= 1 for problem in converted.problems)
    converted.text()
