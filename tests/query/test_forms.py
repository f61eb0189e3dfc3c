"""Queries of a form that was read before: they mean what they would mean if nothing had been read before."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cuboid.catalog.compile import compile_catalog
from cuboid.catalog.directives import Directives
from cuboid.catalog.files import ModelFile
from cuboid.catalog.model import Catalog
from cuboid.errors import CuboidError
from cuboid.models import OneModel
from cuboid.planning import Planning, ServiceSettings
from cuboid.query import parse as parse_module
from cuboid.query.access import AccessReader
from cuboid.query.forms import Forms
from cuboid.query.model import Question
from cuboid.query.normalize import Limits, normalize
from cuboid.query.parse import parse
from cuboid.query.present import Present
from cuboid.request import Request, RequestContext, RequestReader
from cuboid.types import Principal

SHAPES = Path(__file__).parents[1] / "sql" / "shapes"
NOW = datetime(2024, 6, 15, 12, tzinfo=UTC)
SELLER: dict[str, Any] = {"groups": ["seller"], "region": "north"}
OTHERS: tuple[list[Any], ...] = (
    *(
        ["x"],
        ["north"],
        ["money"],
        ["7"],
        ["x", "y"],
        ["x", None],
        [None],
        ["2024-03-31"],
        [True],
        ["\0"],
        [{}],
    ),
)
RANGES = (
    ["2023-03-26", "2023-10-29"],
    ["2024-02-29"],
    "last week",
    ["2024-01-01T10:00:00Z", "2024-01-02"],
    ["no"],
)


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return compile_catalog([ModelFile("model.yml", (SHAPES / "model.yml").read_text())])


def reader(catalog: Catalog, forms: Forms | None) -> RequestReader:
    return RequestReader(
        catalog,
        Limits(),
        "Europe/Berlin",
        lambda query, who: query,
        AccessReader(catalog),
        Directives(catalog),
        forms,
    )


def said(
    reader: RequestReader, query: object, claims: dict[str, Any], *, dev: bool = False
) -> tuple[Any, ...]:
    """What the query means, times on the wall clock and whether it moves included, or why it means nothing."""
    try:
        request = reader.read(query, RequestContext(Principal(claims), dev=dev), now=NOW)
    except CuboidError as error:
        return type(error), error.message, error.path, error.hint
    return (
        request,
        [dict(each.values.civil) for each in request.questions],
        json.dumps([e.echo for e in request.questions]),
    )


def leaves(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, list):
        for each in tree:
            yield from leaves(each)
    elif "and" in tree or "or" in tree:
        yield from leaves(tree.get("and", tree.get("or")))
    else:
        yield tree


def varied(query: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The query with other values, other ranges, and both."""
    for number in range(max(len(OTHERS), len(RANGES))):
        for with_values, with_ranges in ((True, False), (False, True), (True, True)):
            other = copy.deepcopy(query)
            for leaf in leaves(other.get("filters", [])) if with_values else ():
                if "values" in leaf:
                    leaf["values"] = OTHERS[number % len(OTHERS)]
            for entry in other.get("timeDimensions", ()) if with_ranges else ():
                if "dateRange" in entry:
                    entry["dateRange"] = RANGES[number % len(RANGES)]
            yield other


GOLDEN = sorted(SHAPES.glob("*.sql"))


@pytest.mark.parametrize("file", GOLDEN, ids=[file.stem for file in GOLDEN])
def test_a_form_read_before_means_what_it_means_at_first(file: Path, catalog: Catalog) -> None:
    _, second, third = file.read_text().split("\n", 3)[:3]
    query = json.loads(second.removeprefix("-- "))
    claims = json.loads(third.removeprefix("-- as ")) if third.startswith("-- as ") else SELLER
    known, new = reader(catalog, Forms(catalog, "Europe/Berlin")), reader(catalog, None)
    for asked in (query, *varied(query), query):
        for who in (claims, {"groups": ["clerk"]}, {}):
            for dev in (True, False):
                told = said(known, asked, who, dev=dev)
                parse_module._KNOWN.clear()
                assert told == said(new, asked, who, dev=dev)


def test_what_does_not_depend_on_values_is_read_once(catalog: Catalog) -> None:
    forms, read = Forms(catalog, "UTC"), 0

    def ask(query: dict[str, Any]) -> Question:
        parsed, now = parse(query), Present.of(NOW)

        def whole() -> tuple[Question, ...]:
            nonlocal read
            read += 1
            return normalize(parsed, catalog, now=now)

        (question,) = forms.questions(parsed, "me", now, whole)
        return question

    def status(*values: str | None) -> dict[str, Any]:
        filters = [{"member": "orders.status", "operator": "equals", "values": values}]
        return {"measures": ["orders.count"], "filters": filters, "limit": 7}

    first, second = ask(status("paid")), ask(status("sent"))
    assert read == 1
    assert second.shape is first.shape
    assert (first.values, second.values) == (("paid", 7), ("sent", 7))
    assert ask(status("paid", "sent")).values == ("paid", "sent", 7)
    assert ask(status("paid", None)).shape.row_conditions[0].or_null  # type: ignore[union-attr]
    assert read == 3


GUARDED = """
cubes:
  - name: orders
    sql_table: orders
    measures: [{name: count, type: count}]
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: status, sql: status, type: string}
      - {name: at, sql: at, type: time}
    access_policy:
      - {group: old, row_level: {filters: [{member: at, operator: beforeDate, values: ["2020-03-29"]}]}}
      - {group: new, row_level: {filters: [{member: at, operator: inDateRange, values: [last week]}]}}
views:
  - name: sales
    cubes: [{join_path: orders, includes: "*"}]
    default_filters: [{member: at, operator: afterDate, values: ["2019-03-31"]}]
"""


@pytest.mark.parametrize("group", ["old", "new"])
@pytest.mark.parametrize("cube", ["orders", "sales"])
def test_times_of_policies_and_default_filters_are_those_of_the_day(group: str, cube: str) -> None:
    catalog = compile_catalog([ModelFile("guarded.yml", GUARDED)])
    assert not catalog.errors
    known, new = reader(catalog, Forms(catalog, "Europe/Berlin")), reader(catalog, None)
    for values in (["paid"], ["sent"], ["gone"]):
        query = {
            "measures": [f"{cube}.count"],
            "filters": [{"member": f"{cube}.status", "operator": "equals", "values": values}],
        }
        told = said(known, query, {"groups": [group]})
        assert told == said(new, query, {"groups": [group]})
        assert isinstance(told[0], Request)
        assert told[0].moving is (group == "new")


def test_what_plugins_decide_is_read_each_time(catalog: Catalog) -> None:
    source = {"default": None}
    for decide in (True, False):
        planning = Planning(
            OneModel(lambda: catalog), source, ServiceSettings(plugins_decide=decide), lambda q, _: q
        )  # type: ignore[arg-type]
        assert (planning.over(catalog)[1].forms is None) is decide


def test_a_larger_limit_is_for_whoever_has_it(catalog: Catalog) -> None:
    """Readers that differ in limits share what is known of forms: that of streams comes first here."""
    name = next(cube.name for cube in catalog.cubes.values() if cube.measures and cube.public)
    measure = next(each.full_name for each in catalog.cubes[name].measures.values() if each.public)
    query, context = {"measures": [measure], "limit": 60_000}, RequestContext(dev=True)
    small = reader(catalog, Forms(catalog, "Europe/Berlin"))
    large = replace(small, limits=Limits(maximum=100_000))
    for _ in range(2):
        assert len(large.read(query, context, now=NOW).questions) == 1
        with pytest.raises(CuboidError, match="limit has been exceeded"):
            small.read(query, context, now=NOW)
