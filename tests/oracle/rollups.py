"""Strategies for rollups that may answer a query: what it asks, with more or finer keys, or not quite."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hypothesis import strategies as st
from tests.oracle.questions import JsonQuery
from tests.oracle.world import World

FINER: Mapping[str, tuple[str, ...]] = {
    "second": ("second",),
    "minute": ("minute", "second"),
    "hour": ("hour", "minute"),
    "day": ("day", "hour"),
    "week": ("week", "day"),
    "month": ("month", "day", "week"),
    "quarter": ("quarter", "month", "day"),
    "year": ("year", "quarter", "month", "day"),
}
ENDS = ("2023-12-31 23:30:00", "2024-01-01", "2024-03-10", "2024-11-03")
PARTS = ("day", "week", "month", "quarter", "year")


@st.composite
def rollups(draw: st.DrawFn, world: World, query: JsonQuery, name: str) -> list[tuple[str, dict[str, Any]]]:
    """The cubes and definitions of rollups that are near the query: one for the measures of each cube."""
    tested = [each["member"] for each in _leaves(query["filters"])]
    asked = [*query.get("measures", ()), *(each for each in tested if world.measure(each) is not None)]
    by_cube: dict[str, list[str]] = {}
    for leaf in dict.fromkeys(leaf for each in asked for leaf in row_leaves(world, each)):
        by_cube.setdefault(leaf.partition(".")[0], []).append(leaf)
    if not by_cube:
        by_cube = {each.partition(".")[0]: [] for each in query["dimensions"][:1]}
    found = []
    for number, (cube, measures) in enumerate(by_cube.items()):
        rollup = draw(_rollup(world, query, f"{name}_{number}", cube, measures))
        found.append((cube, rollup))
        if "partition_granularity" in rollup:
            if draw(st.integers(0, 3)) == 0:
                rollup["build_range_end"] = {"sql": f"SELECT '{draw(st.sampled_from(ENDS))}'"}
            if draw(st.booleans()):
                found.append((cube, _lambda(rollup)))
    return found


def _lambda(rollup: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": f"{rollup['name']}_live",
        "type": "rollup_lambda",
        "rollups": [rollup["name"]],
        "union_with_source_data": True,
    }


def row_leaves(world: World, name: str) -> Iterator[str]:
    """The measures of rows that a measure is made of, through stages too."""
    measure = world.measure(name)
    assert measure is not None
    if not measure.children:
        yield name
    for child in measure.children:
        yield from row_leaves(world, child)


@st.composite
def _rollup(
    draw: st.DrawFn, world: World, query: JsonQuery, name: str, cube: str, measures: list[str]
) -> dict[str, Any]:
    tested = [each["member"] for each in _leaves(query["filters"])]
    dimensions = [each for each in query["dimensions"] if each.count(".") == 1]
    dimensions += [each for each in tested if world.dimension(each) is not None]
    times = {each["dimension"]: each.get("granularity") for each in query["timeDimensions"]}
    times |= {
        each.rpartition(".")[0]: each.rpartition(".")[2]
        for each in query["dimensions"]
        if each.count(".") == 2
    }
    if draw(st.integers(0, 2)) == 0 or not (measures or dimensions or times):
        own = [f"{cube}.{each.name}" for each in world.cube(cube).dimensions]
        dimensions.append(draw(st.sampled_from(own)))
    if len(dimensions) > 1 and draw(st.integers(0, 9)) == 9:
        dimensions = dimensions[1:]
    stored: dict[str, Any] = {
        "name": name,
        "measures": measures,
        "dimensions": list(dict.fromkeys(dimensions)),
    }
    if query.get("segments") and draw(st.integers(0, 3)):
        stored["segments"] = query["segments"]
    kept = [
        {"dimension": each, "granularity": draw(st.sampled_from(FINER.get(unit or "day", (unit, "day"))))}
        for each, unit in times.items()
    ]
    if kept:
        stored["time_dimensions"] = kept
        if draw(st.booleans()):
            stored["partition_granularity"] = draw(st.sampled_from(PARTS))
    return stored


def _leaves(filters: list[JsonQuery]) -> Iterator[JsonQuery]:
    for each in filters:
        inner = each.get("and") or each.get("or")
        if inner is None:
            yield each
        else:
            yield from _leaves(inner)
