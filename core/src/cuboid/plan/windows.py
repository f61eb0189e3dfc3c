"""Rolling windows: which time dimension they run along, and the frames of its buckets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeGuard

from cuboid.catalog.intervals import UNITS
from cuboid.catalog.model import Catalog, Measure
from cuboid.catalog.stages import MultiStage
from cuboid.catalog.timing import BinCount, Bins, RollingWindow, WindowBound, bins_of, length_of
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
    span = None if not ranges else (ranges[0].slots[0], ranges[0].slots[1])
    custom = catalog.dimension(time).granularities
    keys = [key for key in state.keys if key.granularity is not None and origin(key.member) == time]
    window = _counted(measure, window, keys, time, catalog)
    if _is_looked_up(measure, window, keys, time, catalog):
        return Frames(keys[0], None, window, None, span, looked_up=True)
    bins = None
    finest = Key(time)
    if keys:
        finest = min(keys, key=lambda key: length_of(key.granularity or "", custom))
        bins = _bins(finest.granularity or "", time, catalog)
        for key in keys:
            longer = _bins(key.granularity or "", time, catalog)
            if bins is None or longer is None or not longer.hold(bins):
                raise UnsupportedFeature(
                    f"Measure '{measure.full_name}' rolls along '{time}' by {finest.granularity}, and buckets of that "
                    f"length are not within one {key.granularity}.",
                    hint="Ask for one of the two granularities.",
                )
    to_date = None if window.to_date is None else _bins(window.to_date, time, catalog)
    return Frames(finest, bins, window, to_date, span)


def framed_state(state: State, frames: Frames) -> State:
    """The state without the date range of the frames' time, but for bounds outside of which no frame reaches."""
    if frames.range is None:
        return state
    start, end = frames.range
    before, after = (None, None) if frames.looked_up else _reach(frames)
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
    bucket = 0 if frames.bins is None else longest_seconds(frames.bins.interval)
    if frames.to_date is not None:
        return bucket + longest_seconds(frames.to_date.interval), bucket
    window = frames.window
    before = None if window.trailing == "unbounded" else bucket + longest_seconds(window.trailing)
    after = None if window.leading == "unbounded" else bucket + longest_seconds(window.leading)
    return before, after


def longest_seconds(bound: WindowBound) -> int:
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


def _bins(granularity: str, time: str, catalog: Catalog) -> Bins | None:
    """The bins; None for those that stand in the rows of a calendar."""
    custom = catalog.dimension(time).granularities
    if granularity not in custom and granularity not in GRANULARITIES:
        raise UnsupportedFeature(f"'{time}' has no granularity '{granularity}'.")
    return bins_of(granularity, custom)


def _is_looked_up(
    measure: Measure, window: RollingWindow, keys: Sequence[Key], time: str, catalog: Catalog
) -> bool:
    """Whether only the rows of a calendar tell the buckets, or the periods of a window to date."""
    if any(_bins(key.granularity or "", time, catalog) is None for key in keys):
        return True
    if window.to_date is None or _bins(window.to_date, time, catalog) is not None:
        return False
    if not keys:
        raise UnsupportedFeature(
            f"Measure '{measure.full_name}' runs from the beginning of '{time}.{window.to_date}', which stands in the "
            "rows of a calendar, and the query has no buckets of time that are in one.",
            hint=f"Give '{time}' a granularity in the query, such as day.",
        )
    return True


def _counted(
    measure: Measure, window: RollingWindow, keys: Sequence[Key], time: str, catalog: Catalog
) -> RollingWindow:
    """The window with its bounds as frames have them: bins of a calendar are counted, all else is a length of time."""
    names = [key.granularity or "" for key in keys]
    alone = names[0] if len(names) == 1 and _bins(names[0], time, catalog) is None else ""

    def bound(written: WindowBound) -> WindowBound:
        if isinstance(written, Interval) and alone in UNITS:
            return _bins_within(written, alone) or written
        if not isinstance(written, BinCount) or written.granularity == alone:
            return written
        bins = _bins(written.granularity, time, catalog)
        if bins is not None:
            length = bins.interval
            return Interval(length.months * written.count, length.seconds * written.count)
        raise UnsupportedFeature(
            f"Measure '{measure.full_name}' reaches over {written.count} bins of '{time}.{written.granularity}', which "
            "stand in the rows of a calendar: they can be counted from such a bin only.",
            hint=f"Group by '{time}.{written.granularity}', and by no other granularity of '{time}'.",
        )

    return replace(window, trailing=bound(window.trailing), leading=bound(window.leading))


def _bins_within(length: Interval, granularity: str) -> BinCount | None:
    """How many of a calendar's bins a length is that is written in the built-in unit of their name, or in one made of
    such; None if it is made of others."""
    unit = UNITS[granularity]
    count = length.months // unit.months if unit.months else length.seconds // unit.seconds
    if count < 1 or Interval(unit.months * count, unit.seconds * count) != length:
        return None
    return BinCount(count, granularity)
