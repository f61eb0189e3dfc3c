"""Questions that must have the same answer: members shuffled, ranges split, pages put together, filters split."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from tests.oracle.expressions import Column, Compare
from tests.oracle.filters import flatten
from tests.oracle.pipeline import Pipeline
from tests.oracle.questions import JsonQuery, queries
from tests.oracle.schemas import worlds
from tests.oracle.world import Cube, Dimension, Join, Measure, Table, TableColumn, World

from cuboid.errors import CuboidError

WORLDS = 12
pytestmark = [pytest.mark.timeout(0), pytest.mark.parametrize("pipeline", ["duckdb"], indirect=True)]


def rows(pipeline: Pipeline, query: JsonQuery) -> Counter[frozenset[Any]] | str:
    """The answer's rows in any order, each as its columns and values; or the kind of the error."""
    try:
        return Counter(frozenset(row.items()) for row in pipeline.load(query).rows)
    except CuboidError as error:
        return type(error).__name__


def each_query(pipeline: Pipeline, test: Any, *, change: Any = lambda world: world) -> None:
    """Calls ``test`` with a world that is shown, a query without pages, and what draws more."""

    @seed(1)
    @settings(
        max_examples=WORLDS,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def run(data: st.DataObject) -> None:
        world, zone = data.draw(worlds())
        world = World(tuple(replace(cube, policies=None) for cube in world.cubes))
        asked = [data.draw(queries(world, zone)) for _ in range(4)]
        pipeline.show(world)
        for query in asked:
            for page in ("limit", "offset", "total"):
                query.pop(page, None)
            test(world, query, data)

    run()


def test_the_order_of_members_changes_nothing(pipeline: Pipeline) -> None:
    def test(world: World, query: JsonQuery, data: st.DataObject) -> None:
        shuffled = dict(query)
        for key in ("measures", "dimensions", "timeDimensions", "filters", "segments"):
            if key in query:
                shuffled[key] = data.draw(st.permutations(query[key]))
        assert rows(pipeline, query) == rows(pipeline, shuffled), (query, shuffled)

    each_query(pipeline, test)


def test_a_filter_split_at_its_ands_is_the_same(pipeline: Pipeline) -> None:
    def test(world: World, query: JsonQuery, data: st.DataObject) -> None:
        split = {**query, "filters": list(flatten(query["filters"]))}
        together = {**query, "filters": [{"and": query["filters"]}] if query["filters"] else []}
        assert rows(pipeline, split) == rows(pipeline, query) == rows(pipeline, together), query

    each_query(pipeline, test)


def test_pages_put_together_are_the_answer(pipeline: Pipeline) -> None:
    def test(world: World, query: JsonQuery, data: st.DataObject) -> None:
        columns = [
            *query["dimensions"],
            *(e["dimension"] for e in query["timeDimensions"] if "granularity" in e),
        ]
        if not columns or query.get("ungrouped"):
            return
        query.pop("order", None)
        try:
            whole = pipeline.load(query).rows
        except CuboidError:
            return
        size = data.draw(st.integers(1, 4))
        pages = [
            row
            for start in range(0, len(whole) + size, size)
            for row in pipeline.load({**query, "limit": size, "offset": start}).rows
        ]
        assert pages == whole if len(whole) < 60 else pages[:60] == whole[:60], query

    each_query(pipeline, test)


def sales(days: int) -> World:
    """One row an hour."""
    first = datetime(2024, 3, 29)
    table = Table(
        "t_sales",
        (TableColumn("id", "integer"), TableColumn("made_at", "timestamp"), TableColumn("n", "integer")),
        tuple((hour, first + timedelta(hours=hour), hour * 7 % 11) for hour in range(24 * days)),
    )
    members = (
        Dimension("id", "number", Column("sales", "id"), primary_key=True),
        Dimension("made_at", "time", Column("sales", "made_at")),
    )
    return World(
        (
            Cube(
                "sales",
                table,
                members,
                (Measure("count", "count"), Measure("n", "sum", Column("sales", "n"))),
            ),
        )
    )


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Beirut", "America/Havana"])
def test_the_parts_of_a_range_add_up_to_it(pipeline: Pipeline, zone: str) -> None:
    pipeline.show(sales(5))
    days = [f"2024-03-{day}" for day in (29, 30, 31)] + ["2024-04-01"]

    def total(first: str, last: str) -> Counter[str]:
        entry = {"dimension": "sales.made_at", "dateRange": [first, last]}
        query = {"measures": ["sales.count", "sales.n"], "timeDimensions": [entry], "timezone": zone}
        return Counter({name: int(value or 0) for name, value in pipeline.load(query).rows[0].items()})

    parts: Counter[str] = sum((total(day, day) for day in days), Counter())
    assert parts == total(days[0], days[-1])


def test_a_to_one_cube_that_nothing_asks_for_changes_nothing(pipeline: Pipeline) -> None:
    """The same tables under a model in which the first cube with a key is joined to one cube more."""

    def test(world: World, query: JsonQuery, data: st.DataObject) -> None:
        first = next((cube for cube in world.cubes if cube.key), None)
        if first is None:  # a cube in a join needs a key
            return
        key = next((d for d in first.dimensions if isinstance(d.expression, Column)), None)
        assert key is not None
        assert isinstance(key.expression, Column)
        more = Cube(
            "unrelated",
            first.table,
            (Dimension("key", key.type, Column("unrelated", key.expression.name), primary_key=True),),
        )
        on = Compare("=", Column(first.name, key.expression.name), Column("unrelated", key.expression.name))
        joined = replace(first, joins=(*first.joins, Join("unrelated", "many_to_one", on)))
        before = rows(pipeline, query)
        cubes = (joined if cube is first else cube for cube in world.cubes)
        pipeline.show(replace(world, cubes=(*cubes, more)))
        assert rows(pipeline, query) == before, query
        pipeline.show(world)

    each_query(pipeline, test)
