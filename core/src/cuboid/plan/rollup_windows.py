"""Rolling windows over stored buckets: a window holds whole buckets, or none of its rows are read from a rollup."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TypeGuard

from cuboid.catalog.model import Catalog
from cuboid.catalog.timing import Bins, bins_of
from cuboid.plan.alignment import Aligned
from cuboid.plan.frames import Frames
from cuboid.plan.nodes import Key, Relation
from cuboid.query.model import Condition, Predicate
from cuboid.types import GRANULARITIES, Interval

_DAY = 86400


def bucket_keys(frames: Frames, catalog: Catalog, aligned: Aligned) -> Iterator[Key]:
    """The granularities by which rows may be grouped before they are put into the frames, the longest first."""
    if frames.looked_up:
        if _holds_days(frames, catalog):
            yield Key(frames.time.member, "day")
        return
    custom = catalog.dimension(frames.time.member).granularities
    origin = catalog.dimension(frames.time.member).origin
    asked = frames.time.granularity
    names = dict.fromkeys((*((asked,) if asked else ()), *reversed(GRANULARITIES)))
    for name in names:
        bins = bins_of(name, custom)
        if bins is not None and _hold(frames, bins, Key(origin, name), aligned):
            yield Key(frames.time.member, name)


def _holds_days(frames: Frames, catalog: Catalog) -> bool:
    """Whether frames between rows of a calendar hold whole days."""
    reach = (frames.window.trailing, frames.window.leading)
    lengths = (each for each in reach if isinstance(each, Interval))
    return catalog.dimension(frames.time.member).time_kind == "date" and all(
        not each.seconds % _DAY for each in lengths
    )


def _hold(frames: Frames, bins: Bins, stored: Key, aligned: Aligned) -> bool:
    """Whether each frame holds whole buckets."""
    if frames.bins is None:
        assert frames.range is not None
        if not all((slot.index, stored) in aligned for slot in frames.range):
            return False
    elif not frames.bins.hold(bins):
        return False
    if frames.to_date is not None:
        return frames.to_date.hold(bins)
    reach = (frames.window.trailing, frames.window.leading)
    return all(moves_whole(bins, each) for each in reach if isinstance(each, Interval))


def moves_whole(bins: Bins, interval: Interval) -> bool:
    """Whether the interval leads from the beginning of a bucket to one, wherever it starts."""
    if bins.interval.months:
        return bins.origin.day == 1 and not interval.seconds and interval.months % bins.interval.months == 0
    step = bins.interval.seconds
    if interval.seconds % step:
        return False
    return not interval.months or (_DAY % step == 0 and _begins_at_midnight(bins))


def _begins_at_midnight(bins: Bins) -> bool:
    """Whether a bucket begins at each midnight, which months lead to from midnights."""
    origin = bins.origin
    return (origin.hour * 3600 + origin.minute * 60 + origin.second) % bins.interval.seconds == 0


def without_reach(relation: Relation, frames: Frames) -> Relation:
    """The relation without the bounds that no frame reaches beyond: they spare reading rows, and change nothing."""
    kept = tuple(each for each in relation.conditions if not _is_reach(each, frames))
    return replace(relation, conditions=kept)


def reaches(relation: Relation, frames: Frames) -> Iterator[Predicate]:
    """These bounds."""
    return (each for each in relation.conditions if _is_reach(each, frames))


def _is_reach(condition: Condition, frames: Frames) -> TypeGuard[Predicate]:
    return (
        frames.range is not None
        and isinstance(condition, Predicate)
        and condition.operator in ("gte", "lt")
        and condition.member == frames.time.member
        and len(condition.slots) == 1
        and bool(condition.slots[0].shifts)
        and condition.slots[0].index in (frames.range[0].index, frames.range[1].index)
    )
