"""Conversions beside policies, and where they are refused. What they count is in ``tests/across/hand``."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.service.test_explain import explain, steps

from cuboid.errors import UnsupportedFeature

MODEL = (Path(__file__).parents[1] / "across" / "hand" / "funnel.yml").read_text()


def test_rows_that_policies_hide_are_no_step(ask) -> None:
    model = MODEL.replace(
        "  - name: buys\n",
        "  - name: buys\n    access_policy:\n"
        "      - {group: '*', row_level: {filters: [{member: state, operator: equals, values: [failed]}]}}\n",
    )
    assert ask(model, measures=["calls.bought"]) == [["1"]]
    hidden = MODEL.replace(
        "  - name: calls\n",
        "  - name: calls\n    access_policy:\n"
        "      - {group: '*', row_level: {filters: [{member: channel, operator: equals, values: [ad]}]}}\n",
    )
    assert ask(hidden, measures=["calls.bought", "calls.count"]) == [["2", "4"]]


def test_a_cube_without_a_key_is_no_step(ask) -> None:
    model = """
    cubes:
      - name: hits
        sql: SELECT 1 AS person, TIMESTAMP '2024-01-01' AS at
        dimensions: [{name: person, sql: person, type: number}, {name: at, sql: at, type: time}]
        measures:
          - {name: count, type: count}
          - name: again
            type: conversion
            conversion:
              steps: [{measure: count, time_dimension: at}, {measure: count, time_dimension: at}]
              entity: person
    """
    with pytest.raises(UnsupportedFeature, match="follows rows of 'hits', which has no primary key"):
        ask(model, measures=["hits.again"])


def test_an_entity_that_a_row_has_several_of_is_refused(ask) -> None:
    model = MODEL.replace("entity: clients.id\n          window: 1 month", "entity: pages.name")
    with pytest.raises(UnsupportedFeature, match=r"A row of 'calls' has several of 'pages\.name'"):
        ask(model, measures=["calls.came_again"])


@pytest.mark.parametrize("step", [0, 1])
def test_a_measure_that_reads_what_a_row_has_several_of_is_no_step(ask, step: int) -> None:
    """Each page of a call would make it another row of the step, or none."""
    model = MODEL.replace(
        "      - {name: count, type: count}\n      - name: bought_in_a_week",
        "      - {name: count, type: count}\n      - {name: seen, type: count, sql: 'COALESCE({pages.name}, 1)'}\n"
        "      - name: bought_in_a_week",
    )
    steps = ["count", "count"]
    steps[step] = "seen"
    listed = ", ".join(f"{{measure: {each}, time_dimension: at}}" for each in steps)
    model = model.replace(
        "steps: [{measure: count, time_dimension: at}, {measure: buys.good, time_dimension: buys.at}]",
        f"steps: [{listed}]",
    )
    with pytest.raises(UnsupportedFeature, match=r"A row of 'calls' has several of 'calls\.seen'"):
        ask(model, measures=["calls.bought_in_a_week"])


def test_an_ungrouped_conversion_is_refused(ask) -> None:
    with pytest.raises(UnsupportedFeature, match=r"'calls\.bought' has an aggregate of its own"):
        ask(MODEL, measures=["calls.bought"], ungrouped=True)


def test_explain_names_the_steps() -> None:
    explained = explain(MODEL, measures=["calls.bought_in_a_week"])
    assert steps(explained["plan"]["rewritten"])[1:3] == [
        "The number of rows of calls that went through",
        "Step: rows that calls.count counts",
    ]
    (measure,) = explained["measures"]
    assert measure["grain"] == "a row of calls (id)"
    assert "all within 7 days of the first" in str(explained["plan"])
