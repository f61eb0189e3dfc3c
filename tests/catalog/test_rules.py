"""What must hold between cubes, and what goes down with what."""

from __future__ import annotations

import pytest

KEYED = "dimensions: [{name: id, sql: id, type: number, primary_key: true}]"


def two_cubes(members_of_a: str, members_of_b: str) -> str:
    return f"""
    cubes:
      - name: a
        sql_table: a
        joins: [{{name: b, relationship: many_to_one, sql: "{{CUBE}}.b = {{b}}.id"}}]
        {members_of_a}
      - name: b
        sql_table: b
        {members_of_b}
    """


@pytest.mark.parametrize("type", ["count", "sum", "avg", "number"])
def test_a_joined_cube_with_additive_measures_needs_a_primary_key(compile_text, type: str) -> None:
    measure = f"measures: [{{name: m, type: {type}, sql: x}}]"
    for source, target, culprit in ((measure, "", "a"), ("", measure, "b")):
        catalog = compile_text(two_cubes(source, target))
        (error,) = catalog.errors
        assert error.message == (
            f"cube '{culprit}' takes part in a join and has the measure 'm', so it needs a primary key"
        )
        assert (error.line, error.column) == ((3, 5) if culprit == "a" else (7, 5))
        assert "primary_key: true" in (error.hint or "")


@pytest.mark.parametrize("type", ["min", "max", "count_distinct", "count_distinct_approx"])
def test_measures_that_repeated_rows_leave_alone_need_none(compile_text, type: str) -> None:
    measure = f"measures: [{{name: m, type: {type}, sql: x}}]"
    assert compile_text(two_cubes(measure, measure)).errors == ()


def test_a_cube_without_joins_needs_none(compile_text) -> None:
    assert compile_text("cubes: [{name: a, sql_table: a, measures: [{name: n, type: count}]}]").errors == ()


def test_composite_keys_are_keys(compile_text) -> None:
    key = """dimensions:
          - {name: x, sql: x, type: number, primary_key: true}
          - {name: y, sql: y, type: number, primary_key: true}
        measures: [{name: n, type: count}]"""
    catalog = compile_text(two_cubes(key, ""))
    assert catalog.errors == ()
    assert [dimension.name for dimension in catalog.cubes["a"].primary_key] == ["x", "y"]


@pytest.mark.parametrize(
    ("members", "circle"),
    [
        ('dimensions: [{name: x, sql: "{x}", type: string}]', "a.x -> a.x"),
        (
            'dimensions: [{name: x, sql: "{y}", type: string}, {name: y, sql: "{CUBE.x}", type: string}]',
            "a.x -> a.y -> a.x",
        ),
        ('measures: [{name: m, sql: "{m} + 1", type: number}]', "a.m -> a.m"),
        ('dimensions: [{name: x, sql: "{x.day}", type: time}]', "a.x -> a.x"),
        ('segments: [{name: s, sql: "{s} OR {s}"}]', "a.s -> a.s"),
        (
            'dimensions: [{name: x, type: string, case: {when: [{sql: z = 1, label: {sql: "{x}"}}]}}]',
            "a.x -> a.x",
        ),
    ],
)
def test_no_member_is_defined_by_itself(compile_text, members: str, circle: str) -> None:
    catalog = compile_text(f"cubes:\n  - name: a\n    sql_table: a\n    {members}\n")
    assert circle in catalog.errors[0].message
    assert "is defined by itself" in catalog.errors[0].message
    assert list(catalog.broken) == ["a"]


def test_a_circle_through_cubes_takes_all_of_them_down(compile_text) -> None:
    model = two_cubes(
        'dimensions: [{name: x, sql: "{b.y}", type: string}]',
        """joins: [{name: a, relationship: one_to_many, sql: "{CUBE}.id = {a}.b"}]
        dimensions: [{name: y, sql: "{a.x}", type: string}]""",
    )
    catalog = compile_text(model)
    assert sorted(catalog.broken) == ["a", "b"]
    assert {error.message.split(":")[0] for error in catalog.errors} == {
        "'a.x' is defined by itself",
        "'b.y' is defined by itself",
    }


def chain(length: int, sql: str) -> str:
    """Dimensions d1 ... d<length>, each defined by the one before with ``sql``; d1 is a column."""
    members = "".join(
        f'      - {{name: d{n}, sql: "{sql.format(n - 1)}", type: string}}\n' for n in range(2, length + 1)
    )
    first = "      - {name: d1, sql: x, type: string}\n"
    return f"cubes:\n  - name: a\n    sql_table: a\n    dimensions:\n{first}{members}"


def test_members_may_be_defined_through_32_members(compile_text) -> None:
    assert compile_text(chain(32, "{{d{0}}}")).errors == ()


@pytest.mark.parametrize("length", [33, 3000])
def test_a_longer_chain_is_reported_where_it_gets_too_long(compile_text, length: int) -> None:
    (error,) = compile_text(chain(length, "{{d{0}}}")).errors
    assert error.message == "'a.d33' is defined through more than 32 members, one by the other"
    assert error.line == 4 + 33


def test_members_that_double_are_reported_before_they_fill_the_memory(compile_text) -> None:
    assert compile_text(chain(13, "{{d{0}}} || {{d{0}}}")).errors == ()  # 2 ** 13 - 1 members
    (error,) = compile_text(chain(30, "{{d{0}}} || {{d{0}}}")).errors
    assert error.message == "'a.d14' stands for more than 10,000 other members"


CHAIN = """
    cubes:
      - name: a
        sql_table: a
        joins: [{name: b, relationship: has_one, sql: "{CUBE}.x = {b}.x"}]
      - name: b
        sql_table: b
        joins: [{name: c, relationship: has_one, sql: "{CUBE}.x = {c}.x"}]
      - name: c
        sql_table: c
        dimensions: [{name: d, sql: d, type: strin}]
      - name: e
        sql_table: e
"""


def test_a_broken_cube_takes_down_what_depends_on_it_and_nothing_else(compile_text) -> None:
    catalog = compile_text(CHAIN)
    (error,) = catalog.errors
    assert dict(catalog.broken) == {"a": (error,), "b": (error,), "c": (error,)}
    assert list(catalog.cubes) == ["e"]


def test_a_member_reference_is_a_dependency_without_a_join(compile_text) -> None:
    catalog = compile_text(
        """
        cubes:
          - {name: a, sql_table: a, segments: [{name: s, sql: "{b.d} = 1"}]}
          - {name: b, sql_table: b, dimensions: [{name: d, sql: d, type: strin}]}
        """
    )
    assert sorted(catalog.broken) == ["a", "b"]


def test_a_drill_member_is_none(compile_text) -> None:
    catalog = compile_text(
        """
        cubes:
          - {name: a, sql_table: a, measures: [{name: n, type: count, drill_members: [b.d]}]}
          - {name: b, sql_table: b, dimensions: [{name: d, sql: d, type: strin}]}
        """
    )
    assert list(catalog.cubes) == ["a"]
    assert catalog.measure("a.n").drill_members == ("b.d",)


def test_a_file_that_does_not_parse_breaks_its_cubes_by_name(compile_text) -> None:
    catalog = compile_text(
        """
        cubes:
          - name: a
            sql_table: a
            joins: [{name: b, relationship: has_one, sql: "{CUBE}.x = {b.anything}"}]
          - {name: c, sql_table: c}
        """,
        """
        cubes:
          - name: b
            sql_table: b
            dimensions:
              - name: inner
                sql: [
        """,
    )
    (error,) = catalog.errors
    assert error.file == "b.yml"
    assert dict(catalog.broken) == {"a": (error,), "b": (error,)}
    assert list(catalog.cubes) == ["c"]


def test_cubes_with_one_name_are_both_off(compile_text) -> None:
    catalog = compile_text("cubes: [{name: a, sql_table: x}]", "cubes: [{name: a, sql_table: y}]")
    assert dict(catalog.cubes) == {}
    assert list(catalog.broken) == ["a"]
    assert "the first is at a.yml:1" in catalog.errors[0].message
    assert catalog.errors[0].file == "b.yml"


def test_a_view_and_a_cube_cannot_share_a_name(compile_text) -> None:
    catalog = compile_text("cubes: [{name: a, sql_table: x}]\nviews: [{name: a}]\n")
    assert list(catalog.broken) == ["a"]
    assert any("two cubes or views named 'a'" in error.message for error in catalog.errors)


def test_a_view_without_cubes_is_off(compile_text) -> None:
    catalog = compile_text("cubes: [{name: a, sql_table: x}]\nviews: [{name: v}]\n")
    assert (list(catalog.cubes), list(catalog.broken)) == (["a"], ["v"])


ROWS = """
cubes:
  - name: a
    sql_table: a
    joins: [{name: b, relationship: one_to_many, sql: "%s"}]
    dimensions:
      - {name: id, sql: "%s", type: number, primary_key: true}
      - {name: asked, sql: "{b.n}", type: number, sub_query: true}
      - {name: of_asked, sql: "{asked} + 1", type: number}
  - name: b
    sql_table: b
    dimensions: [{name: id, sql: id, type: number, primary_key: true}]
    measures: [{name: n, type: count}]
"""


def test_joins_and_keys_are_made_of_columns(compile_text) -> None:
    assert compile_text(ROWS % ("{CUBE}.x = {b}.y", "id")).errors == ()
    (error,) = compile_text(ROWS % ("{of_asked} = {b}.y", "id")).errors
    assert error.message == "the condition of a join cannot be made of measures, as 'a.asked' is"
    (error,) = compile_text(ROWS % ("{CUBE}.x = {b}.y", "{of_asked}")).errors
    assert error.message == "a primary key cannot be made of measures, as 'a.asked' is"


def test_a_sub_query_needs_a_primary_key(assert_error) -> None:
    model = (ROWS % ("{CUBE}.x = {b}.y", "id")).replace(", primary_key: true}", "}", 1)
    assert_error(
        model.replace("sub_query: true", "sub_query: ¦true"),
        "is evaluated for each primary key",
        "primary_key: true",
    )


def test_measures_in_stages_need_no_key(compile_text) -> None:
    found = compile_text(
        "cubes:\n  - name: a\n    sql_table: a\n"
        "    joins: [{name: b, relationship: has_one, sql: 1 = 1}]\n"
        "    measures: [{name: m, type: sum, sql: '{b.n}', multi_stage: true}]\n"
        "  - name: b\n    sql_table: b\n    dimensions: [{name: id, sql: id, type: number, primary_key: true}]\n"
        "    measures: [{name: n, type: count}]\n"
    )
    assert found.errors == ()
