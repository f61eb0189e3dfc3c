"""Which features a query uses: for the summary that says what was compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tests.oracle.expressions import Ratio, Reference
from tests.oracle.filters import members
from tests.oracle.joins import Facts, NoPathError, find_tree, steps_to_many
from tests.oracle.question import Question, leaf_measures, read
from tests.oracle.world import World


def features(world: World, query: Mapping[str, Any]) -> set[str]:
    """Names of the features, for counting."""
    question = read(world, query)
    used = set(_members(world, question)) | set(_shape(query, question))
    for item in query["filters"]:
        used |= set(_operators(item))
    leaves = leaf_measures(world, question)
    cubes = {leaf.partition(".")[0] for leaf in leaves}
    if len(cubes) > 1:
        used.add("measures of several cubes")
    if len(Facts.among(world, cubes).names) > 1:
        used.add("several facts")
        if question.conditions or question.segments:
            used.add("several facts under conditions")
    for cube in cubes:
        used |= _joins(world, question, cube)
    return used


def _members(world: World, question: Question) -> Iterator[str]:
    for name in question.measures:
        measure = world.measure(name)
        assert measure is not None
        yield f"measure {measure.type}"
        if measure.filters:
            yield "measure with filters"
        if isinstance(measure.expression, Ratio) and isinstance(measure.expression.divisor, Reference):
            yield "ratio"
    for column in question.columns:
        dimension = world.dimension(column.member)
        assert dimension is not None
        if len(world.cubes_of(column.member)) > 1:
            yield "dimension over another cube"
        if column.granularity:
            yield f"by {column.granularity}"
        if dimension.type == "time":
            yield f"time column ({dimension.time_kind})"
        if dimension.as_case:
            yield "case dimension"


def _shape(query: Mapping[str, Any], question: Question) -> Iterator[str]:
    flags = {"ungrouped", "total", "segments", "limit", "offset", "order"} & query.keys()
    yield from flags
    if question.zone != "UTC":
        yield "zone other than UTC"
    if question.group_filters:
        yield "measure filter"
    if any("or" in item and len(set(members(item))) > 1 for item in question.group_filters):
        yield "or over measures and dimensions"
    if any("dateRange" in entry for entry in query["timeDimensions"]):
        yield "date range"
    if not question.columns:
        yield "no dimensions"
    if not question.measures:
        yield "no measures"


def _operators(item: Mapping[str, Any]) -> Iterator[str]:
    for group in ("and", "or"):
        if group in item:
            yield f"filter group {group}"
            for child in item[group]:
                yield from _operators(child)
    if "operator" in item:
        yield f"filter {item['operator']}"
        if None in (item.get("values") or ()):
            yield "filter with null"


def _joins(world: World, question: Question, cube: str) -> set[str]:
    needed = {cube}.union(*(world.cubes_of(column.member) for column in question.columns))
    try:
        tree = find_tree(world, needed)
    except NoPathError:
        return set()
    others = {tree.root, *(join.target for _, join in tree.edges)} - {cube}
    used = {"join"} if others else set()
    if any(steps_to_many(tree, cube, other) for other in others):
        used.add("fan-out, composite key" if len(world.cube(cube).key) > 1 else "fan-out")
    return used
