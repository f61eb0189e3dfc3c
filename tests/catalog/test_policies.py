"""``access_policy``: what is read, and that whatever is wrong with it closes its cube."""

from __future__ import annotations

from typing import Any

import pytest

from cuboid.catalog.access import AccessPolicy, MemberLevel, PolicyFilter, PolicyGroup
from cuboid.catalog.expressions import Expression

CUBE = """
cubes:
  - name: orders
    sql_table: orders
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: team, sql: team, type: string}
    measures: [{name: count, type: count}]
    access_policy:
      - """


def shown(policy: AccessPolicy) -> dict[str, Any]:
    """The policy without places, expressions as their texts."""

    def row(item: PolicyFilter | PolicyGroup) -> Any:
        if isinstance(item, PolicyGroup):
            return {item.operator: [row(each) for each in item.items]}
        return (item.member, item.operator, values(item.values))

    def values(given: Any) -> Any:
        if isinstance(given, tuple):
            return [values(each) for each in given]
        return {given.text} if isinstance(given, Expression) else given

    return {
        "groups": policy.groups,
        "if": [condition.text for condition in policy.conditions],
        "members": policy.member_level,
        "masked": policy.masking,
        "rows": None if policy.row_level is None else [row(item) for item in policy.row_level],
    }


def test_a_policy_is_read(compile_text) -> None:
    catalog = compile_text(
        CUBE
        + """groups: [a, b]
        conditions: [{if: "{ security_context.x == 1 }"}, {if: security_context.y}, {if: true}]
        member_level: {includes: [id, CUBE.team, orders.count], excludes: [id]}
        member_masking: {includes: "*"}
        row_level:
          filters:
            - {member: team, operator: equals, values: ["{security_context.teams}", "x-{security_context.z}", 3]}
            - {member: "{CUBE.id}", operator: not_set}
            - {member: id, operator: gt, values: securityContext.first}
            - or:
                - {member: id, operator: gt, values: 5}
                - and: [{member: team, operator: contains, values: ['"\\{']}]
"""
    )
    assert catalog.errors == ()
    (policy,) = catalog.cubes["orders"].access_policies or ()
    assert shown(policy) == {
        "groups": ("a", "b"),
        "if": ["security_context.x == 1", "security_context.y", "True"],
        "members": MemberLevel(("id", "team", "count"), ("id",)),
        "masked": MemberLevel(None, ()),
        "rows": [
            (
                "orders.team",
                "equals",
                [{"security_context.teams"}, {'f"""x-{security_context.z}"""'}, "3"],
            ),
            ("orders.id", "notSet", None),
            ("orders.id", "gt", {"securityContext.first"}),
            {"or": [("orders.id", "gt", ["5"]), {"and": [("orders.team", "contains", ['"{'])]}]},
        ],
    }
    assert policy.row_level is not None
    assert isinstance(policy.row_level[0], PolicyFilter)
    assert isinstance(policy.row_level[0].values, tuple)
    assert policy.row_level[0].values[1].value({"z": "y"}) == "x-y"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("written", "groups", "members", "rows"),
    [
        ('group: "*"', ("*",), None, None),
        ("role: admin", ("admin",), None, None),
        ("roles: [a]", ("a",), None, None),
        ("groups: a", ("a",), None, None),
        ("{group: a, row_level: {allow_all: true}}", ("a",), None, None),
        ('{group: a, member_level: {excludes: "*"}}', ("a",), MemberLevel(()), None),
        ("{group: a, memberLevel: {includes: []}}", ("a",), MemberLevel(()), None),
        ("{group: a, member_level: {excludes: team}}", ("a",), MemberLevel(None, ("team",)), None),
    ],
)
def test_short_and_old_spellings(compile_text, written, groups, members, rows) -> None:
    catalog = compile_text(f"{CUBE}{written}\n")
    assert catalog.errors == ()
    (policy,) = catalog.cubes["orders"].access_policies
    assert (policy.groups, policy.member_level, policy.row_level) == (groups, members, rows)


def test_without_the_key_all_is_open_and_with_an_empty_list_nothing(compile_text) -> None:
    catalog = compile_text(
        """
        cubes:
          - {name: a, sql_table: a}
          - {name: b, sql_table: b, access_policy: []}
        """
    )
    assert catalog.errors == ()
    assert catalog.cubes["a"].access_policies is None
    assert catalog.cubes["b"].access_policies == ()


def test_policies_of_a_parent_and_a_child_add_up(compile_text) -> None:
    catalog = compile_text(
        """
        cubes:
          - {name: a, sql_table: a, access_policy: [{group: x}]}
          - {name: b, extends: a, access_policy: [{group: y}]}
        """
    )
    assert [policy.groups for policy in catalog.cubes["b"].access_policies] == [("x",), ("y",)]


def test_a_view_has_policies_over_its_own_names(compile_text) -> None:
    catalog = compile_text(
        """
        cubes:
          - {name: a, sql_table: a, dimensions: [{name: d, sql: d, type: string}]}
        views:
          - name: v
            cubes: [{join_path: a, includes: [{name: d, alias: e}]}]
            access_policy:
              - group: x
                member_level: {includes: [e]}
                row_level: {filters: [{member: e, operator: set}]}
        """
    )
    assert catalog.errors == ()
    (policy,) = catalog.cubes["v"].access_policies
    assert policy.member_level == MemberLevel(("e",))
    assert policy.row_level[0].member == "v.e"


@pytest.mark.parametrize(
    ("policy", "message", "hint"),
    [
        ("¦{row_level: {allow_all: true}}", "this policy has no 'group'", "everybody"),
        ("{group: a, role: ¦b}", "either 'group' or 'role', not both", None),
        ("{groups: ¦[]}", "'groups' names no group", "'*'"),
        ("{group: ¦''}", "'group' names no group", None),
        ("{group: [¦[a]]}", "'group' of a policy must be a list of texts", None),
        ("¦a", "a policy must be a mapping", None),
        ("{group: a, ¦member_levels: {}}", "no key 'member_levels'", "'member_level'"),
        ("{group: a, conditions: [{if: ¦'{ user.x }'}]}", "'user' cannot stand in an expression", "=="),
        ("{group: a, conditions: [¦{}]}", "has no 'if'", None),
        ("{group: a, conditions: ¦'{ security_context.x }'}", "must be a list", None),
        ("{group: a, member_level: ¦{}}", "this member level has no 'includes'", None),
        ("{group: a, member_level: {includes: [¦tem]}}", "'tem' is neither", "'team'"),
        (
            "{group: a, member_level: {includes: [¦users.id]}}",
            "'users.id' is no member of 'orders'",
            "of its own",
        ),
        ("{group: a, member_masking: ¦{includes: [id]}}", "needs 'member_level'", "includes"),
        ("{group: a, row_level: ¦{}}", "this row level says nothing", "allow_all"),
        ("{group: a, row_level: ¦{filters: []}}", "this row level says nothing", "allow_all"),
        ("{group: a, row_level: ¦{allow_all: false}}", "this row level says nothing", None),
        (
            "{group: a, row_level: {allow_all: ¦true, filters: [{member: id, operator: set}]}}",
            "either 'filters' or 'allow_all'",
            None,
        ),
        ("{group: a, row_level: {filters: [¦{operator: set}]}}", "has no 'member'", None),
        (
            "{group: a, row_level: {filters: [{member: id, operator: ¦equal, values: [1]}]}}",
            "no operator",
            "'equals'",
        ),
        (
            "{group: a, row_level: {filters: [¦{member: id, operator: equals}]}}",
            "has no 'values'",
            "security_context",
        ),
        (
            "{group: a, row_level: {filters: [{member: id, operator: equals, values: ¦[]}]}}",
            "one value or more",
            None,
        ),
        (
            "{group: a, row_level: {filters: [{member: id, operator: equals, values: [¦'{team}']}]}}",
            "'team' cannot stand in an expression over the security context",
            None,
        ),
        (
            "{group: a, row_level: {filters: [{member: id, operator: equals, values: ['x¦}']}]}}",
            "closes nothing",
            None,
        ),
        ("{group: a, row_level: {filters: [¦{or: []}]}}", "this 'or' has no filters", None),
    ],
)
def test_a_mistake_in_a_policy_closes_the_cube(
    assert_error, policy: str, message: str, hint: str | None
) -> None:
    users = "  - {name: users, sql_table: u, dimensions: [{name: id, sql: id, type: number}]}\n"
    catalog = assert_error(f"{CUBE}{policy}\n{users}", message, hint)
    assert list(catalog.broken) == ["orders"]
