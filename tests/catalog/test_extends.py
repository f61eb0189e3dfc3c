"""``extends``: what a child has from its parent, and what it says otherwise."""

from __future__ import annotations

import pytest

PARENT = """
cubes:
  - name: base
    sql_table: base
    sql_alias: b
    title: Basis
    description: parent
    public: false
    joins:
      - {name: other, relationship: many_to_one, sql: "{CUBE}.x = {other}.x"}
      - {name: third, relationship: many_to_one, sql: "{CUBE}.x = {third}.x"}
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: kind, sql: kind, type: string}
    measures:
      - {name: count, type: count}
      - {name: total, type: sum, sql: "{CUBE}.amount"}
    hierarchies: [{name: h, levels: [kind]}]
  - {name: other, sql_table: other}
  - {name: third, sql_table: third}
"""


def test_a_child_has_all_that_its_parent_has(compile_text) -> None:
    found = compile_text(PARENT, "cubes: [{name: child, extends: base}]")
    assert found.errors == ()
    child = found.cubes["child"]
    assert [member.name for member in child.members()] == ["count", "total", "id", "kind"]
    assert [join.target for join in child.joins] == ["other", "third"]
    assert [hierarchy.levels for hierarchy in child.hierarchies] == [("child.kind",)]
    assert (child.title, child.description, child.public) == ("Basis", "parent", False)
    # An alias is its owner's: two cubes with one could not be told apart.
    assert (child.alias, child.extends) == ("child", "base")
    assert child.sql_table == found.cubes["base"].sql_table


def test_the_parents_sql_is_read_in_the_child(compile_text) -> None:
    found = compile_text(PARENT, "cubes: [{name: child, extends: base}]")
    for cube in ("base", "child"):
        sql = found.measure(f"{cube}.total").sql
        assert sql is not None
        assert sql.references[0].path == (cube,)
        assert found.cubes[cube].joins[0].source == cube


def test_the_childs_words_count(compile_text) -> None:
    found = compile_text(
        PARENT,
        """
        cubes:
          - name: child
            extends: base
            sql: SELECT * FROM base WHERE kind = 'x'
            public: true
            title: Kind
            joins:
              - {name: third, relationship: one_to_many, sql: "{CUBE}.y = {third}.y"}
              - {name: base, relationship: one_to_one, sql: "{CUBE}.id = {base}.id"}
            dimensions: [{name: kind, sql: UPPER(kind), type: string, title: Which}]
            measures: [{name: mean, type: avg, sql: amount}]
            hierarchies: [{name: h, levels: [id]}, {name: i, levels: [kind]}]
        """,
    )
    assert found.errors == ()
    child = found.cubes["child"]
    assert child.sql is not None
    assert child.sql_table is None
    assert (child.public, child.title, child.dimensions["kind"].title) == (True, "Kind", "Kind Which")
    assert [(join.target, join.relationship) for join in child.joins] == [
        ("other", "many_to_one"),
        ("third", "one_to_many"),
        ("base", "one_to_one"),
    ]
    assert [member.name for member in child.members()] == ["count", "total", "mean", "id", "kind"]
    assert [hierarchy.levels for hierarchy in child.hierarchies] == [("child.id",), ("child.kind",)]


def test_a_chain_is_followed_whatever_the_order(compile_text) -> None:
    found = compile_text(
        "cubes:\n  - {name: c, extends: b}\n  - {name: b, extends: a, measures: [{name: n, type: count}]}\n"
        "  - {name: a, sql_table: t, dimensions: [{name: x, sql: x, type: string}]}\n"
    )
    assert found.errors == ()
    assert [member.name for member in found.cubes["c"].members()] == ["n", "x"]


def test_joins_of_the_older_map_are_handed_down_too(compile_text) -> None:
    found = compile_text(
        "cubes:\n  - {name: a, sql_table: a, joins: {x: {relationship: belongsTo, sql: 1 = 1}}}\n"
        "  - {name: b, extends: a, joins: [{name: y, relationship: hasOne, sql: 2 = 2}]}\n"
        "  - {name: x, sql_table: x}\n  - {name: y, sql_table: y}\n"
    )
    assert found.errors == ()
    assert [(join.target, join.relationship) for join in found.cubes["b"].joins] == [
        ("x", "many_to_one"),
        ("y", "one_to_one"),
    ]


def test_a_mistake_of_the_parent_is_told_once_and_takes_both_down(compile_text) -> None:
    found = compile_text(PARENT.replace("sql: kind, type: string", "sql: '{nothing}', type: string"),
                         "cubes: [{name: child, extends: base}, {name: free, sql_table: t}]")  # fmt: skip
    assert [error.message for error in found.errors] == [
        "'nothing' is neither a cube nor a member of cube 'base'"
    ]
    assert sorted(found.broken) == ["base", "child"]


def test_a_child_of_an_unreadable_parent_says_why(compile_text) -> None:
    found = compile_text(
        "cubes:\n  - name: base\n    sql_table: [\n", "cubes: [{name: child, extends: base}]"
    )
    assert sorted(found.broken) == ["base", "child"]
    assert len(found.errors) == 1


@pytest.mark.parametrize(
    ("model", "message", "hint"),
    [
        (
            "{name: a, extends: ¦bas}, {name: base, sql_table: t}",
            "there is no cube 'bas' to extend",
            "'base'",
        ),
        ("{name: a, sql_table: t, extends: ¦a}", "'a' extends itself: a -> a", None),
        ("{name: a, sql_table: t, extends: ¦[b]}", "'extends' of a cube must be a text", None),
    ],
)
def test_mistakes(assert_error, model: str, message: str, hint: str | None) -> None:
    assert_error(f"cubes: [{model}]\n", message, hint)


def test_a_circle_is_told_at_each_of_its_cubes(compile_text) -> None:
    found = compile_text(
        "cubes:\n  - {name: a, extends: b}\n  - {name: b, extends: c}\n  - {name: c, extends: b}\n"
        "  - {name: d, sql_table: t}\n"
    )
    assert [(error.line, error.message) for error in found.errors] == [
        (3, "'b' extends itself: b -> c -> b"),
        (4, "'c' extends itself: b -> c -> b"),
    ]
    assert list(found.cubes) == ["d"]
