"""Access policies end to end: roles, policies and shapes of queries, with rows computed by hand.

orders 1 DE 10 of user 1      users 1 Ann Berlin 100
       2 DE 20 of user 2            2 Ben Rome   200
       3 IT 40 of user 2            3 Cem Rome   400
       4 IT 80 of nobody
"""

from __future__ import annotations

from typing import Any

import pytest

from cuboid.errors import Forbidden, InternalError, InvalidQuery
from cuboid.query.access import AccessSettings

MODEL = """
cubes:
  - name: users
    sql: SELECT * FROM (VALUES (1, 'Ann', 'Berlin', 100), (2, 'Ben', 'Rome', 200), (3, 'Cem', 'Rome', 400))
      AS t (id, name, city, salary)
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true, public: true}
      - {name: name, sql: name, type: string, mask: "***"}
      - {name: city, sql: city, type: string}
      - {name: salary, sql: salary, type: number}
      - {name: initial, sql: "SUBSTRING({name}, 1, 1)", type: string}
    segments:
      - {name: romans, sql: "{CUBE}.city = 'Rome'"}
    measures:
      - {name: count, type: count}
      - {name: salaries, type: sum, sql: salary, mask: -1}
      - {name: spent, type: number, sql: "{orders.amount}"}
@USERS@
  - name: orders
    sql: SELECT * FROM (VALUES (1, 1, 'DE', 10), (2, 2, 'DE', 20), (3, 2, 'IT', 40), (4, NULL, 'IT', 80))
      AS t (id, user_id, country, amount)
    joins:
      - {name: users, relationship: many_to_one, sql: "{CUBE}.user_id = {users}.id"}
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true, public: true}
      - {name: country, sql: country, type: string}
      - {name: price, sql: amount, type: number}
    measures:
      - {name: count, type: count}
      - {name: amount, type: sum, sql: amount}
      - {name: largest, type: max, sql: amount}
@ORDERS@
views:
  - name: sales
    cubes:
      - {join_path: orders, includes: [id, country, count, amount]}
      - {join_path: orders.users, includes: [name, city]}
@SALES@
"""


def model(*, users: str = "", orders: str = "", sales: str = "") -> str:
    """The model with these policies, each a list in YAML's flow style."""
    text = MODEL
    for name, policies in (("USERS", users), ("ORDERS", orders), ("SALES", sales)):
        text = text.replace(f"@{name}@", f"    access_policy: {policies}" if policies else "")
    return text


ROMANS = '[{group: "*", row_level: {filters: [{member: city, operator: equals, values: [Rome]}]}}]'
BY_COUNTRY = """[
  {group: admin},
  {group: seller, row_level: {filters: [{member: country, operator: equals, values: "{security_context.country}"}]}},
  {group: auditor, row_level: {filters: [{member: price, operator: gte, values: [40]}]}},
]"""
DE, IT = ({"groups": ["seller"], "country": country} for country in ("DE", "IT"))
ADMIN = {"groups": ["admin", "seller"], "country": "DE"}
BOTH = {"groups": ["seller", "auditor"], "country": "DE"}

# ---------------------------------------------------------------- rows: roles x shapes of queries

SHAPES: dict[str, dict[str, Any]] = {
    "total": {"measures": ["orders.amount", "orders.count"]},
    "grouped": {"measures": ["orders.amount"], "dimensions": ["orders.country"]},
    "joined": {"measures": ["orders.amount"], "dimensions": ["users.city"], "order": {"users.city": "asc"}},
    "fan-out": {"measures": ["users.count"], "dimensions": ["orders.country"], "order": {"orders.country": "asc"}},
    "left join": {"measures": ["users.salaries", "orders.amount"], "dimensions": ["users.name"],
                  "order": {"users.name": "asc"}},
    "ungrouped": {"dimensions": ["orders.id", "users.name"], "ungrouped": True, "order": {"orders.id": "asc"}},
    "composed": {"measures": ["users.spent"], "dimensions": ["users.city"], "order": {"users.city": "asc"}},
    "filter": {"measures": ["orders.count"], "filters": [
        {"member": "orders.country", "operator": "notEquals", "values": ["DE"]}]},
    "having": {"measures": ["orders.largest"], "dimensions": ["users.city"], "filters": [
        {"member": "orders.largest", "operator": "lt", "values": ["80"]}], "order": {"users.city": "asc"}},
    "segment": {"measures": ["orders.amount"], "segments": ["users.romans"]},
}  # fmt: skip
ALL = {
    "total": [["150", "4"]],
    "grouped": [["IT", "120"], ["DE", "30"]],
    "joined": [["Berlin", "10"], ["Rome", "60"], [None, "80"]],
    "fan-out": [["DE", "2"], ["IT", "1"]],
    "left join": [["Ann", "100", "10"], ["Ben", "200", "60"], ["Cem", "400", None], [None, None, "80"]],
    "ungrouped": [["1", "Ann"], ["2", "Ben"], ["3", "Ben"], ["4", None]],
    "composed": [["Berlin", "10"], ["Rome", "60"], [None, "80"]],
    "filter": [["2"]],
    "having": [["Berlin", "10"], ["Rome", "40"]],
    "segment": [["60"]],
}
EXPECTED: dict[str, dict[str, list[list[Any]]]] = {
    "admin": ALL,
    "DE": {
        "total": [["30", "2"]],
        "grouped": [["DE", "30"]],
        "joined": [["Berlin", "10"], ["Rome", "20"]],
        "fan-out": [["DE", "2"]],
        "left join": [["Ann", "100", "10"], ["Ben", "200", "20"], ["Cem", "400", None]],
        "ungrouped": [["1", "Ann"], ["2", "Ben"]],
        "composed": [["Berlin", "10"], ["Rome", "20"]],
        "filter": [["0"]],
        "having": [["Berlin", "10"], ["Rome", "20"]],
        "segment": [["20"]],
    },
    "auditor and DE": {
        "total": [["150", "4"]],
        "grouped": [["IT", "120"], ["DE", "30"]],
        "left join": [["Ann", "100", "10"], ["Ben", "200", "60"], ["Cem", "400", None], [None, None, "80"]],
    },
    "IT": {
        "total": [["120", "2"]],
        "grouped": [["IT", "120"]],
        "joined": [["Rome", "40"], [None, "80"]],
        "fan-out": [["IT", "1"]],
        "left join": [["Ann", "100", None], ["Ben", "200", "40"], ["Cem", "400", None], [None, None, "80"]],
        "having": [["Rome", "40"]],
    },
    "seller of nothing": {"total": [[None, "0"]], "grouped": [], "fan-out": []},
    "stranger": {"total": [[None, "0"]], "grouped": [], "joined": [], "ungrouped": []},
}
CLAIMS: dict[str, dict[str, Any]] = {
    "admin": ADMIN, "DE": DE, "IT": IT, "auditor and DE": BOTH, "seller of nothing": {"groups": "seller"},
    "stranger": {"groups": ["other"]},
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_a_role_sees_its_rows_in_every_shape(ask, shape: str) -> None:
    for role, expected in EXPECTED.items():
        if shape in expected:
            rows = ask(model(orders=BY_COUNTRY), CLAIMS[role], **SHAPES[shape])
            assert rows == expected[shape], role


def test_a_cube_that_is_only_joined_shows_no_rows_to_strangers_and_keeps_those_of_others(ask) -> None:
    query = {"measures": ["users.count"], "dimensions": ["orders.country"]}
    assert ask(model(orders=BY_COUNTRY), {}, **query) == []  # named and not granted
    text = model(users=ROMANS.replace("*", "somebody"))
    segment = {"measures": ["sales.amount"], "dimensions": ["sales.city"]}
    assert ask(text, {}, **segment) == [[None, "150"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"measures": ["users.count"]}, [["2"]]),
        ({"measures": ["orders.amount"]}, [["150"]]),
        ({"measures": ["orders.amount"], "dimensions": ["users.name"], "order": {"users.name": "asc"}},
         [["Ben", "60"], [None, "90"]]),
        ({"measures": ["sales.amount"], "dimensions": ["sales.city"], "order": {"sales.city": "asc"}},
         [["Rome", "60"], [None, "90"]]),
        ({"measures": ["orders.amount", "users.salaries"]}, [["150", "600"]]),
    ],
)  # fmt: skip
def test_hidden_rows_of_a_joined_cube_are_as_if_they_were_not_there(ask, query, expected) -> None:
    assert ask(model(users=ROMANS), {}, **query) == expected


def test_a_policy_may_test_members_that_each_row_has_one_of(ask) -> None:
    cities = '[{group: "*", row_level: {filters: [{member: users.city, operator: equals, values: [Rome]}]}}]'
    text = model(orders=cities)
    assert ask(text, measures=["orders.amount"]) == [["60"]]
    query = {
        "measures": ["users.count"],
        "dimensions": ["orders.country"],
        "order": {"orders.country": "asc"},
    }
    assert ask(text, **query) == [["DE", "1"], ["IT", "1"]]


TO_ORDERS = """AS t (id, name, city, salary)
    joins: [{name: orders, relationship: one_to_many, sql: "{CUBE}.id = {orders}.user_id"}]"""


def test_a_left_join_to_hidden_rows_stays_one(ask) -> None:
    text = model(orders=BY_COUNTRY).replace("AS t (id, name, city, salary)", TO_ORDERS)
    query = {"measures": ["users.count", "orders.amount"], "dimensions": ["users.name", "orders.country"],
             "order": {"users.name": "asc"}}  # fmt: skip
    assert ask(text, IT, **query) == [
        ["Ann", None, "1", None],
        ["Ben", "IT", "1", "40"],
        ["Cem", None, "1", None],
    ]


def test_a_policy_over_many_rows_for_each_row_is_refused_to_whoever_reads_the_cube(ask) -> None:
    countries = (
        '[{group: "*", row_level: {filters: [{member: orders.country, operator: equals, values: [IT]}]}}]'
    )
    text = model(users=countries).replace("AS t (id, name, city, salary)", TO_ORDERS)
    assert ask(text, measures=["orders.amount"]) == [["150"]]
    with pytest.raises(Forbidden, match=r"several of: orders\.country"):
        ask(text, measures=["users.count"])


def test_filters_nest_and_take_lists_and_dates(ask) -> None:
    nested = """[{group: "*", row_level: {filters: [{or: [
      {member: country, operator: equals, values: "{security_context.countries}"},
      {and: [{member: id, operator: gte, values: ["4"]}, {member: price, operator: set}]}]}]}}]"""
    text = model(orders=nested)
    assert ask(text, {"countries": ["DE"]}, measures=["orders.amount"]) == [["110"]]
    assert ask(text, {"countries": ["DE", "IT"]}, measures=["orders.amount"]) == [["150"]]
    assert ask(text, {"countries": []}, measures=["orders.amount"]) == [["80"]]


@pytest.mark.parametrize("operator", ["equals", "notEquals", "contains", "inDateRange"])
def test_a_missing_claim_lets_no_row_through_whatever_the_operator(ask, operator) -> None:
    text = model(orders=BY_COUNTRY).replace(
        "member: country, operator: equals", f"member: country, operator: {operator}"
    )
    assert ask(text, {"groups": ["seller"]}, measures=["orders.count"]) == [["0"]]


@pytest.mark.parametrize("country", [{"is": "DE"}, [["DE"]]])
def test_a_claim_that_cannot_be_compared_is_forbidden(ask, country) -> None:
    with pytest.raises(Forbidden, match=r"compares 'orders\.country'"):
        ask(model(orders=BY_COUNTRY), {"groups": ["seller"], "country": country}, measures=["orders.count"])


# ---------------------------------------------------------------- conditions


def test_conditions_decide_whether_a_policy_applies(ask) -> None:
    text = model(
        orders="""[{group: "*", conditions: [{if: "{ security_context.level >= 3 }"},
      {if: "{ security_context.region in ['eu', 'us'] }"}]}]"""
    )
    query = {"measures": ["orders.count"]}
    assert ask(text, {"level": 3, "region": "eu"}, **query) == [["4"]]
    assert ask(text, {"level": 2, "region": "eu"}, **query) == [["0"]]
    assert ask(text, {"level": 3}, **query) == [["0"]]


def test_a_condition_that_is_not_true_or_false_is_refused(ask) -> None:
    text = model(orders='[{group: "*", conditions: [{if: "{ security_context.admin }"}]}]')
    assert ask(text, {"admin": True}, measures=["orders.count"]) == [["4"]]
    assert ask(text, {}, measures=["orders.count"]) == [["0"]]
    with pytest.raises(Forbidden, match="neither true nor false"):
        ask(text, {"admin": "yes"}, measures=["orders.count"])


# ---------------------------------------------------------------- members

LEVELS = """[
  {group: clerk, member_level: {includes: [id, country, count]}},
  {group: boss, member_level: {excludes: [largest]},
   row_level: {filters: [{member: country, operator: equals, values: [IT]}]}},
]"""


@pytest.mark.parametrize(
    ("groups", "query", "expected"),
    [
        ("clerk", {"measures": ["orders.count"]}, [["4"]]),
        ("clerk", {"measures": ["orders.amount"]}, [[None]]),
        ("clerk", {"measures": ["orders.count"], "dimensions": ["orders.price"]}, []),
        ("clerk", {"measures": ["orders.count"], "dimensions": ["orders.country"], "filters": [
            {"member": "orders.price", "operator": "gt", "values": ["30"]}]}, []),
        ("boss", {"measures": ["orders.amount"]}, [["120"]]),
        ("boss", {"measures": ["orders.largest"]}, [[None]]),
        # Each member by the policies that grant it: the count by both, the amount by the second alone.
        (["boss", "clerk"], {"measures": ["orders.count"]}, [["4"]]),
        (["boss", "clerk"], {"measures": ["orders.count", "orders.amount"]}, [["2", "120"]]),
        # A view's members are for the view's policies to grant.
        ("clerk", {"measures": ["sales.amount"]}, [["150"]]),
        ("boss", {"measures": ["sales.amount"]}, [["120"]]),
        # What other members are made of is not asked for.
        ("clerk", {"measures": ["users.spent"]}, [["150"]]),
    ],
)  # fmt: skip
def test_members_that_nobody_grants_make_the_answer_empty(ask, groups, query, expected) -> None:
    assert ask(model(orders=LEVELS), {"groups": groups}, **query) == expected


MASKS = """[
  {group: staff, member_level: {includes: [id, city, count]}, member_masking: {includes: "*"}},
  {group: roman, member_level: {includes: "*"},
   row_level: {filters: [{member: city, operator: equals, values: [Rome]}]}},
]"""
BY_NAME: dict[str, Any] = {"dimensions": ["users.name", "users.city"], "measures": ["users.count"]}


@pytest.mark.parametrize(
    ("groups", "query", "expected"),
    [
        (["staff"], BY_NAME, [["***", "Rome", "2"], ["***", "Berlin", "1"]]),
        (["staff"], {"dimensions": ["users.id", "users.salary"]}, [["1", None], ["2", None], ["3", None]]),
        (["staff"], {"measures": ["users.salaries"]}, [["-1"]]),
        (["staff"], {"dimensions": ["users.city"], "measures": ["users.salaries"]}, [["Berlin", "-1"], ["Rome", "-1"]]),
        # Filters see the mask, so that nothing can be found out by asking.
        (["staff"], {"measures": ["users.count"], "filters": [
            {"member": "users.salary", "operator": "equals", "values": ["200"]}]}, [["0"]]),
        (["staff"], {"measures": ["users.count"], "filters": [
            {"member": "users.name", "operator": "equals", "values": ["***"]}]}, [["3"]]),
        (["staff"], {"measures": ["users.count"], "filters": [
            {"member": "users.salaries", "operator": "gt", "values": ["0"]}]}, []),
        # Where the other policy grants the member in full, its rows show it.
        (["staff", "roman"], {"dimensions": ["users.id", "users.name", "users.salary"]},
         [["1", "***", None], ["2", "Ben", "200"], ["3", "Cem", "400"]]),
        (["staff", "roman"], {"dimensions": ["users.city"], "measures": ["users.salaries"],
          "order": {"users.city": "asc"}}, [["Berlin", "-1"], ["Rome", "600"]]),
        (["staff", "roman"], {"measures": ["users.salaries"]}, [["-1"]]),
        (["roman"], {"dimensions": ["users.name"]}, [["Ben"], ["Cem"]]),
        # A segment has no value that could be masked.
        (["staff"], {"dimensions": ["users.id"], "segments": ["users.romans"]}, []),
        # Names are masked where they are asked for by name.
        (["staff", "roman"], {"dimensions": ["users.initial", "users.id"]}, [[None, "1"], ["B", "2"], ["C", "3"]]),
    ],
)  # fmt: skip
def test_masked_members_show_their_mask(ask, groups, query, expected) -> None:
    rows = ask(model(users=MASKS), {"groups": groups}, **query)
    assert rows == expected if "order" in query else sorted(rows, key=str) == sorted(expected, key=str)


def test_masks_of_settings_and_of_sql(ask) -> None:
    settings = AccessSettings(masks={"number": 0, "string": "?"})
    query = {"dimensions": ["users.name", "users.salary", "users.initial"], "limit": 1}
    assert ask(model(users=MASKS), {"groups": ["staff"]}, settings, **query) == [["***", "0", "?"]]
    sql = model(users=MASKS).replace(
        'mask: "***"', "mask: {sql: \"CONCAT(SUBSTRING({CUBE}.name, 1, 1), '.')\"}"
    )
    assert sorted(ask(sql, {"groups": ["staff"]}, dimensions=["users.name"])) == [["A."], ["B."], ["C."]]
    measures = model(users=MASKS).replace("mask: -1", 'mask: {sql: "100 * {count}"}')
    assert ask(measures, {"groups": ["staff"]}, measures=["users.salaries"]) == [["300"]]


# ---------------------------------------------------------------- views

VIEW = """[
  {group: de, member_level: {includes: [country, amount, count]},
   row_level: {filters: [{member: country, operator: equals, values: [DE]}]}},
  {group: roman, row_level: {filters: [{member: city, operator: equals, values: [Rome]}]}},
]"""


@pytest.mark.parametrize(
    ("groups", "query", "expected"),
    [
        ("de", {"measures": ["sales.amount"]}, [["30"]]),
        ("de", {"measures": ["sales.amount"], "dimensions": ["sales.city"]}, []),
        ("roman", {"measures": ["sales.amount"], "dimensions": ["sales.country"], "order": {"sales.country": "asc"}},
         [["DE", "20"], ["IT", "40"]]),
        (["roman", "de"], {"measures": ["sales.amount"]}, [["70"]]),
        ([], {"measures": ["sales.amount"]}, [[None]]),
        ([], {"measures": ["orders.amount"]}, [["150"]]),
    ],
)  # fmt: skip
def test_a_view_s_policies_restrict_queries_through_it(ask, groups, query, expected) -> None:
    assert ask(model(sales=VIEW), {"groups": groups}, **query) == expected


def test_a_view_s_policies_and_those_of_its_cubes_all_hold(ask) -> None:
    text = model(sales=VIEW, orders=BY_COUNTRY)
    claims = {"groups": ["roman", "seller"], "country": "DE"}
    assert ask(text, claims, measures=["sales.amount"]) == [["20"]]


# ---------------------------------------------------------------- plugins, plans


def test_filters_of_plugins_are_added_to_those_of_policies(ask) -> None:
    def filters(cube: str, principal: Any) -> list[dict[str, Any]]:
        if cube == "users" and principal.claims.get("angry"):
            raise Forbidden("Not today.")
        if cube != "orders":
            return []
        return [{"or": [{"member": "users.city", "operator": "equals", "values": ["Rome"]},
                        {"member": "orders.price", "operator": "gt", "values": ["50"]}]}]  # fmt: skip

    settings = AccessSettings(filters)
    assert ask(model(), {}, settings, measures=["orders.amount"]) == [["140"]]
    assert ask(model(orders=BY_COUNTRY), DE, settings, measures=["orders.amount"]) == [["20"]]
    # Users can be reached from orders; the refusal counts for who reads them.
    assert ask(model(), {"angry": True}, settings, measures=["orders.count"]) == [["3"]]
    with pytest.raises(Forbidden, match="Not today"):
        ask(model(), {"angry": True}, settings, measures=["users.count"])


def test_a_plan_without_its_rules_is_never_rendered(planned) -> None:
    with pytest.raises(InternalError, match="policies were not applied"):
        planned(model(orders=BY_COUNTRY), {"measures": ["orders.count"]}, principal=None)


def test_claims_are_values_of_one_statement(planned) -> None:
    texts = {
        planned(
            model(orders=BY_COUNTRY), {"measures": ["orders.count"]}, {"groups": ["seller"], "country": claim}
        ).sql
        for claim in ("DE", "IT", "'; DROP TABLE orders")
    }
    assert len(texts) == 1
    assert "DROP" not in texts.pop()


# ---------------------------------------------------------------- /v1/meta

GRADED = """[
  {group: clerk, member_level: {includes: [id, name, count]}},
  {group: guest, member_level: {includes: [id]}, member_masking: {includes: [name, salaries]}},
  {group: odd, conditions: [{if: "{security_context.number}"}]},
]"""


@pytest.mark.parametrize(
    ("groups", "visible"),
    [
        (["clerk"], {"id", "name", "count"}),
        (["guest"], {"id", "name", "salaries"}),
        (["clerk", "guest"], {"id", "name", "count", "salaries"}),
        (["odd"], set()),
        ([], set()),
    ],
)
def test_meta_lists_what_the_principal_may_read(meta, groups: list[str], visible: set[str]) -> None:
    """In production what may not be read is not there; in dev mode it is there and not visible."""
    claims = {"groups": groups, "number": 3}
    listed = meta(model(users=GRADED), claims)
    assert {name.partition(".")[2] for name in listed if name.startswith("users.")} == visible
    assert {"orders.count", "orders.country"} <= set(listed)
    marked = meta(model(users=GRADED), claims, dev=True)
    assert {name.partition(".")[2] for name, shown in marked.items() if shown and "users" in name} == visible
    assert {name for name in marked if name.startswith("users.")} >= {"users.salary", "users.romans"}


def test_meta_of_a_view_follows_the_view_s_own_policies(meta) -> None:
    """As in a query through the view, its members are not those of the cubes."""
    text = model(users=GRADED, sales='[{group: "*", member_level: {excludes: [amount]}}]')
    listed = meta(text, {"groups": ["guest"]})
    assert {name for name in listed if name.startswith("sales.")} == {
        "sales.id", "sales.country", "sales.count", "sales.name", "sales.city"
    }  # fmt: skip


def test_groups_are_those_that_plugins_name(ask, meta) -> None:
    access = AccessSettings(groups=lambda principal: frozenset(principal.claims.get("teams", ())))
    claims = {"teams": ["admin"], "groups": ["seller"]}
    assert ask(model(orders=BY_COUNTRY), claims, access, measures=["orders.count"]) == [["4"]]
    assert ask(model(orders=BY_COUNTRY), {"groups": ["admin"]}, access, measures=["orders.count"]) == [["0"]]
    assert "users.count" in meta(model(users=GRADED), {"teams": ["clerk"]}, access=access)


LINKED = """
cubes:
  - name: users
    sql: SELECT 1 AS id, 'Ann' AS name
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: name, sql: name, type: string, links: [{name: l, label: L, url: "'/' || {name}"}]}
    access_policy:
      - {group: full, member_level: {includes: [name]}}
      - {group: masked, member_level: {includes: [id]}, member_masking: {includes: [name]}}
      - {group: other, member_level: {includes: [id]}}
"""


@pytest.mark.parametrize(
    ("group", "rows"), [("full", [["/Ann"]]), ("masked", [[None]]), ("other", []), ("none", [])]
)
def test_a_link_is_granted_with_its_dimension(ask, group: str, rows: list[list[Any]]) -> None:
    """Its URL tells the value: who sees that masked sees the URL masked, too."""
    assert ask(LINKED, {"groups": [group]}, dimensions=["users.name___link_l_url"], dev=False) == rows


def test_the_link_of_a_hidden_dimension_is_hidden(ask) -> None:
    hidden = LINKED.replace("type: string,", "type: string, public: false,")
    with pytest.raises(InvalidQuery, match=r"hidden member: 'users\.name"):
        ask(hidden, {"groups": ["full"]}, dimensions=["users.name___link_l_url"], dev=False)


DECIDED_ELSEWHERE = """
cubes:
  - name: users
    sql: SELECT 1 AS id, 5 AS level UNION ALL SELECT 2, 6
    joins:
      - {name: orders, relationship: one_to_many, sql: "{CUBE}.id = {orders}.user_id"}
      - {name: lines, relationship: one_to_many, sql: "{CUBE}.id = {lines}.user_id"}
    dimensions: [{name: id, sql: id, type: number, primary_key: true}, {name: level, sql: level, type: number}]
  - name: orders
    sql: SELECT 1 AS id, 1 AS user_id, 10 AS amount UNION ALL SELECT 2, 2, 20
    dimensions: [{name: id, sql: id, type: number, primary_key: true}]
    measures: [{name: total, type: sum, sql: amount}]
  - name: lines
    sql: SELECT 1 AS id, 1 AS user_id, 'x' AS code
    joins: [{name: users, relationship: many_to_one, sql: "{CUBE}.user_id = {users.id}"}]
    dimensions: [{name: id, sql: id, type: number, primary_key: true}, {name: code, sql: code, type: string}]
    access_policy:
      - {group: full}
      - {group: some, row_level: {filters: [{member: users.level, operator: gt, values: [5]}]}}
      - {group: masked, member_level: {excludes: [code]}, member_masking: {includes: [code]}}
"""


@pytest.mark.parametrize(
    ("groups", "code"), [(["full"], "x"), (["masked"], None), (["some", "masked"], None)]
)
def test_who_asks_does_not_change_which_rows_there_are(ask, groups: list[str], code: str | None) -> None:
    """User 2 has an order and no line. Nothing joins users first, whatever decides about a mask."""
    rows = ask(DECIDED_ELSEWHERE, {"groups": groups}, measures=["orders.total"], dimensions=["lines.code"])
    assert rows == [[code, "10"]]
