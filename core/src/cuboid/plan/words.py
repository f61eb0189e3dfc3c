"""What stages, windows and shifts compute, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cuboid.catalog.timing import BinCount, Bins, WindowBound
from cuboid.plan.nodes import Key, Shift, Stage, Windowed
from cuboid.types import Interval

_AGGREGATES = {
    "sum": "The sum",
    "avg": "The mean",
    "min": "The least",
    "max": "The greatest",
    "count": "The number",
    "count_distinct": "The number of distinct values",
    "count_distinct_approx": "About the number of distinct values",
    "number_agg": "An aggregate",
}

_UNITS = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


def stage_title(node: Stage) -> str:
    """``The mean over groups: orders.mean_user by users.city``."""
    if node.type == "rank":
        how = f"The rank within {_named(node.kept) or 'all groups'}"
    elif node.type in _AGGREGATES:
        how = f"{_AGGREGATES[node.type]} over groups"
    else:
        how = "A formula for each group"
    return f"{how}: {node.measure}{by(node.keys)}"


def stage_details(node: Stage) -> Iterator[str]:
    """Over which groups, and what becomes of the keys that these have more or less."""
    added = [key for key in node.child.keys if key not in node.keys]
    yield f"computed from the groups by {_named(node.child.keys) or 'nothing'}"
    if added and node.type != "rank":
        yield f"put together over {_named(added)}"
    if node.groups is not None:
        kept = f"its {_named(node.kept)}" if node.kept else "all"
        yield f"each group has the value of {kept}"
    if node.branch is not None:
        yield (
            "by the SQL for the switch's value"
            if node.has_value
            else "NULL: no SQL is for the switch's value"
        )


def window_title(node: Windowed) -> str:
    """``Rolling orders.week by orders.createdAt.day``."""
    return f"Rolling {', '.join(node.values)}{by(node.keys)}"


def window_details(node: Windowed) -> Iterator[str]:
    """Which buckets there are, and which rows count for each."""
    frames = node.frames
    time = frames.time.member
    if frames.looked_up:
        of_range = ", those of the date range" if frames.range is not None else ""
        yield f"buckets of {time} are groups of the calendar's rows{of_range}"
    elif frames.bins is None:
        yield f"one frame, that of the date range of {time}"
    elif frames.range is not None:
        yield f"buckets of {time} every {bins_words(frames.bins)}, those of the date range"
    else:
        yield f"buckets of {time} every {bins_words(frames.bins)}, from the first to the last that has rows"
    if frames.looked_up and frames.window.to_date is not None:
        period = frames.window.to_date
        yield f"a frame runs from the first of the calendar's rows of its {period} to the bucket's end"
    elif frames.to_date is not None:
        yield f"a frame runs from the beginning of its {bins_words(frames.to_date)} to the bucket's end"
    else:
        point = f"the bucket's {frames.window.offset}"
        before, after = _reach(frames.window.trailing), _reach(frames.window.leading)
        yield f"a frame runs from {before} before {point} to {after} after it"
    if node.distinct:
        yield f"each row of {node.cube} once in a frame"
    if node.buckets is not None:
        yield f"rows are added up by {node.buckets.granularity} first: each frame holds whole buckets"


def shift_words(shift: Shift) -> str:
    """How a shifted time is read."""
    if shift.sql is not None:
        return f"{shift.member} read as the calendar says: another of its days stands for a row's own"
    moved = " and then ".join(map(interval_words, shift.intervals))
    looked_up = ", in the calendar's row for that time" if shift.looked_up else ""
    return f"{shift.member} read {moved} later{looked_up}"


def interval_words(interval: Interval) -> str:
    """``1 month and -2 days``."""
    parts = [_count(interval.months, "month")] if interval.months else []
    seconds = abs(interval.seconds)
    for unit, length in _UNITS:
        number, seconds = divmod(seconds, length)
        if number:
            parts.append(_count(number if interval.seconds > 0 else -number, unit))
    return " and ".join(parts) or "nothing"


def bins_words(bins: Bins) -> str:
    """How long a bin is."""
    return interval_words(bins.interval)


def by(keys: Iterable[Key]) -> str:
    """`` by users.city, orders.status``; nothing without keys."""
    named = _named(keys)
    return f" by {named}" if named else ""


def _named(keys: Iterable[Key]) -> str:
    return ", ".join(key.name for key in keys)


def _reach(bound: WindowBound) -> str:
    if isinstance(bound, Interval):
        return interval_words(bound)
    if isinstance(bound, BinCount):
        return f"{bound.count} bins of {bound.granularity}"
    return "any time" if bound == "unbounded" else "nothing"


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}{'' if abs(number) == 1 else 's'}"
