"""Every construct of a model, read into the catalog."""

from __future__ import annotations

import pytest

from cuboid.catalog.compile import compile_catalog
from cuboid.catalog.files import ModelFile
from cuboid.catalog.model import Case, CaseBranch
from cuboid.catalog.pieces import CubeReference, Place, Template

FULL = """\
cubes:
  - name: Orders
    sql_table: public.orders
    sql_alias: ord
    data_source: sales
    title: All Orders
    description: what was bought
    meta: {owner: sales, tags: [a, 1, true, null]}
    joins:
      - {name: users, relationship: many_to_one, sql: "{CUBE}.user_id = {users}.id"}
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - name: status
        sql: status
        type: string
        title: State
        description: of delivery
        meta: {k: v}
        public: false
        format: link
        suggest_filter_values: false
      - {name: createdAt, sql: created_at, type: time, time_kind: instant}
      - {name: day, sql: day, type: time, time_kind: date}
      - {name: seen, sql: seen, type: time}
      - name: size
        type: string
        case:
          when:
            - {sql: "{CUBE}.amount > 10", label: big}
            - {sql: "{CUBE}.amount > 5", label: {sql: "{CUBE}.label"}}
          else: {label: small}
    measures:
      - {name: count, type: count, drill_members: [id, CUBE.status, users.city]}
      - name: revenue
        sql: amount
        type: sum
        format: currency
        currency: eur
        filters: [{sql: "{status} = 'paid'"}, {sql: "{CUBE}.amount > 0"}]
      - {name: people, sql: user_id, type: count_distinct_approx}
      - {name: last, sql: "max({CUBE}.created_at)", type: time}
    segments:
      - {name: paid, sql: "{status} = 'paid'", title: Only paid, description: d, meta: {x: 1}, public: false}
  - name: users
    sql: SELECT * FROM users
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true, public: true}
      - {name: city, sql: city, type: string}
"""


def test_a_model_without_mistakes_has_none() -> None:
    catalog = compile_catalog([ModelFile("model/a.yml", FULL)])
    assert catalog.errors == ()
    assert catalog.warnings == ()
    assert catalog.broken == {}
    assert list(catalog.cubes) == ["Orders", "users"]


@pytest.fixture(scope="module")
def full():  # type: ignore[no-untyped-def]
    return compile_catalog([ModelFile("model/a.yml", FULL)])


def test_a_cube_has_its_keys(full) -> None:
    orders = full.cubes["Orders"]
    assert (orders.name, orders.index, orders.alias, orders.data_source) == ("Orders", 0, "ord", "sales")
    assert orders.sql_table == Template(("public.orders",), Place("model/a.yml", 3, 16))
    assert orders.sql is None
    assert (orders.title, orders.description) == ("All Orders", "what was bought")
    assert orders.meta == {"owner": "sales", "tags": ["a", 1, True, None]}
    assert orders.place == Place("model/a.yml", 2, 5)
    assert [d.name for d in orders.primary_key] == ["id"]


def test_a_cube_has_defaults(full) -> None:
    users = full.cubes["users"]
    assert (users.index, users.alias, users.data_source, users.title) == (1, "users", "default", "Users")
    assert (users.public, users.description, users.meta, users.joins) == (True, None, None, ())
    assert users.sql == Template(("SELECT * FROM users",), Place("model/a.yml", 45, 10))
    assert users.sql_table is None


def test_a_join_has_its_edge(full) -> None:
    (join,) = full.cubes["Orders"].joins
    assert (join.source, join.target, join.relationship) == ("Orders", "users", "many_to_one")
    assert join.sql.references == (CubeReference("Orders", ("Orders",)), CubeReference("users", ("users",)))
    assert join.place == Place("model/a.yml", 10, 9)


def test_a_dimension_has_its_keys(full) -> None:
    status = full.dimension("Orders.status")
    assert (status.type, status.title, status.short_title) == ("string", "All Orders State", "State")
    assert (status.description, status.meta, status.format) == ("of delivery", {"k": "v"}, "link")
    assert (status.public, status.suggest_filter_values, status.primary_key) == (False, False, False)


def test_a_primary_key_is_hidden_unless_it_is_made_public(full) -> None:
    assert not full.dimension("Orders.id").public
    assert full.dimension("users.id").public


def test_time_dimensions_say_what_their_column_holds(full) -> None:
    kinds = {name: full.dimension(f"Orders.{name}").time_kind for name in ("createdAt", "day", "seen")}
    assert kinds == {"createdAt": "instant", "day": "date", "seen": "utc"}


def test_a_case_has_branches_and_labels(full) -> None:
    size = full.dimension("Orders.size")
    own = CubeReference("Orders", ("Orders",))
    assert size.sql is None
    assert size.case == Case(
        (
            CaseBranch(Template((own, ".amount > 10"), Place("model/a.yml", 29, 21)), "big"),
            CaseBranch(
                Template((own, ".amount > 5"), Place("model/a.yml", 30, 21)),
                Template((own, ".label"), Place("model/a.yml", 30, 55)),
            ),
        ),
        "small",
    )


def test_a_measure_has_its_keys(full) -> None:
    revenue = full.measure("Orders.revenue")
    assert (revenue.type, revenue.value_type, revenue.format, revenue.currency) == (
        "sum",
        "number",
        "currency",
        "EUR",
    )
    assert [len(template.references) for template in revenue.filters] == [1, 1]
    assert revenue.title == "All Orders Revenue"
    assert full.measure("Orders.count").sql is None
    assert full.measure("Orders.last").value_type == "time"


def test_drill_members_are_full_names(full) -> None:
    assert full.measure("Orders.count").drill_members == ("Orders.id", "Orders.status", "users.city")


def test_a_segment_has_its_keys(full) -> None:
    paid = full.segment("Orders.paid")
    assert (paid.title, paid.short_title) == ("All Orders Only paid", "Only paid")
    assert (paid.description, paid.meta, paid.public) == ("d", {"x": 1}, False)


def test_camel_case_and_snake_case_are_one(compile_text) -> None:
    catalog = compile_text(
        """
        cubes:
          - name: a
            sqlTable: t
            dataSource: d
            sqlAlias: al
            joins: {b: {relationship: belongsTo, sql: "{CUBE}.b = {b}.id"}}
            dimensions:
              - {name: id, sql: id, type: number, primaryKey: true, suggestFilterValues: false}
              - {name: at, sql: at, type: time, timeKind: date}
            measures:
              - {name: n, sql: n, type: countDistinct, drillMembers: [id]}
              - {name: m, sql: n, type: countDistinctApprox, drillMemberReferences: [id], shown: false}
          - {name: b, sql_table: b}
        """
    )
    assert catalog.errors == ()
    cube = catalog.cubes["a"]
    assert (cube.alias, cube.data_source) == ("al", "d")
    assert [measure.type for measure in cube.measures.values()] == ["count_distinct", "count_distinct_approx"]
    assert [measure.drill_members for measure in cube.measures.values()] == [("a.id",), ("a.id",)]
    assert [measure.public for measure in cube.measures.values()] == [True, False]
    assert cube.joins[0].relationship == "many_to_one"
    assert cube.dimensions["at"].time_kind == "date"


@pytest.mark.parametrize(
    ("written", "relationship"),
    [
        ("many_to_one", "many_to_one"),
        ("manyToOne", "many_to_one"),
        ("belongs_to", "many_to_one"),
        ("belongsTo", "many_to_one"),
        ("one_to_many", "one_to_many"),
        ("oneToMany", "one_to_many"),
        ("has_many", "one_to_many"),
        ("hasMany", "one_to_many"),
        ("one_to_one", "one_to_one"),
        ("oneToOne", "one_to_one"),
        ("has_one", "one_to_one"),
        ("hasOne", "one_to_one"),
    ],
)
def test_relationships_have_old_and_new_names(compile_text, written: str, relationship: str) -> None:
    catalog = compile_text(
        f"""
        cubes:
          - {{name: a, sql_table: a, joins: [{{name: b, relationship: {written}, sql: "1 = 1"}}]}}
          - {{name: b, sql_table: b}}
        """
    )
    assert catalog.cubes["a"].joins[0].relationship == relationship


def test_members_of_a_hidden_cube_are_hidden(compile_text) -> None:
    catalog = compile_text(
        """
        cubes:
          - name: a
            sql_table: a
            shown: false
            measures: [{name: n, type: count, public: true}]
            dimensions: [{name: d, sql: d, type: string}]
            segments: [{name: s, sql: x = 1}]
        """
    )
    assert not any(member.public for member in catalog.cubes["a"].members())


def test_empty_sections_are_fine(compile_text) -> None:
    catalog = compile_text(
        "cubes:\n  - name: a\n    sql_table: a\n    measures:\n    joins:\n    meta:\nviews:\n"
    )
    assert catalog.errors == ()
    assert list(catalog.cubes["a"].members()) == []


def test_a_model_may_spread_over_files(compile_text) -> None:
    catalog = compile_text(
        'cubes: [{name: a, sql_table: a, joins: [{name: b, relationship: has_one, sql: "1=1"}]}]',
        "cubes: [{name: b, sql_table: b}]",
        "",
    )
    assert catalog.errors == ()
    assert [(cube.name, cube.index) for cube in catalog.cubes.values()] == [("a", 0), ("b", 1)]


def test_no_files_are_an_empty_catalog() -> None:
    catalog = compile_catalog([])
    assert (dict(catalog.cubes), catalog.errors) == ({}, ())


def test_equal_files_have_equal_content_and_others_do_not() -> None:
    def content(*files: tuple[str, str]) -> str:
        return compile_catalog([ModelFile(*file) for file in files]).content

    assert content(("a", "x: 1")) == content(("a", "x: 1"))
    different = {
        content(),
        content(("a", "")),
        content(("a", "b")),
        content(("ab", "")),
        content(("a", ""), ("b", "")),
        content(("b", ""), ("a", "")),
    }
    assert len(different) == 6


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("folders", "[{name: f, includes: []}]"),
    ],
)
def test_keys_that_change_no_number_are_warned_about(compile_text, key: str, value: str) -> None:
    catalog = compile_text(f"cubes:\n  - name: a\n    sql_table: a\n    {key}: {value}\n")
    (warning,) = catalog.warnings
    assert (warning.file, warning.line, warning.column) == ("a.yml", 4, 5)
    assert warning.message == f"'{key}' has no effect in this version"
    assert list(catalog.cubes) == ["a"]


def test_unsupported_keys_that_are_off_change_nothing(compile_text) -> None:
    catalog = compile_text(
        """
        cubes:
          - name: a
            sql_table: a
            calendar: false
            extends:
            dimensions: [{name: d, sql: d, type: time, sub_query: false, granularities: []}]
            measures: [{name: m, sql: m, type: sum, multi_stage: false}]
        """
    )
    assert catalog.errors == ()
