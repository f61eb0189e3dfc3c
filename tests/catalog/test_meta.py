"""``/v1/meta``: compared with a recorded answer, key by key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cuboid.catalog.compile import compile_catalog
from cuboid.catalog.files import ModelFile
from cuboid.catalog.meta import connected_components, describe
from cuboid.catalog.model import Catalog

FIXTURES = Path(__file__).parent / "fixtures"


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    text = (FIXTURES / "model.yml").read_text()
    found = compile_catalog([ModelFile("model/model.yml", text)])
    assert found.errors == ()
    return found


def recorded(name: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((FIXTURES / f"{name}.json").read_text())["body"]
    return body


def without_alias_names(described: dict[str, Any]) -> dict[str, Any]:
    for cube in described["cubes"]:
        for section in ("measures", "dimensions"):
            for member in cube[section]:
                member.pop("aliasName")
    return described


@pytest.mark.parametrize(("only_views", "name"), [(False, "meta"), (True, "meta_onlyviews")])
def test_meta_is_the_recorded_answer_with_alias_names(catalog: Catalog, only_views: bool, name: str) -> None:
    described = without_alias_names(describe(catalog, hidden=False, only_views=only_views))
    assert described == recorded(name)
    # Keys come in the recorded order, too.
    assert json.dumps(described) == json.dumps(recorded(name))


def test_measures_and_dimensions_have_an_alias_name_and_segments_have_none(catalog: Catalog) -> None:
    orders = describe(catalog, hidden=False)["cubes"][0]
    assert orders["measures"][1]["aliasName"] == "orders.total_amount"
    assert orders["dimensions"][5]["aliasName"] == "orders.created_at"
    assert "aliasName" not in orders["segments"][0]


def test_meta_is_json(catalog: Catalog) -> None:
    described = describe(catalog, hidden=True)
    assert json.loads(json.dumps(described)) == described


def test_hidden_members_and_cubes_are_shown_as_such_in_dev_mode(catalog: Catalog) -> None:
    cubes = {cube["name"]: cube for cube in describe(catalog, hidden=True)["cubes"]}
    assert list(cubes) == ["Orders", "Users", "Lonely", "Secret", "orders_view"]
    orders = {
        member["name"]: (member["isVisible"], member["public"])
        for section in ("measures", "dimensions", "segments")
        for member in cubes["Orders"][section]
    }
    assert [name for name, shown in orders.items() if shown != (True, True)] == [
        "Orders.hiddenOne",
        "Orders.id",
    ]
    assert orders["Orders.id"] == (False, False)
    assert (cubes["Secret"]["isVisible"], cubes["Secret"]["public"]) == (False, False)
    assert cubes["Secret"]["measures"][0]["isVisible"] is False


def test_aggregations_have_their_wire_names(compile_text) -> None:
    types = ["count", "sum", "avg", "min", "max", "count_distinct", "count_distinct_approx", "number"]
    measures = "".join(f"      - {{name: {type}_of, sql: x, type: {type}}}\n" for type in types)
    found = compile_text(f"cubes:\n  - name: a\n    sql_table: a\n    measures:\n{measures}")
    described = describe(found, hidden=False)["cubes"][0]["measures"]
    assert [measure["aggType"] for measure in described] == [
        *types[:5],
        "countDistinct",
        "countDistinctApprox",
        "number",
    ]
    assert {measure["type"] for measure in described} == {"number"}


def test_drill_members_may_be_hidden_and_are_grouped(compile_text) -> None:
    found = compile_text(
        """
        cubes:
          - name: a
            sql_table: a
            dimensions: [{name: d, sql: d, type: string, public: false}]
            measures:
              - {name: n, type: count, drill_members: [d, m]}
              - {name: m, type: max, sql: m, currency: usd}
        """
    )
    count, largest = describe(found, hidden=False)["cubes"][0]["measures"]
    assert count["drillMembers"] == ["a.d", "a.m"]
    assert count["drillMembersGrouped"] == {"measures": ["a.m"], "dimensions": ["a.d"]}
    assert largest["currency"] == "USD"
    assert largest["formatDescription"]["currency"] == "USD"


def test_components_are_numbered_by_declaration_and_lonely_cubes_have_none(compile_text) -> None:
    found = compile_text(
        """
        cubes:
          - {name: lonely, sql_table: t}
          - {name: a, sql_table: t}
          - {name: b, sql_table: t}
          - {name: c, sql_table: t, joins: [{name: a, relationship: has_one, sql: 1=1}]}
          - {name: d, sql_table: t, joins: [{name: b, relationship: has_one, sql: 1=1}]}
          - {name: e, sql_table: t, joins: [{name: d, relationship: has_one, sql: 1=1}]}
        """
    )
    assert connected_components(found) == {"a": 1, "c": 1, "b": 2, "d": 2, "e": 2}
