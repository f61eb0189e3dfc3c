"""What ``{...}`` means, by the table of model-contract 1.2.1."""

from __future__ import annotations

import pytest

from cuboid.catalog.pieces import CubeReference, MemberReference, Template

MODEL = """
    cubes:
      - name: orders
        sql_table: orders
        joins:
          - {name: users, relationship: many_to_one, sql: "{CUBE}.user_id = {users.id}"}
        dimensions:
          - {name: id, sql: id, type: number, primary_key: true}
          - {name: status, sql: status, type: string}
          - {name: users, sql: user_name, type: string}
          - {name: created_at, sql: created_at, type: time}
          - {name: subject, sql: %s, type: string}
        measures:
          - {name: count, type: count}
        segments:
          - {name: paid, sql: "{status} = 'paid'"}
      - name: users
        sql_table: users
        joins:
          - {name: cities, relationship: many_to_one, sql: "{CUBE}.city_id = {cities}.id"}
        dimensions:
          - {name: id, sql: id, type: number, primary_key: true}
          - {name: born_at, sql: born_at, type: time}
          - {name: cities, sql: city_names, type: string}
      - name: cities
        sql_table: cities
        dimensions:
          - {name: name, sql: name, type: string}
"""

OWN = CubeReference("orders", ("orders",))


def member(name: str, *path: str, granularity: str | None = None) -> MemberReference:
    return MemberReference(name, path, granularity)


@pytest.mark.parametrize(
    ("sql", "parts"),
    [
        ("'{CUBE}.a'", (OWN, ".a")),
        ("'{TABLE}.a'", (OWN, ".a")),
        ("'{orders}.a'", (OWN, ".a")),
        ("'${CUBE}.a'", (OWN, ".a")),
        ("amount", (OWN, ".amount")),
        ("' amount '", (OWN, ".amount")),
        ("'null'", ("null",)),
        ("'CURRENT_DATE'", ("CURRENT_DATE",)),
        ("1", ("1",)),
        ("'{status}'", (member("orders.status", "orders"),)),
        ("'lower({CUBE.status})'", ("lower(", member("orders.status", "orders"), ")")),
        ("'{orders.status}'", (member("orders.status", "orders"),)),
        ("'{users.id}'", (member("users.id", "users"),)),
        ("'{users.cities.name}'", (member("cities.name", "users", "cities"),)),
        ("'{orders.users.cities.name}'", (member("cities.name", "orders", "users", "cities"),)),
        ("'{CUBE.users.id}'", (member("users.id", "orders", "users"),)),
        ("'{CUBE.users}'", (member("orders.users", "orders"),)),
        ("'{users.cities}'", (member("users.cities", "users"),)),
        ("'{created_at.day}'", (member("orders.created_at", "orders", granularity="day"),)),
        ("'{CUBE.created_at.month}'", (member("orders.created_at", "orders", granularity="month"),)),
        ("'{users.born_at.year}'", (member("users.born_at", "users", granularity="year"),)),
        (
            "'{orders.users.born_at.week}'",
            (member("users.born_at", "orders", "users", granularity="week"),),
        ),
        ("'{paid}'", (member("orders.paid", "orders"),)),
        (r"'\{ {status}\}'", ("{ ", member("orders.status", "orders"), "}")),
    ],
)
def test_a_reference_means_a_cube_or_member(compile_text, sql: str, parts: object) -> None:
    catalog = compile_text(MODEL % sql)
    assert [str(error) for error in catalog.errors] == []
    template = catalog.dimension("orders.subject").sql
    assert isinstance(template, Template)
    assert template.parts == parts


@pytest.mark.parametrize(
    ("sql", "message", "hint"),
    [
        ("'¦{statu}'", "'statu' is neither a cube nor a member of cube 'orders'", "Did you mean 'status'?"),
        ("'¦{user}'", "'user' is neither a cube nor a member", "'users'"),
        ("'1 + ¦{zzz}'", "'zzz' is neither", "{CUBE}.column"),
        ("'{status} || ¦{users.idd}'", "cube 'users' has no member 'idd'", "Did you mean 'id'?"),
        ("'¦{user.id}'", "there is no cube 'user'", "Did you mean 'users'?"),
        ("'¦{CUBE.nope.x}'", "cube 'orders' has no member 'nope'", None),
        ("'¦{cities.users.id}'", "cube 'cities' has no join to 'users'", "'joins' of 'cities'"),
        ("'¦{created_at.dai}'", "'dai' is no granularity of 'orders.created_at'", "Did you mean 'day'?"),
        ("'¦{users.born_at.fortnight}'", "no granularity", "second, minute"),
        ("'¦{status.day}'", "'orders.status' is not a time dimension", None),
        ("'¦{orders.status.day}'", "'orders.status' is not a time dimension", None),
        (
            "'¦{users}.id'",
            "a dimension of cube 'orders' cannot use columns of cube 'users'",
            "{users.dimension}",
        ),
        ("'¦{count}'", "'count' is a measure; a dimension can only use dimensions", "type number"),
        ("'¦{CUBE.count} + 1'", "is a measure", None),
        ("'a + ¦{b'", "never closed", r"\{"),
        ("'a¦}'", "closes nothing", r"\}"),
        ("'¦{1}'", "not a reference", r"\{"),
        ("'¦{status + 1}'", "not a reference", None),
        ("'¦{SECURITY_CONTEXT.id}'", "'SECURITY_CONTEXT.id' alone is no SQL", "id.filter('column')"),
        ("'¦{FILTER_PARAMS.orders.stats.filter(x)}'", "no member 'stats'", "'status'"),
        ("¦''", "empty", None),
        ("¦[a]", "must be a text, not a list", None),
    ],
)
def test_a_wrong_reference_is_reported_inside_the_text(
    assert_error, sql: str, message: str, hint: str | None
) -> None:
    catalog = assert_error(MODEL % sql, message, hint)
    assert list(catalog.broken) == ["orders"]


def test_segments_and_joins_may_use_columns_of_joined_cubes(compile_text) -> None:
    catalog = compile_text(
        """
        cubes:
          - name: a
            sql_table: a
            joins: [{name: b, relationship: one_to_one, sql: "{CUBE}.id = {b}.id"}]
            segments: [{name: s, sql: "{b}.x > 1"}]
          - {name: b, sql_table: b}
        """
    )
    assert catalog.errors == ()
    assert catalog.segment("a.s").sql.parts == (CubeReference("b", ("b",)), ".x > 1")
    (join,) = catalog.cubes["a"].joins
    assert join.sql.references == (CubeReference("a", ("a",)), CubeReference("b", ("b",)))


@pytest.mark.parametrize(
    ("member_text", "message"),
    [
        ('segments: [{name: s, sql: "¦{n} > 1"}]', "'n' is a measure; a segment can only use dimensions"),
        (
            'measures: [{name: m, type: max, sql: x, filters: [{sql: "¦{n} > 1"}]}]',
            "'n' is a measure; a measure's filter can only use dimensions",
        ),
        ('measures: [{name: m, type: sum, sql: "¦{n}"}]', "'n' is a measure; a measure that aggregates rows"),
    ],
)
def test_a_measure_has_no_place_among_rows(assert_error, member_text: str, message: str) -> None:
    section, _, items = member_text.partition(": [")
    if section == "measures":
        members = f"measures: [{{name: n, type: min, sql: n}}, {items}"
    else:
        members = f"measures: [{{name: n, type: min, sql: n}}]\n    {member_text}"
    assert_error(f"cubes:\n  - name: a\n    sql_table: a\n    {members}\n", message)
