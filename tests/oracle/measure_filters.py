"""``measureFilter``, rule 3.10: a measure's filters as a condition on rows.

The condition is that of a dimension that the filters together would be; a measure without filters is no condition.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tests.oracle.expressions import Logic
from tests.oracle.question import PathsOf
from tests.oracle.world import Dimension, World

OPERATOR = "measureFilter"

Item = Mapping[str, Any]


def spelled_out(world: World, query: Mapping[str, Any]) -> tuple[World, Mapping[str, Any]]:
    """The world with a dimension for each such condition of the query, and the query with conditions on these."""
    named = sorted(set(_named(query.get("filters", ()))))
    if not named:
        return world, query
    for name in named:
        world = _with_dimension(world, name)
    return world, {**query, "filters": list(_items(world, query["filters"]))}


def _named(items: Sequence[Item]) -> Iterator[str]:
    for item in items:
        for group in ("and", "or"):
            yield from _named(item.get(group, ()))
        if item.get("operator") == OPERATOR:
            yield item["member"]


def _with_dimension(world: World, name: str) -> World:
    measure = world.measure(name)
    assert measure is not None
    if not measure.filters:
        return world
    own = name.partition(".")[0]
    dimension = Dimension(_passes(name), "boolean", Logic("and", measure.filters))
    cubes = (
        replace(cube, dimensions=(*cube.dimensions, dimension)) if cube.name == own else cube
        for cube in world.cubes
    )
    return replace(world, cubes=tuple(cubes))


def _items(world: World, items: Sequence[Item]) -> Iterator[Item]:
    for item in items:
        group = next((each for each in ("and", "or") if each in item), None)
        if group is not None:
            yield {group: list(_items(world, item[group]))}
        elif item.get("operator") != OPERATOR:
            yield item
        else:
            own = item["member"].partition(".")[0]
            dimension = f"{own}.{_passes(item['member'])}"
            if world.dimension(dimension) is not None:
                yield {"member": dimension, "operator": "equals", "values": ["true"]}


def passing(paths: PathsOf) -> PathsOf:
    """The paths of members, those of what measures let through too."""
    return {**paths, **{f"{name.partition('.')[0]}.{_passes(name)}": own for name, own in paths.items()}}


def _passes(name: str) -> str:
    return f"passes_{name.partition('.')[2]}"
