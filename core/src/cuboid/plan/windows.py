"""Rolling windows: which time dimension they run along, and the frames of its buckets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeGuard

from cuboid.catalog.model import Catalog, Measure
from cuboid.catalog.stages import MultiStage
from cuboid.catalog.timing import Bins, RollingWindow, WindowBound, bins_of, length_of
from cuboid.errors import UnsupportedFeature
from cuboid.plan.frames import Frames
from cuboid.plan.nodes import Key
from cuboid.plan.states import Origin, State
from cuboid.query.model import Condition, Predicate, Slot
from cuboid.types import GRANULARITIES, Interval

_LONGEST_MONTH = 31
_DAY = 86400


def frames_of(
    measure: Measure,
    window: RollingWindow,
    state: State,
    date_ranges: Sequence[Predicate],
    catalog: Catalog,
    origin: Origin,
) -> Frames | None:
    """The frames of a rolling measure at the state; None if the query names no time dimension to roll along.

    :param date_ranges: those that the query's time dimensions state.

    Raises :class:`UnsupportedFeature` where the query leaves open which time that is, or how long its buckets are.
    """
    time = _time(measure, state, date_ranges, origin)
    if time is None:
        return None
    ranges = [each for each in date_ranges if each in state.conditions and origin(each.member) == time]
    if len(ranges) > 1:
        raise UnsupportedFeature(
            f"Measure '{measure.full_name}' rolls along '{time}', which has several date ranges in this query.",
            hint="Give one range.",
        )
    custom = catalog.dimension(time).granularities
    keys = [key for key in state.keys if key.granularity is not None and origin(key.member) == time]
    bins = None
    finest = Key(time)
    if keys:
        finest = min(keys, key=lambda key: length_of(key.granularity or "", custom))
        bins = _bins(finest.granularity or "", time, catalog)
        for key in keys:
            if not _bins(key.granularity or "", time, catalog).hold(bins):
                raise UnsupportedFeature(
                    f"Measure '{measure.full_name}' rolls along '{time}' by {finest.granularity}, and buckets of that "
                    f"length are not within one {key.granularity}.",
                    hint="Ask for one of the two granularities.",
                )
    to_date = None if window.to_date is None else _bins(window.to_date, time, catalog)
    span = None if not ranges else (ranges[0].slots[0], ranges[0].slots[1])
    return Frames(finest, bins, window, to_date, span)


def framed_state(state: State, frames: Frames) -> State:
    """The state without the date range of the frames' time, but for bounds outside of which no frame reaches."""
    if frames.range is None:
        return state
    start, end = frames.range
    before, after = _reach(frames)
    conditions: list[Condition] = []
    for condition in state.conditions:
        if _is_range(condition, frames):
            kept = condition.member
            if before is not None:
                conditions.append(Predicate(kept, "gte", (_moved(start, before),)))
            if after is not None:
                conditions.append(Predicate(kept, "lt", (_moved(end, -after),)))
        else:
            conditions.append(condition)
    return replace(state, conditions=tuple(conditions))


def without_range(state: State, frames: Frames) -> State:
    """The state without the date range of the frames' time."""
    kept = tuple(each for each in state.conditions if not _is_range(each, frames))
    return replace(state, conditions=kept)


def _is_range(condition: Condition, frames: Frames) -> TypeGuard[Predicate]:
    """Whether the condition is the date range that says which buckets are shown."""
    return isinstance(condition, Predicate) and condition.slots == frames.range


def check_window(measure: Measure, stage: MultiStage) -> None:
    """Raises :class:`UnsupportedFeature` for a window over measures that also changes what they are evaluated over."""
    if stage != MultiStage():
        raise UnsupportedFeature(
            f"Measure '{measure.full_name}' has a rolling window and changes groups, filters or times of its own.",
            hint="Make one measure for the window and another one around it for the rest.",
        )


def _reach(frames: Frames) -> tuple[int | None, int | None]:
    """How many seconds before the range's start, and after its end, a frame may reach at the most."""
    bucket = 0 if frames.bins is None else _seconds(frames.bins.interval)
    if frames.to_date is not None:
        return bucket + _seconds(frames.to_date.interval), bucket
    window = frames.window
    before = None if window.trailing == "unbounded" else bucket + _seconds(window.trailing)
    after = None if window.leading == "unbounded" else bucket + _seconds(window.leading)
    return before, after


def _seconds(bound: WindowBound) -> int:
    """At least as long as the interval, in whole days: shifts by months are undone for days only."""
    if not isinstance(bound, Interval):
        return 0
    days = abs(bound.months) * _LONGEST_MONTH + -(-abs(bound.seconds) // _DAY)
    return days * _DAY


def _moved(slot: Slot, seconds: int) -> Slot:
    return replace(slot, shifts=(*slot.shifts, Interval(seconds=seconds)))


def _time(measure: Measure, state: State, date_ranges: Sequence[Predicate], origin: Origin) -> str | None:
    """The time dimension of the window: the only one of the query, or of several that of the measure's cube."""
    grouped = [origin(key.member) for key in state.keys if key.granularity is not None]
    ranged = [origin(each.member) for each in date_ranges if each in state.conditions]
    times = list(dict.fromkeys((*grouped, *ranged)))
    if len(times) <= 1:
        return times[0] if times else None
    own = [name for name in times if name.partition(".")[0] == measure.cube]
    if len(own) != 1:
        raise UnsupportedFeature(
            f"Measure '{measure.full_name}' has a rolling window, and this query has several time dimensions that it "
            f"could run along: {', '.join(times)}.",
            hint="Use one of them in the query.",
        )
    return own[0]


def _bins(granularity: str, time: str, catalog: Catalog) -> Bins:
    custom = catalog.dimension(time).granularities
    if granularity not in custom and granularity not in GRANULARITIES:
        raise UnsupportedFeature(f"'{time}' has no granularity '{granularity}'.")
    bins = bins_of(granularity, custom)
    if bins is None:
        raise UnsupportedFeature(
            f"'{time}.{granularity}' is read from a calendar, which this version cannot run windows along yet."
        )
    return bins
