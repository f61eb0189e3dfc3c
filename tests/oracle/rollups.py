"""Strategies for rollups that may answer a query: what it asks, with more or finer keys, or not quite."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hypothesis import strategies as st
from tests.oracle.expressions import Column, Compare, Logic
from tests.oracle.questions import JsonQuery
from tests.oracle.world import Join, World

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
        how = draw(st.sampled_from(("alone", "alone", "beside joined ones", "joined")))
        if measures and how != "alone":
            found += _joined(world, query, f"{name}_{number}_of", cube, measures)
        if how == "joined":
            continue
        found.append((cube, rollup))
        if "partition_granularity" in rollup:
            if draw(st.integers(0, 3)) == 0:
                rollup["build_range_end"] = {"sql": f"SELECT '{draw(st.sampled_from(ENDS))}'"}
            how = draw(st.integers(0, 3))
            if how:
                between = _between(rollup, ENDS[2]) if how == 3 else []
                found += [(cube, each) for each in between]
                found.append((cube, _lambda(rollup, *between)))
    return found


def _joined(
    world: World, query: JsonQuery, name: str, cube: str, measures: list[str]
) -> list[tuple[str, dict[str, Any]]]:
    """A rollup of each cube that the query may need, by the keys of the joins, and the rollup that joins them."""
    dimensions, times = _read(world, query)
    keys: dict[str, list[str]] = {cube: []}
    waiting = [cube]
    while waiting:
        here = waiting.pop()
        for join in world.cube(here).joins:
            if join.relationship == "one_to_many" or join.target in keys:
                continue
            sides = (each for one in equal(join) for each in one)
            for side in sides:
                keys.setdefault(side.cube, []).append(f"{side.cube}.{side.name}")
            waiting.append(join.target)
    found: list[tuple[str, dict[str, Any]]] = []
    for each, own in keys.items():
        asked = [one for one in dimensions if one.partition(".")[0] == each]
        stored: dict[str, Any] = {
            "name": f"{name}_{each}",
            "measures": measures if each == cube else [],
            "dimensions": list(dict.fromkeys([*own, *asked])),
        }
        buckets = [
            {"dimension": one, "granularity": unit or "day"}
            for one, unit in times.items()
            if one.partition(".")[0] == each
        ]
        if buckets:
            stored["time_dimensions"] = buckets
        found.append((each, stored))
    names = [f"{each}.{stored['name']}" for each, stored in found]
    return [*found, (cube, {"name": name, "type": "rollup_join", "rollups": names})] if len(found) > 1 else []


def equal(join: Join) -> Iterator[tuple[Column, Column]]:
    """The columns that a join compares."""
    for each in join.on.items if isinstance(join.on, Logic) else (join.on,):
        assert isinstance(each, Compare)
        assert isinstance(each.left, Column)
        assert isinstance(each.right, Column)
        yield each.left, each.right


def _read(world: World, query: JsonQuery) -> tuple[list[str], dict[str, str | None]]:
    """The dimensions that the query groups by or tests, and its times by their granularity."""
    tested = [each["member"] for each in _leaves(query["filters"])]
    dimensions = [each for each in query["dimensions"] if each.count(".") == 1]
    dimensions += [each for each in tested if world.dimension(each) is not None]
    times = {each["dimension"]: each.get("granularity") for each in query["timeDimensions"]}
    times |= {
        each.rpartition(".")[0]: each.rpartition(".")[2]
        for each in query["dimensions"]
        if each.count(".") == 2
    }
    return dimensions, times


def _between(rollup: Mapping[str, Any], end: str) -> list[dict[str, Any]]:
    """Rollups whose rows may follow those of the rollup: up to the end, and after it."""
    older, newer = ({**rollup, "name": f"{rollup['name']}_{which}"} for which in ("older", "newer"))
    newer.pop("build_range_end", None)
    return [older | {"build_range_end": {"sql": f"SELECT '{end}'"}}, newer]


def _lambda(*rollups: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": f"{rollups[0]['name']}_live",
        "type": "rollup_lambda",
        "rollups": [each["name"] for each in rollups],
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
    dimensions, times = _read(world, query)
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
        {
            "dimension": each,
            "granularity": draw(st.sampled_from(FINER.get(unit or "day", (unit, "day")))),
        }
        for each, unit in times.items()
    ]
    if kept:
        stored["time_dimensions"] = kept
        if draw(st.integers(0, 3)):
            stored["partition_granularity"] = draw(st.sampled_from(PARTS))
    return stored


def _leaves(filters: list[JsonQuery]) -> Iterator[JsonQuery]:
    for each in filters:
        inner = each.get("and") or each.get("or")
        if inner is None:
            yield each
        else:
            yield from _leaves(inner)
