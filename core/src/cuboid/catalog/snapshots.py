"""``semi_additive`` and ``conversion``: measures whose rows are chosen by time before they count."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from cuboid.catalog import keys
from cuboid.catalog.fields import Fields, read_entries
from cuboid.catalog.intervals import read_length
from cuboid.catalog.named import named_dimension, named_dimensions, named_measure, named_time_dimension
from cuboid.catalog.nodes import Node
from cuboid.catalog.scope import Scope
from cuboid.catalog.stages import Conversion, ConversionStep, SemiAdditive

_TAKES: Mapping[str, Literal["last", "first", "average"]] = MappingProxyType(
    {"last": "last", "first": "first", "average": "average"}
)
_VALUES: Mapping[str, Literal["count", "rate"]] = MappingProxyType({"count": "count", "rate": "rate"})


def read_semi_additive(fields: Fields, scope: Scope) -> SemiAdditive | None:
    """The ``semi_additive`` of a measure; None if there is none or it is wrong (reported)."""
    node = fields.node("semi_additive")
    found = read_entries(node, keys.SEMI_ADDITIVE, scope.problems) if node is not None else None
    if found is None:
        return None
    time = named_time_dimension(found, "time_dimension", scope)
    if time is None and not found.has("time_dimension"):
        found.missing("time_dimension", "the time of the snapshots")
    if time is not None and time.partition(".")[0] != scope.cube.name:
        scope.problems.error(
            found.place_of("time_dimension"),
            f"'{time}' is not on the measure's own cube",
            f"Snapshots are told apart by a time dimension of '{scope.cube.name}'.",
        )
        return None
    take = found.choice("take", _TAKES)
    by = named_dimensions(found, "by", scope)
    return None if time is None or take is None else SemiAdditive(time, take, by)


def read_conversion(fields: Fields, scope: Scope) -> Conversion | None:
    """The ``conversion`` of a measure of that type; None and an error if it is absent or wrong."""
    node = fields.node("conversion")
    if node is None:
        fields.missing("conversion", "{steps: [{measure, time_dimension}], entity, window, value}")
        return None
    found = read_entries(node, keys.CONVERSION, scope.problems)
    if found is None:
        return None
    nodes = found.items("steps")
    if not found.has("steps"):
        found.missing("steps", "a list of {measure, time_dimension}")
    elif len(nodes) < 2:
        scope.problems.error(
            found.place_of("steps"),
            "a conversion has at least two steps",
            "List {measure, time_dimension} for each.",
        )
    steps = [_step(step, scope, first=index == 0) for index, step in enumerate(nodes)]
    entity = named_dimension(found, "entity", scope)
    if entity is None and not found.has("entity"):
        found.missing("entity", "the dimension that tells who goes through the steps")
    written = found.scalar("window")
    length = read_length(written, scope.problems) if written else None
    if written and length and (length.interval.months <= 0 and length.interval.seconds <= 0):
        scope.problems.error(
            written.place, f"a window must be longer than nothing, not '{written.text}'", "E.g. 7 days."
        )
    value = found.choice("value", _VALUES, default="count")
    complete = tuple(step for step in steps if step is not None)
    if len(complete) < max(2, len(steps)) or entity is None or value is None or (written and not length):
        return None
    return Conversion(complete, entity, length.interval if length else None, value)


def _step(node: Node, scope: Scope, *, first: bool) -> ConversionStep | None:
    fields = read_entries(node, keys.CONVERSION_STEP, scope.problems)
    if fields is None:
        return None
    measure = named_measure(fields, "measure", scope)
    if measure is None and not fields.has("measure"):
        fields.missing("measure", "a measure of type count")
    time = named_time_dimension(fields, "time_dimension", scope)
    if time is None and not fields.has("time_dimension"):
        fields.missing("time_dimension", "when the rows of this step happened")
    if measure is None or time is None:
        return None
    cube = measure.partition(".")[0]
    if scope.names.measure_type(measure) not in ("count", None):
        scope.problems.error(
            fields.place_of("measure"),
            f"'{measure}' is no count; a step counts the rows of a measure of type count",
            "Name a measure of type count.",
        )
        return None
    if time.partition(".")[0] != cube:
        scope.problems.error(
            fields.place_of("time_dimension"),
            f"'{time}' is not on the cube of '{measure}'",
            "Name a time dimension of that cube.",
        )
        return None
    if first and cube != scope.cube.name:
        scope.problems.error(
            fields.place_of("measure"),
            f"the first step is on '{cube}', not on the measure's own cube",
            f"Declare the conversion on '{cube}'.",
        )
        return None
    return ConversionStep(measure, time)
