"""Annotations beyond the recorded ones: formats, descriptions, meta, which keys there are."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from typing import Any

import pytest

from cuboid.catalog.compile import compile_catalog
from cuboid.catalog.files import ModelFile
from cuboid.catalog.model import Catalog
from cuboid.query.model import Question
from cuboid.result.annotation import annotate

Ask = Callable[..., Question]


def test_all_four_maps_are_there_even_if_empty(question: Ask, catalog: Catalog) -> None:
    assert annotate(question({}), catalog) == {
        "measures": {},
        "dimensions": {},
        "segments": {},
        "timeDimensions": {},
    }


def test_a_measure_has_what_the_model_says_in_cube_s_order(question: Ask, catalog: Catalog) -> None:
    item = annotate(question({"measures": ["Orders.totalAmount"]}), catalog)["measures"]["Orders.totalAmount"]
    assert list(item.items()) == [
        ("title", "Customer Orders Total Amount"),
        ("shortTitle", "Total Amount"),
        ("description", "sum of amounts"),
        ("type", "number"),
        ("format", "currency"),
        ("meta", {"k": 1}),
        ("drillMembers", []),
        ("drillMembersGrouped", {"measures": [], "dimensions": []}),
    ]


@pytest.mark.parametrize(
    ("member", "type"),
    [("Orders.lastAt", "time"), ("Orders.ratio", "number"), ("Orders.avgAmount", "number")],
)
def test_a_measure_s_type_is_that_of_its_values(
    question: Ask, catalog: Catalog, member: str, type: str
) -> None:
    assert annotate(question({"measures": [member]}), catalog)["measures"][member]["type"] == type


def test_dimensions_have_their_declared_type(question: Ask, catalog: Catalog) -> None:
    names = ["Orders.status", "Orders.amount", "Orders.isPaid", "Orders.createdAt", "Orders.size"]
    items = annotate(question({"dimensions": names}), catalog)["dimensions"]
    assert [items[name]["type"] for name in names] == ["string", "number", "boolean", "time", "string"]


def test_a_format_may_be_an_object(question: Ask, catalog: Catalog) -> None:
    items = annotate(question({"dimensions": ["Orders.link"]}), catalog)["dimensions"]
    assert items["Orders.link"]["format"] == {"type": "link", "label": "Open"}


def test_a_time_dimension_that_is_also_selected_is_annotated_once(question: Ask, catalog: Catalog) -> None:
    echo = {
        "dimensions": ["Orders.createdAt"],
        "timeDimensions": [{"dimension": "Orders.createdAt", "granularity": "week"}],
    }
    annotation = annotate(question(echo), catalog)
    assert list(annotation["timeDimensions"]) == ["Orders.createdAt.week"]
    assert list(annotation["dimensions"]) == ["Orders.createdAt"]


def test_each_granularity_of_a_dimension_is_annotated(question: Ask, catalog: Catalog) -> None:
    granularities = ["year", "second"]
    echo = {
        "timeDimensions": [
            {"dimension": "Orders.createdAt", "granularity": granularity} for granularity in granularities
        ]
    }
    items = annotate(question(echo), catalog)["timeDimensions"]
    assert list(items) == ["Orders.createdAt.year", "Orders.createdAt", "Orders.createdAt.second"]
    assert items["Orders.createdAt.second"]["granularity"] == {
        "name": "second",
        "title": "second",
        "interval": "1 second",
    }


def test_a_custom_granularity_is_annotated_as_recorded(
    question: Ask, catalog: Catalog, recorded: Callable[[str], dict[str, Any]]
) -> None:
    result = recorded("load_td_custom")["body"]["results"][0]
    assert annotate(question(result["query"]), catalog) == result["annotation"]


def test_locations_and_currencies_of_dimensions_are_annotated(question: Ask) -> None:
    text = """
    cubes:
      - name: a
        sql_table: a
        dimensions:
          - {name: place, type: geo, latitude: {sql: x}, longitude: {sql: y}}
          - {name: price, sql: price, type: number, format: currency, currency: GBP}
    """
    found = compile_catalog([ModelFile("a.yml", textwrap.dedent(text))])
    items = annotate(question({"dimensions": ["a.place", "a.price"]}), found)["dimensions"]
    assert items["a.place"]["type"] == "geo"
    assert (items["a.price"]["format"], items["a.price"]["currency"]) == ("currency", "GBP")
