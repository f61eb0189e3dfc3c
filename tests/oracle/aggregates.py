"""A measure over rows: its inputs, each row of its cube once, and what is made of them. Rules 2 and 11."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from tests.oracle.expressions import Value, evaluate
from tests.oracle.joins import JoinedRow
from tests.oracle.relations import Reader, cube_of
from tests.oracle.state import Group
from tests.oracle.world import Measure


def reads_of(reader: Reader, leaf: str) -> frozenset[str]:
    """The cubes that a leaf measure needs joined: its own and those that its SQL and filters read."""
    measure = reader.world.measure(leaf)
    assert measure is not None
    found = {cube_of(leaf)}
    for expression in (measure.expression, *measure.filters):
        if expression is not None:
            found.update(reader.world.reads(expression))
    if measure.conversion is not None:
        counted, time = measure.conversion.steps[0]
        found |= {*reads_of(reader, counted), *reader.world.cubes_of(time)}
        found |= reader.world.cubes_of(measure.conversion.entity)
    if measure.semi is not None:
        for name in (measure.semi.time_dimension, *measure.semi.by):
            found |= reader.world.cubes_of(name)
    return frozenset(found)


def counts(reader: Reader, leaf: str, row: JoinedRow) -> bool:
    """Whether the row of the measure's cube is there and passes the measure's filters."""
    measure = reader.world.measure(leaf)
    assert measure is not None
    lookup = reader.lookup(row)
    if reader.identity(cube_of(leaf), row) is None:
        return False
    return all(evaluate(condition, lookup) is True for condition in measure.filters)


def row_value(reader: Reader, leaf: str, row: JoinedRow) -> Value:
    """The input of a leaf for one row; NULL for rows that are absent or that its filters leave out."""
    measure = reader.world.measure(leaf)
    assert measure is not None
    if not counts(reader, leaf, row):
        return None
    if measure.expression is None:
        return 1
    value = evaluate(measure.expression, reader.lookup(row))
    return value if measure.type != "count" or value is None else 1


def aggregate(reader: Reader, leaf: str, rows: Iterable[JoinedRow]) -> Value:
    """The leaf over the distinct rows of its cube among ``rows``."""
    measure = reader.world.measure(leaf)
    assert measure is not None
    own: dict[Group, JoinedRow] = {}
    for row in rows:
        identity = reader.identity(cube_of(leaf), row)
        if identity is not None:
            own.setdefault(identity, row)
    if measure.semi is not None:
        return _of_snapshots(reader, leaf, list(own.values()))
    return aggregated(measure, [row_value(reader, leaf, row) for row in own.values()])


def _of_snapshots(reader: Reader, leaf: str, rows: list[JoinedRow]) -> Value:
    """Rule 11. Rows without a time, and those that the measure's filters leave out, are not there; a row whose input
    is NULL is, and may be the last."""
    measure = reader.world.measure(leaf)
    assert measure is not None
    assert measure.semi is not None
    semi = measure.semi
    timed: list[tuple[Any, tuple[Value, ...], JoinedRow]] = []
    for row in rows:
        lookup = reader.lookup(row)
        time = lookup.member(semi.time_dimension)
        if time is not None and counts(reader, leaf, row):
            timed.append((time, tuple(lookup.member(name) for name in semi.by), row))
    if semi.take == "average":
        snapshots: dict[Any, list[Value]] = defaultdict(list)
        for time, _, row in timed:
            snapshots[time].append(row_value(reader, leaf, row))
        values = [
            value for inputs in snapshots.values() if (value := aggregated(measure, inputs)) is not None
        ]
        return float(sum(map(Fraction, values)) / len(values)) if values else None  # type: ignore[arg-type]
    best: dict[tuple[Value, ...], Any] = {}
    pick = max if semi.take == "last" else min
    for time, by, _ in timed:
        best[by] = pick(best.get(by, time), time)
    return aggregated(measure, [row_value(reader, leaf, row) for time, by, row in timed if time == best[by]])


def aggregated(measure: Measure, inputs: Iterable[Value]) -> Value:
    """An aggregate of the inputs that are not NULL."""
    values: list[Any] = [value for value in inputs if value is not None]
    if measure.type == "count":
        return len(values)
    if measure.type == "count_distinct":
        return len(set(values))
    if not values:
        return None
    if measure.type == "avg":
        return float(sum(map(Fraction, values)) / len(values))
    if measure.type == "sum":
        return sum(values)
    return min(values) if measure.type == "min" else max(values)
