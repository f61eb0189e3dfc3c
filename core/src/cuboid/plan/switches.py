"""Switches: what is asked once for each value of a dimension that is on no row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product

from cuboid.catalog.model import Catalog
from cuboid.catalog.pieces import Template
from cuboid.catalog.stages import SwitchCase
from cuboid.errors import UnsupportedFeature
from cuboid.plan.nodes import Key, Plan, Switched, WithSwitches
from cuboid.query.model import NEVER, Pin, Shape
from cuboid.query.switches import switch_of


def chosen(name: str, case: SwitchCase, pins: tuple[Pin, ...], catalog: Catalog) -> tuple[Template, bool]:
    """The SQL of a measure that depends on a switch, and whether the switch's value has any: else the SQL only says
    what type the NULL is of.

    Raises :class:`UnsupportedFeature` where several values of the switch remain, or none.
    """
    left, every = _left(case.switch, pins), catalog.dimension(case.switch).values
    values = every if left is None else left
    if len(values) != 1:
        raise UnsupportedFeature(
            f"Measure '{name}' depends on the switch '{case.switch}', of which this query leaves {len(values)} values.",
            hint=f"Group by '{case.switch}', or filter it to one of {', '.join(values or every)}.",
        )
    found = next((sql for known, sql in case.branches if values[0] in known), case.otherwise)
    return (case.branches[0][1], False) if found is None else (found, True)


def switches_among(shape: Shape, catalog: Catalog) -> tuple[str, ...]:
    """The grouped dimensions that are switches."""
    return tuple(name for name in shape.dimensions if switch_of(name, catalog) is not None)


def plan_by_switches(
    shape: Shape, grouped: tuple[str, ...], catalog: Catalog, build: Callable[[Shape], Plan]
) -> Plan:
    """The plan of a shape that groups by switches: an answer for each combination of their values, one after another.

    Raises :class:`UnsupportedFeature` if nothing else is asked, and what ``build`` raises.
    """
    others = tuple(name for name in shape.dimensions if name not in grouped)
    if not (others or shape.measures or shape.time_groupings) or shape.ungrouped:
        raise UnsupportedFeature(
            f"'{grouped[0]}' is a switch, which is on no row and has no values by itself.",
            hint="Ask for measures or other dimensions beside it, in a grouped query.",
        )
    if any(shape.access.mask(name) is not None for name in grouped):
        raise UnsupportedFeature(
            f"'{grouped[0]}' is a switch, and masked: it has no rows that could be told apart."
        )
    parts = tuple(_parts(shape, grouped, others, catalog, build))
    plan = parts[0].plan
    return replace(
        plan,
        source=WithSwitches(tuple(map(Key, grouped)), parts),
        keys=(
            *map(Key, shape.dimensions),
            *(Key(each.member, each.granularity) for each in shape.time_groupings),
        ),
        conditions=(),
        order=() if shape.total else shape.order,
        limit=None if shape.total else shape.limit,
        offset=None if shape.total else shape.offset,
        counted=shape.total,
        access=replace(plan.access, masks=()),
    )


def _parts(
    shape: Shape,
    grouped: tuple[str, ...],
    others: tuple[str, ...],
    catalog: Catalog,
    build: Callable[[Shape], Plan],
) -> Iterator[Switched]:
    switches = [switch_of(name, catalog) or name for name in grouped]
    remaining = [_left(each, shape.pins) for each in switches]
    # Where none is left there is no group, not even the one that there is without keys.
    none = (NEVER,) if () in remaining else ()
    for values in product(
        *(left or catalog.dimension(each).values for each, left in zip(switches, remaining, strict=True))
    ):
        pinned = tuple(Pin(switch, (value,)) for switch, value in zip(switches, values, strict=True))
        inner = replace(
            shape,
            dimensions=others,
            order=(),
            limit=None,
            offset=None,
            total=False,
            shares=(),
            group_conditions=(*shape.group_conditions, *none),
            pins=(*(pin for pin in shape.pins if pin.switch not in switches), *pinned),
        )
        yield Switched(values, build(inner))


def _left(switch: str, pins: tuple[Pin, ...]) -> tuple[str, ...] | None:
    """The values that the query leaves of the switch; None if it says nothing of it."""
    return next((pin.values for pin in pins if pin.switch == switch), None)
