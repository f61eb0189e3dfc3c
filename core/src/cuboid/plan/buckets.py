"""Rewrites of rolling windows: rows are added up by the longest buckets that frames hold wholly, once for all windows.

A row is in many frames, and so would be read many times. Counts and sums add up, and the least of the least is the
least: what the buckets in a frame have together is what their rows have. Distinct counts and means do not add up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from cuboid.catalog.model import Catalog
from cuboid.plan.frames import Buckets
from cuboid.plan.nodes import Groups, Key, Plan, Relation, Windowed
from cuboid.plan.rollup_windows import bucket_keys, reaches, without_reach
from cuboid.plan.scans import Inputs, is_additive, on_inputs
from cuboid.query.model import Condition, Predicate


def window_over_buckets(plan: Plan, catalog: Catalog) -> Plan:
    """Windows read buckets of rows in place of rows; those over one cube read the same."""

    def changed(parts: Inputs) -> Inputs:
        together: dict[object, list[Windowed]] = {}
        for part in parts:
            if isinstance(part, Windowed) and _can_add_up(part, catalog):
                together.setdefault(_same_rows(part), []).append(part)
        read: dict[int, Groups] = {}
        for windows in together.values():
            for group in _by_buckets(windows, catalog):
                read |= {id(old): new for old, new in zip(group, _over_buckets(group, catalog), strict=True)}
        return tuple(read.get(id(part), part) for part in parts)

    return on_inputs(plan, changed)


def _can_add_up(part: Windowed, catalog: Catalog) -> bool:
    return isinstance(part.rows, Relation) and not part.distinct and is_additive(part.leaves, catalog)


def _same_rows(part: Windowed) -> object:
    """Equal for windows whose rows differ in how far frames reach only."""
    assert isinstance(part.rows, Relation)
    frames = part.frames
    return without_reach(part.rows, frames), part.keys, part.cube, frames.time, frames.range, part.calendar


def _by_buckets(windows: Iterable[Windowed], catalog: Catalog) -> list[list[Windowed]]:
    """The windows by whether they have buckets in common; those that have none read their rows as they are."""
    groups: list[list[Windowed]] = []
    for window in windows:
        if not _granularities(window, catalog):
            continue
        fits = next((group for group in groups if _common([*group, window], catalog)), None)
        if fits is None:
            groups.append([window])
        else:
            fits.append(window)
    return groups


def _over_buckets(windows: Sequence[Windowed], catalog: Catalog) -> list[Windowed]:
    buckets = Buckets(
        _common(windows, catalog)[0], tuple(dict.fromkeys(leaf for each in windows for leaf in each.leaves))
    )
    rows = _reaching_farthest(windows)
    return [replace(each, rows=rows, buckets=buckets) for each in windows]


def _common(windows: Sequence[Windowed], catalog: Catalog) -> list[str]:
    """The granularities of buckets that the frames of all windows hold wholly, the longest first."""
    first, *others = (_granularities(each, catalog) for each in windows)
    return [name for name in first if all(name in each for each in others)]


def _granularities(window: Windowed, catalog: Catalog) -> list[str]:
    keys: Iterable[Key] = bucket_keys(window.frames, catalog, frozenset())
    return [key.granularity for key in keys if key.granularity is not None]


def _reaching_farthest(windows: Sequence[Windowed]) -> Relation:
    """The relation of the windows, with the bounds beyond which no frame of any of them reaches."""
    first = windows[0]
    assert isinstance(first.rows, Relation)
    bounds: list[Condition] = []
    for operator in ("gte", "lt"):
        found = [_bound(each, operator) for each in windows]
        if all(found):
            ends = [(bound.slots[0].shifts[-1].seconds, bound) for bound in found if bound is not None]
            pick = max if operator == "gte" else min  # what is undone is how far they reach
            bounds.append(pick(ends, key=lambda end: end[0])[1])
    rows = without_reach(first.rows, first.frames)
    return replace(rows, conditions=(*rows.conditions, *bounds))


def _bound(window: Windowed, operator: str) -> Predicate | None:
    assert isinstance(window.rows, Relation)
    found = (each for each in reaches(window.rows, window.frames) if each.operator == operator)
    return next(found, None)
