"""Rollups of type ``rollup_lambda``: the parts of one rollup, and after them rows that are read anew.

The rows that follow have the same columns: they are those of the same rollup, or of another one whose members have the
same names. They begin where a part does, so that no group lies on both sides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from cuboid.catalog.model import Catalog
from cuboid.catalog.rollups import Rollup, RollupMember, RollupTime
from cuboid.plan.layouts import Layout, Unusable, is_whole
from cuboid.query.model import Predicate, Shape

LayoutOf = Callable[[Rollup], Layout | Unusable]


def lambda_of(
    rollup: Rollup, rollups: Mapping[str, Rollup], catalog: Catalog, layout_of: LayoutOf
) -> Layout | Unusable:
    """The layout of a lambda over these rollups, or why there is none."""
    reason = _unusable(rollup, rollups)
    if reason is not None:
        return Unusable(rollup.full_name, reason)
    first, last = rollups[rollup.rollups[0]], rollups[rollup.rollups[-1]]
    layouts: list[Layout] = []
    for name in rollup.rollups:
        layout = layout_of(_in_order(rollups[name], first) if layouts else first)
        if isinstance(layout, Unusable):
            return Unusable(rollup.full_name, f"'{layout.rollup}' cannot be stored: {layout.reason}")
        layouts.append(layout)
    base, newest = layouts[0], layouts[-1]
    between = layouts[1] if len(layouts) > 2 else None
    if base.time is None:
        return Unusable(
            rollup.full_name,
            f"'{base.rollup}' has no parts: give it a partition_granularity, so that newer rows can follow a part",
        )
    if not is_whole(base, catalog):
        return Unusable(
            rollup.full_name,
            f"a {base.time.granularity} of '{base.rollup}' may lie in two parts of a {base.parts}, and newer rows begin"
            " where a part does: choose another partition_granularity",
        )
    for layout in layouts[1:]:
        if base.inside is not None and layout.inside != base.inside:
            return Unusable(
                rollup.full_name,
                f"'{base.rollup}' is kept in the database of its source, and '{layout.rollup}' is not there",
            )
        if _short(base) != _short(layout) or layout.time is None:
            return Unusable(rollup.full_name, f"'{layout.rollup}' does not store the same as '{base.rollup}'")
    if between is not None and _place(between, catalog) != _place(newest, catalog):
        return Unusable(
            rollup.full_name,
            f"'{between.rollup}' and '{newest.rollup}' are read by one statement, and are of two data sources, or have"
            " times of two kinds",
        )
    return replace(
        base,
        rollup=rollup.full_name,
        additive=frozenset(
            one
            for one, *others in zip(*(layout.leaves for layout in layouts), strict=True)
            if one in base.additive
            and all(other in layout.additive for other, layout in zip(others, layouts[1:], strict=True))
        ),
        follows=base.rollup,
        newest=_from(newest, 0 if between is None else 1),
        between=between,
        newest_of=last.full_name,
        live=rollup.union_with_source_data,
    )


def _unusable(rollup: Rollup, rollups: Mapping[str, Rollup]) -> str | None:
    names = rollup.rollups
    if len(names) > 3:
        return "it combines more than three rollups"
    if len(names) == 1 and not rollup.union_with_source_data:
        return f"it adds nothing to '{names[0]}': set union_with_source_data, or name a second rollup"
    other = next((name for name in names if rollups[name].type != "rollup"), None)
    return None if other is None else f"'{other}' is of type {rollups[other].type}, whose rows have no parts"


def _in_order(rollup: Rollup, first: Rollup) -> Rollup:
    """The rollup with its members in the order of the other one's, and with parts."""

    def sort(members: tuple[RollupMember, ...], like: tuple[RollupMember, ...]) -> tuple[RollupMember, ...]:
        names = [_name(each) for each in like]
        return tuple(
            sorted(members, key=lambda each: names.index(_name(each)) if _name(each) in names else -1)
        )

    times = [_name(each) for each in first.time_dimensions]
    return replace(
        rollup,
        measures=sort(rollup.measures, first.measures),
        dimensions=sort(rollup.dimensions, first.dimensions),
        segments=sort(rollup.segments, first.segments),
        time_dimensions=tuple(
            sorted(
                rollup.time_dimensions,
                key=lambda each: times.index(_name(each)) if _name(each) in times else -1,
            )
        ),
        partition_granularity=first.partition_granularity,
    )


def _name(member: RollupMember | RollupTime) -> str:
    return member.member.partition(".")[2]


def _short(layout: Layout) -> list[tuple[str, str | None]]:
    """What is stored, whatever the cubes are called."""
    keys = [(key.member.partition(".")[2], key.granularity) for key in layout.keys]
    return [*keys, *((leaf.partition(".")[2], None) for leaf in layout.leaves)]


def _place(layout: Layout, catalog: Catalog) -> tuple[str, str | None]:
    """The data source of its rows, and the kind of their time."""
    assert layout.time is not None
    return catalog.cubes[layout.tree.root].data_source, catalog.dimension(layout.time.member).time_kind


def _from(layout: Layout, slot: int) -> Shape:
    """The shape of the rows from that slot on."""
    (condition,) = layout.shape.date_ranges
    start = condition.slots[slot]
    return replace(
        layout.shape,
        row_conditions=(Predicate(condition.member, "gte", (start,)),),
        date_ranges=(),
    )
