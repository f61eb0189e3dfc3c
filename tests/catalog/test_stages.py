"""Members that are evaluated in stages, and measures whose rows are chosen by time first."""

from __future__ import annotations

import textwrap

import pytest

from cuboid.catalog.model import Case, Catalog
from cuboid.catalog.stages import (
    Conversion,
    ConversionStep,
    FilterDirective,
    MultiStage,
    SemiAdditive,
    SwitchCase,
)
from cuboid.catalog.stated_filters import OPERATORS
from cuboid.query import operators
from cuboid.types import Interval

MODEL = """
cubes:
  - name: orders
    sql_table: orders
    joins: [{name: users, relationship: many_to_one, sql: "{CUBE}.user_id = {users}.id"}]
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: status, sql: status, type: string}
      - {name: at, sql: at, type: time}
      - {name: currency, type: switch, values: [EUR, USD]}
      %s
    measures:
      - {name: n, type: count}
      - {name: total, type: sum, sql: amount}
      %s
  - name: users
    sql_table: users
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: city, sql: city, type: string}
      - {name: seen_at, sql: seen_at, type: time}
    measures: [{name: visits, type: count}]
"""


def compiled(compile_text, *, dimension: str = "", measure: str = "") -> Catalog:
    found: Catalog = compile_text(model(dimension, measure))
    assert found.errors == ()
    return found


def model(dimension: str = "", measure: str = "") -> str:
    def item(written: str) -> str:
        return textwrap.indent(
            f"- name: m\n{textwrap.indent(textwrap.dedent(written), '  ')}", " " * 6
        ).strip()

    return MODEL % (item(dimension) if dimension else "", item(measure) if measure else "")


def stages(compile_text, written: str) -> MultiStage:
    measure = f"type: sum\nsql: '{{total}}'\nmulti_stage: true\n{textwrap.dedent(written)}"
    found = compiled(compile_text, measure=measure).measure("orders.m").multi_stage
    assert found is not None
    return found


def test_group_by_reduce_by_and_add_group_by_are_full_names(compile_text) -> None:
    found = stages(
        compile_text,
        """
        group_by: [status, users.city]
        reduce_by: [CUBE.at]
        add_group_by: [orders.users.city]
        """,
    )
    assert found == MultiStage(
        group_by=("orders.status", "users.city"), reduce_by=("orders.at",), add_group_by=("users.city",)
    )


def test_grain_says_the_same(compile_text) -> None:
    found = stages(compile_text, "grain: {keep_only: [status], exclude: [at], include: [users.city]}")
    assert found == MultiStage(
        group_by=("orders.status",), reduce_by=("orders.at",), add_group_by=("users.city",)
    )


def test_an_empty_group_by_keeps_no_dimension_and_an_absent_one_all(compile_text) -> None:
    assert stages(compile_text, "group_by: []").group_by == ()
    assert stages(compile_text, "").group_by is None


def test_a_filter_directive_changes_the_inner_filters(compile_text) -> None:
    found = stages(
        compile_text,
        """
        filter:
          mode: fixed
          exclude: [status, users.city]
          include:
            - {member: CUBE.status, operator: equals, values: [paid, 5, null, true]}
            - or:
                - {member: users.city, operator: not_set}
                - and: [{member: at, operator: inDateRange, values: [last week]}]
        """,
    )
    assert found.filter == FilterDirective(
        mode="fixed",
        exclude=("orders.status", "users.city"),
        include=(
            {"member": "orders.status", "operator": "equals", "values": ["paid", "5", None, "true"]},
            {
                "or": [
                    {"member": "users.city", "operator": "notSet"},
                    {"and": [{"member": "orders.at", "operator": "inDateRange", "values": ["last week"]}]},
                ]
            },
        ),
    )


def test_keep_only_is_a_list_that_may_be_empty(compile_text) -> None:
    assert stages(compile_text, "filter: {keep_only: []}").filter == FilterDirective(keep_only=())


def test_the_operators_of_a_model_are_those_of_queries() -> None:
    assert set(OPERATORS) == set(operators.OPERATORS) - {"measureFilter"}


def test_formulas_over_measures_are_composed_and_aggregates_are_not(compile_text) -> None:
    formula = compiled(compile_text, measure="type: number\nsql: '{total} / {n}'\nmulti_stage: true")
    assert formula.measure("orders.m").composed
    aggregate = compiled(compile_text, measure="type: avg\nsql: '{total}'\nmulti_stage: true")
    assert not aggregate.measure("orders.m").composed


def test_a_rank_has_an_order(compile_text) -> None:
    found = compiled(
        compile_text,
        measure="""
        type: rank
        multi_stage: true
        order_by: [{sql: "{total}", dir: desc}, {sql: "{n}"}]
        reduce_by: [users.city]
        """,
    ).measure("orders.m")
    assert found.sql is None
    assert found.multi_stage is not None
    assert [order.descending for order in found.multi_stage.order_by] == [True, False]
    assert [template.references[0].path for template in found.templates] == [("orders",), ("orders",)]


def test_an_aggregate_in_stages_may_filter_the_groups_of_its_first_stage(compile_text) -> None:
    found = compiled(
        compile_text,
        measure="""
        type: sum
        sql: "{total}"
        multi_stage: true
        grain: {include: [at]}
        filters: [{sql: "{n} > 1"}, {sql: "{status} = 'paid'"}]
        """,
    ).measure("orders.m")
    assert [template.references[0].path for template in found.filters] == [("orders",), ("orders",)]


def test_number_agg_aggregates_by_itself(compile_text) -> None:
    found = compiled(
        compile_text,
        measure="type: number_agg\nsql: 'median({total})'\nmulti_stage: true\nadd_group_by: [id]",
    )
    assert found.measure("orders.m").type == "number_agg"


def test_a_measure_chooses_by_conditions(compile_text) -> None:
    found = compiled(
        compile_text,
        measure="""
        type: number
        multi_stage: true
        case:
          when: [{sql: "{n} > 10", label: {sql: "{total}"}}]
          else: {label: {sql: "0"}}
        """,
    ).measure("orders.m")
    assert isinstance(found.case, Case)
    assert len(found.templates) == 3


def test_a_measure_chooses_by_a_switch(compile_text) -> None:
    found = compiled(
        compile_text,
        measure="""
        type: number
        multi_stage: true
        case:
          switch: currency
          when: [{value: [EUR, USD], sql: "{total}"}]
          else: {sql: "{n}"}
        """,
    ).measure("orders.m")
    assert isinstance(found.case, SwitchCase)
    assert (found.case.switch, found.case.branches[0][0]) == ("orders.currency", ("EUR", "USD"))
    assert len(found.case.templates) == 2


def test_a_switch_has_values_and_no_sql(compile_text) -> None:
    found = compiled(compile_text).dimension("orders.currency")
    assert (found.declared_type, found.type, found.values, found.templates) == (
        "switch",
        "string",
        ("EUR", "USD"),
        (),
    )


def test_a_dimension_may_be_evaluated_in_stages_or_by_a_sub_query(compile_text) -> None:
    staged = compiled(
        compile_text,
        dimension="""
        type: string
        multi_stage: true
        sql: "CASE WHEN {total} > 10 THEN 'big' ELSE 'small' END"
        add_group_by: [users.id]
        filter: {exclude: [status]}
        """,
    ).dimension("orders.m")
    assert staged.multi_stage == MultiStage(
        add_group_by=("users.id",), filter=FilterDirective(exclude=("orders.status",))
    )
    asked = compiled(
        compile_text,
        dimension="type: number\nsql: '{users.visits}'\nsub_query: true\npropagate_filters_to_sub_query: true",
    ).dimension("orders.m")
    assert (asked.sub_query, asked.propagate_filters) == (True, True)


def test_a_location_is_two_pieces_of_sql(compile_text) -> None:
    found = compiled(
        compile_text, dimension="type: geo\nlatitude: {sql: lat}\nlongitude: {sql: '{CUBE}.lng'}"
    ).dimension("orders.m")
    assert (found.type, found.declared_type, len(found.templates)) == ("string", "geo", 2)


def test_semi_additive_measures_know_their_snapshots(compile_text) -> None:
    measure = "type: sum\nsql: amount\nsemi_additive: {time_dimension: at, take: last, by: [users.city]}"
    found = compiled(compile_text, measure=measure).measure("orders.m").semi_additive
    assert found == SemiAdditive("orders.at", "last", ("users.city",))


def test_a_conversion_has_steps_of_several_cubes(compile_text) -> None:
    found = compiled(
        compile_text,
        measure="""
        type: conversion
        conversion:
          steps: [{measure: n, time_dimension: at}, {measure: users.visits, time_dimension: users.seen_at}]
          entity: users.id
          window: 7 days
          value: rate
        """,
    ).measure("orders.m")
    assert found.conversion == Conversion(
        (ConversionStep("orders.n", "orders.at"), ConversionStep("users.visits", "users.seen_at")),
        "users.id",
        Interval(seconds=7 * 86_400),
        "rate",
    )


def test_masks_are_constants_or_sql(compile_text) -> None:
    for written, mask in (("0", 0), ("'***'", "***"), ("false", False), ("1.5", 1.5)):
        found = compiled(compile_text, dimension=f"type: string\nsql: x\nmask: {written}")
        assert found.dimension("orders.m").mask == mask
    sql = (
        compiled(compile_text, measure="type: sum\nsql: x\nmask: {sql: 'round({CUBE}.x)'}")
        .measure("orders.m")
        .mask
    )
    assert sql is not None
    assert not isinstance(sql, str | int | float)


def test_drill_filters_are_row_conditions(compile_text) -> None:
    found = compiled(compile_text, measure="type: count\ndrill_filters: [{sql: '{CUBE}.x > 1'}]")
    assert len(found.measure("orders.m").drill_filters) == 1


@pytest.mark.parametrize(
    ("measure", "message", "hint"),
    [
        ("type: sum\nsql: '¦{total}'", "'total' is a measure", "multi_stage: true"),
        ("type: number\nsql: '{n}'\nreduce_by: ¦[status]", "evaluated in stages", "multi_stage: true"),
        ("type: number\nsql: '{n}'\nmulti_stage: true\ngroup_by: [¦stat]", "'stat' is neither", "status"),
        ("type: number\nsql: '{n}'\nmulti_stage: true\ngroup_by: [¦total]", "is not a dimension", None),
        (
            "type: number\nsql: '{n}'\nmulti_stage: true\ngroup_by: [¦at.day]",
            "has a granularity",
            "orders.at",
        ),
        ("type: number\nsql: '{n}'\nmulti_stage: true\nadd_group_by: ¦[status]", "several values", "avg"),
        (
            "type: sum\nsql: '{n}'\nmulti_stage: true\nreduce_by: [at]\ngrain: {exclude: ¦[at]}",
            "are the same",
            None,
        ),
        (
            "type: sum\nsql: '{n}'\nmulti_stage: true\nfilter: {exclude: [at], keep_only: ¦[status]}",
            "either 'exclude' or 'keep_only'",
            None,
        ),
        (
            "type: sum\nsql: '{n}'\nmulti_stage: true\n"
            "filter: {include: [{member: at, operator: ¦equal, values: [x]}]}",
            "there is no operator 'equal'",
            "'equals'",
        ),
        (
            "type: sum\nsql: '{n}'\nmulti_stage: true\nfilter: {include: [¦{member: at, operator: equals}]}",
            "this filter has no 'values'",
            None,
        ),
        ("type: number\nsql: '{n}'\nmulti_stage: true\nfilters: [{sql: ¦x}]", "takes no filters", "'filter'"),
        ("type: ¦number_agg\nsql: sum(x)", "the type number_agg needs stages", "multi_stage: true"),
        ("type: number\ncase: ¦{when: [{sql: x, label: y}]}", "'case' belongs to measures", "multi_stage"),
        (
            "type: number\nmulti_stage: true\ncase: {switch: ¦status, when: [{value: a, sql: '{n}'}]}",
            "'orders.status' is no switch",
            "type switch",
        ),
        (
            "type: number\nmulti_stage: true\ncase: {switch: currency, when: [{value: ¦GBP, sql: '{n}'}]}",
            "has no value 'GBP'",
            "EUR, USD",
        ),
        (
            "type: sum\nsql: x\nsemi_additive: {time_dimension: ¦users.seen_at, take: last}",
            "not on the measure's own cube",
            None,
        ),
        ("type: sum\nsql: x\nsemi_additive: {time_dimension: at, take: ¦latest}", "is no take", "last"),
        (
            "type: number\nsql: sum(x)\nsemi_additive: ¦{time_dimension: at, take: last}",
            "that aggregate rows",
            None,
        ),
        ("type: sum\nsql: x\nconversion: ¦{}", "belongs to measures of type conversion", None),
        (
            "type: conversion\nconversion: {steps: ¦[{measure: n, time_dimension: at}], entity: id}",
            "at least two steps",
            None,
        ),
        (
            "type: conversion\nconversion: {steps: [{measure: ¦users.visits, time_dimension: users.seen_at},"
            " {measure: n, time_dimension: at}], entity: id}",
            "the first step is on 'users'",
            "Declare the conversion on 'users'",
        ),
        (
            "type: conversion\nconversion: {steps: [{measure: n, time_dimension: at},"
            " {measure: ¦total, time_dimension: at}], entity: id}",
            "'orders.total' is no count",
            None,
        ),
        (
            "type: conversion\nconversion: {steps: [{measure: n, time_dimension: at},"
            " {measure: n, time_dimension: ¦users.seen_at}], entity: id}",
            "is not on the cube of 'orders.n'",
            None,
        ),
        ("type: sum\nsql: x\nmask: ¦[1]", "a mask is a text", None),
    ],
)
def test_mistakes_of_staged_measures(assert_error, measure: str, message: str, hint: str | None) -> None:
    assert_error(model(measure=measure), message, hint)


@pytest.mark.parametrize(
    ("dimension", "message", "hint"),
    [
        ("type: switch\nvalues: [a]\nsql: ¦x", "it has no 'sql'", None),
        ("type: switch\nvalues: ¦[]", "at least one value", None),
        ("type: switch\nvalues: [¦[a]]", "must be a list of texts", None),
        ("type: string\nsql: x\nvalues: ¦[a]", "'values' belongs to dimensions of type switch", None),
        ("type: string\nsql: x\nlatitude: ¦{sql: x}", "'latitude' belongs to dimensions of type geo", None),
        ("type: geo\nsql: ¦x", "'latitude' and 'longitude', not 'sql'", None),
        ("type: number\nsql: '¦{n}'", "'n' is a measure", "measure of type number"),
        (
            "type: string\nsql: '¦{currency}'",
            "'orders.currency' is a switch, which is on no row",
            "case: {switch",
        ),
        ("type: string\nsql: x\nkey: ¦users.id", "is not on the same cube", None),
        ("type: string\nsql: x\ncurrency: ¦EUR", "'currency' belongs to dimensions with numbers", None),
        ("type: string\nsql: x\norder: ¦up", "'up' is no order", "asc, desc"),
        ("type: string\nsql: x\nadd_group_by: ¦[status]", "evaluated in stages", "multi_stage: true"),
    ],
)
def test_mistakes_of_dimensions(assert_error, dimension: str, message: str, hint: str | None) -> None:
    assert_error(model(dimension=dimension), message, hint)


def test_a_rank_needs_an_order(assert_error) -> None:
    written = model(measure="type: rank\nmulti_stage: true").replace("- name: m\n", "- ¦name: m\n")
    assert_error(written, "this measure has no 'order_by'", "what the rank goes by")
