"""Mistakes in a model: what is said, where, and with which hint. ``¦`` marks the place."""

from __future__ import annotations

import pytest

CUBE = "cubes:\n  - name: a\n    sql_table: a\n    "
FILES = [
    ("¦- a\n", "a model file must be a mapping, not a list", None),
    ("¦just text\n", "a model file must be a mapping, not the text 'just text'", None),
    ("¦cube: []\n", "a model file has no key 'cube'", "Did you mean 'cubes'?"),
    ("cubes: ¦{a: 1}\n", "'cubes' of a model file must be a list, not a mapping", "- name:"),
    ("cubes: ¦x\n", "'cubes' of a model file must be a list, not the text 'x'", None),
    ("cubes: [¦x]\n", "a cube must be a mapping, not the text 'x'", None),
    ("cubes: [¦{sql_table: x}]\n", "this cube has no 'name'", "Add 'name'"),
    ("cubes: [{name: ¦1a, sql_table: x}]\n", "'1a' is not a name", "begins with a letter"),
    ("cubes: [{name: ¦my cube, sql_table: x}]\n", "'my cube' is not a name", None),
    ("cubes: [{name: ¦[a], sql_table: x}]\n", "'name' of a cube must be a text, not a list", None),
    ("cubes: [{name: ¦CUBE, sql_table: x}]\n", "word of the reference language", None),
    (
        "cubes: [{name: a, sql_table: x}, {name: ¦a, sql_table: y}]\n",
        "there are two cubes or views named 'a'; the first is at a.yml:1",
        "Rename",
    ),
    ("cubes: []\n¦cubes: []\n", "the key 'cubes' is written twice", None),
    ("views: [¦{name: v}]\n", "this view has no 'cubes'", "join_path"),
]
CUBES = [
    ("cubes: [¦{name: a}]\n", "this cube has no 'sql_table'", "'sql': a SELECT"),
    ("cubes: [{name: a, sql_table: t, sql: ¦select 1}]\n", "either 'sql' or 'sql_table'", "Remove one"),
    ("cubes: [{name: a, sql_table: ¦''}]\n", "'sql_table' is empty", None),
    (
        "cubes: [{name: a, sql: 'select ¦{CUBE}.x'}]\n",
        "'{CUBE}' has no meaning here",
        "\\{",
    ),
    ("cubes: [{name: a, sql: 'select ¦{b.sql()}'}]\n", "there is no cube 'b'", None),
    ("cubes: [{name: a, sql: 'select ¦}'}]\n", "closes nothing", None),
    (CUBE + "¦mesures: []\n", "a cube has no key 'mesures'", "Did you mean 'measures'?"),
    (CUBE + "sql_alias: ¦a-b\n", "'a-b' is not a name", None),
    (CUBE + "public: ¦yes\n", "'public' of a cube must be true or false, not the text 'yes'", "yes, no, on"),
    (CUBE + "public: ¦'true'\n", "must be true or false, not the text 'true'", "without quotes"),
    (
        CUBE
        + "calendar: ¦yes\n    dimensions: [{name: a, sql: a, type: time}, {name: b, sql: b, type: time}]\n",
        "'calendar' of a cube must be true or false",
        "yes, no",
    ),
    ("views: [{name: v, cubes: ¦x}]\n", "'cubes' of a view must be a list, not the text 'x'", None),
    (CUBE + "meta: ¦[1]\n", "'meta' of a cube must be a mapping, not a list", None),
    (CUBE + "meta: {x: 1, ¦x: 2}\n", "the key 'x' is written twice in 'meta'", None),
    (CUBE + "title: ¦{a: b}\n", "'title' of a cube must be a text, not a mapping", None),
    (CUBE + "¦sqlTable: b\n", "'sqlTable' and 'sql_table' are the same key", "Keep one"),
    (CUBE + "¦access_policy:\n", "'access_policy' is empty", "to whom"),
    (CUBE + "measures: ¦{m: {type: count}}\n", "'measures' of a cube must be a list", "- name:"),
    (
        "cubes: [{name: Orders, sql_table: a}, ¦{name: orders, sql_table: b}]\n",
        "cubes 'Orders' and 'orders' have the same SQL alias 'orders'",
        "sql_alias",
    ),
]
JOINS = [
    ("joins: [{name: ¦z, relationship: has_one, sql: 1=1}]\n", "there is no cube 'z' to join", None),
    ("joins: [{name: ¦a, relationship: has_one, sql: 1=1}]\n", "cube 'a' cannot join itself", "second cube"),
    ("joins: [¦{relationship: has_one, sql: 1=1}]\n", "this join has no 'name'", None),
    ("joins: [¦{name: b, sql: 1=1}]\n", "this join has no 'relationship'", "many_to_one"),
    (
        "joins: [{name: b, relationship: ¦many_to_many, sql: 1=1}]\n",
        "'many_to_many' is no relationship of a join",
        "'many_to_one'",
    ),
    ("joins: [¦{name: b, relationship: has_one}]\n", "this join has no 'sql'", None),
    (
        "joins: [{name: b, relationship: has_one, sql: 1=1}, {name: ¦b, relationship: has_one, sql: 1=1}]\n",
        "cube 'a' has two joins to 'b'",
        "second cube over the same table",
    ),
    (
        "joins: {b: {relationship: has_one, sql: 1=1}, ¦b: {relationship: has_one, sql: 1=1}}\n",
        "cube 'a' has two joins to 'b'",
        None,
    ),
    ("joins: [¦b]\n", "a join must be a mapping, not the text 'b'", None),
    ("joins: ¦b\n", "'joins' of a cube must be a list, not the text 'b'", None),
    ("joins: [{name: b, relationship: has_one, sql: 1=1, ¦type: x}]\n", "a join has no key 'type'", None),
    ("joins: [{name: b, relationship: has_one, sql: '{CUBE}.x = ¦{c}.y'}]\n", "'c' is neither a cube", None),
]
MEMBERS = [
    (
        "measures: [{name: m, type: number, sql: sum(x), filters: [{sql: ¦x > 1}]}]\n",
        "a measure of type 'number' takes no filters",
        "CASE WHEN",
    ),
    ("dimensions: [¦{name: d, type: string}]\n", "this dimension has no 'sql'", "or 'case'"),
    ("dimensions: [¦{name: d, sql: d}]\n", "this dimension has no 'type'", "string, number, boolean, time"),
    ("dimensions: [{name: d, sql: d, type: ¦text}]\n", "'text' is no type of a dimension", "It is one of"),
    ("dimensions: [{name: d, sql: d, type: ¦strin}]\n", "'strin' is no type", "Did you mean 'string'?"),
    ("dimensions: [¦d]\n", "a dimension must be a mapping, not the text 'd'", None),
    ("dimensions: [¦{sql: d, type: string}]\n", "this dimension has no 'name'", None),
    ("dimensions: [{name: ¦a b, sql: d, type: string}]\n", "'a b' is not a name", None),
    (
        "dimensions: [{name: d, sql: d, type: string, ¦primry_key: true}]\n",
        "no key 'primry_key'",
        "'primary_key'",
    ),
    ("dimensions: [{name: d, sql: d, type: string, primary_key: ¦1}]\n", "must be true or false", None),
    (
        "dimensions: [{name: d, sql: d, type: string, format: ¦pretty}]\n",
        "'pretty' is no format",
        "named format",
    ),
    (
        "dimensions: [{name: d, sql: d, type: number, format: ¦percen}]\n",
        "'percen' is no format",
        "'percent'",
    ),
    ("dimensions: [{name: d, sql: d, type: string, format: ¦{type: link}}]\n", "has no 'label'", None),
    (
        "dimensions: [{name: d, sql: d, type: string, format: {type: ¦url, label: x}}]\n",
        "'url' is no type",
        "link",
    ),
    (
        "dimensions: [{name: d, sql: d, type: string, time_kind: ¦utc}]\n",
        "belongs to dimensions of type time",
        None,
    ),
    (
        "dimensions: [{name: d, sql: d, type: time, time_kind: ¦local}]\n",
        "'local' is no time_kind",
        "instant, utc",
    ),
    (
        "dimensions: [{name: d, sql: ¦d, type: string, case: {when: [{sql: x = 1, label: y}]}}]\n",
        "either 'sql' or 'case', not both",
        None,
    ),
    ("dimensions: [{name: d, type: string, case: ¦{else: {label: y}}}]\n", "this case has no 'when'", None),
    ("dimensions: [{name: d, type: string, case: {when: ¦[]}}]\n", "at least one branch", None),
    (
        "dimensions: [{name: d, type: string, case: {when: [¦{label: y}]}}]\n",
        "case branch has no 'sql'",
        None,
    ),
    (
        "dimensions: [{name: d, type: string, case: {when: [¦{sql: x = 1}]}}]\n",
        "has no 'label'",
        "{sql: ...}",
    ),
    (
        "dimensions: [{name: x, sql: x, type: string}, {name: ¦x, sql: y, type: string}]\n",
        "cube 'a' has two members named 'x'; the first is the dimension at line 4",
        "share one set of names",
    ),
    (
        "dimensions: [{name: createdAt, sql: x, type: string}, ¦{name: created_at, sql: y, type: string}]\n",
        "'createdAt' and 'created_at' of cube 'a' have the same SQL alias",
        None,
    ),
    ("measures: [¦{name: m, type: sum}]\n", "this measure has no 'sql'", None),
    ("measures: [¦{name: m, sql: x}]\n", "this measure has no 'type'", "count, sum"),
    ("measures: [{name: m, sql: x, type: ¦median}]\n", "'median' is no type of a measure", None),
    ("measures: [{name: m, sql: x, type: ¦countDistnct}]\n", "is no type", "'count_distinct'"),
    ("measures: [{name: m, type: count, filters: [¦x]}]\n", "a measure filter must be a mapping", None),
    ("measures: [{name: m, type: count, filters: [¦{}]}]\n", "this measure filter has no 'sql'", None),
    ("measures: [{name: m, type: count, currency: ¦euro}]\n", "'euro' is no currency", "ISO 4217"),
    ("measures: [{name: m, type: time, sql: max(x), currency: ¦EUR}]\n", "measures with numbers", None),
    ("measures: [{name: m, type: count, format: ¦curency}]\n", "'curency' is no format", "'currency'"),
    ("measures: [{name: m, type: count, drill_members: ¦id}]\n", "must be a list", None),
    ("measures: [{name: m, type: count, drill_members: [¦idd]}]\n", "'idd' is neither", None),
    ("measures: [{name: m, type: count, drill_members: [¦a]}]\n", "'a' is a cube, not a member", "a.member"),
    (
        "measures: [{name: m, type: count, drill_members: [¦[a]]}]\n",
        "a member's name is due here, not a list",
        None,
    ),
    ("segments: [¦{name: s}]\n", "this segment has no 'sql'", None),
    ("segments: [{name: s, sql: x = 1, ¦type: x}]\n", "a segment has no key 'type'", None),
]


@pytest.mark.parametrize(("model", "message", "hint"), [*FILES, *CUBES])
def test_mistakes_of_files_and_cubes(assert_error, model: str, message: str, hint: str | None) -> None:
    assert_error(model, message, hint)


@pytest.mark.parametrize(("section", "message", "hint"), JOINS)
def test_mistakes_of_joins(assert_error, section: str, message: str, hint: str | None) -> None:
    catalog = assert_error(f"{CUBE}{section}  - {{name: b, sql_table: b}}\n", message, hint)
    assert (list(catalog.cubes), list(catalog.broken)) == (["b"], ["a"])


@pytest.mark.parametrize(("section", "message", "hint"), MEMBERS)
def test_mistakes_of_members(assert_error, section: str, message: str, hint: str | None) -> None:
    catalog = assert_error(CUBE + section, message, hint)
    assert (list(catalog.cubes), list(catalog.broken)) == ([], ["a"])


def test_all_mistakes_are_collected_in_file_order(compile_text) -> None:
    catalog = compile_text(
        """
        cubes:
          - name: a
            sql_table: a
            dimensions:
              - {name: d, sql: "{x} + {y}", type: strin}
            measures:
              - {name: m, type: sum}
          - name: b
        """,
        "cubes: [\n",
    )
    places = [(error.file, error.line, error.column) for error in catalog.errors]
    assert places == [
        ("a.yml", 6, 25),
        ("a.yml", 6, 31),
        ("a.yml", 6, 43),
        ("a.yml", 8, 9),
        ("a.yml", 9, 5),
        ("b.yml", 2, 1),
    ]


@pytest.mark.parametrize(
    "users",
    [
        "dimensions: ¦{id: {sql: id, type: number}}",
        "dimensions: [{name: id, sql: id, type: number, primary_key: true}, ¦name]",
        "dimensions: [{name: id, sql: id, type: number, primary_key: true}, ¦{sql: name, type: string}]",
    ],
)
def test_members_that_cannot_be_read_are_not_told_to_be_missing(assert_error, users: str) -> None:
    """One mistake, one message: neither SQL nor views, folders, hierarchies and policies speak of what it hides."""
    assert_error(
        f"""
        cubes:
          - name: orders
            sql_table: orders
            joins: [{{name: users, relationship: many_to_one, sql: "{{CUBE}}.u = {{users.id}}"}}]
            dimensions:
              - {{name: id, sql: id, type: number, primary_key: true}}
              - {{name: who, sql: "UPPER({{users.name}})", type: string}}
            measures: [{{name: count, type: count, drill_members: [users.name]}}]
            hierarchies: [{{name: h, levels: [id, users.name]}}]
          - name: users
            sql_table: users
            {users}
            access_policy: [{{group: a, member_level: {{includes: [name]}}}}]
          - {{name: guests, extends: users, segments: [{{name: s, sql: "{{name}} IS NULL"}}]}}
        views:
          - name: v
            cubes: [{{join_path: orders, includes: "*"}}, {{join_path: orders.users, includes: [name]}}]
            folders: [{{name: f, includes: [name]}}]
            default_filters: [{{member: name, operator: set}}]
          - name: w
            cubes: [{{join_path: users, includes: [name]}}]
            dimensions: [{{name: loud, sql: "UPPER({{name}})", type: string}}]
        """,
        "",
    )
