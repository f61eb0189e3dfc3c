"""Rolling windows: rule 7. A window is a frame of civil time for each bucket of the queried time dimension T."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import TypeVar

from tests.oracle import bins
from tests.oracle.expressions import Value
from tests.oracle.filters import RefusedError
from tests.oracle.members import Bound, Window
from tests.oracle.question import GroupColumn
from tests.oracle.state import Group, Groups, State
from tests.oracle.times import MILLISECOND, read_civil
from tests.oracle.world import Paths

T = TypeVar("T")
Frame = tuple[datetime | None, datetime | None]
"""``[begin, end)``; None: without that side."""


@dataclass(frozen=True, slots=True)
class Axis:
    """T as a state asks for it. ``units``: its granularities, the finest first. ``span``: its date range."""

    member: str
    units: tuple[str, ...]
    span: tuple[datetime, datetime] | None

    def buckets(self, seen: list[datetime]) -> list[tuple[datetime, datetime]]:
        """(from, next) of each bucket, those of the range or else of all times ``seen``; without a granularity the
        range is the only one."""
        if not self.units:
            return [] if self.span is None else [self.span]
        unit = self.units[0]
        if self.span is not None:
            first, last = self.span[0], self.span[1] - MILLISECOND
        elif seen:
            first, last = min(seen), max(seen)
        else:
            return []
        starts = [bins.floor(first, unit)]
        while starts[-1] <= last:
            starts.append(bins.following(starts[-1], unit))
        return list(pairwise(starts))


def axis_of(state: State, cube: str, restricts: Callable[[frozenset[str]], bool]) -> Axis | None:
    """The time dimension that a window of a measure of ``cube`` runs over; None if none is asked for, rule 7.1.

    A date range alone asks for T only where it would restrict the measure (3.4).
    """
    ranged = [c for c in state.conditions if c.ranged and restricts(c.names)]
    named = [key.member for key in state.keys if key.granularity]
    named += [name for condition in ranged for name in condition.names]
    candidates = list(dict.fromkeys(named))
    if len(candidates) > 1:
        candidates = [name for name in candidates if name.partition(".")[0] == cube]
        if len(candidates) != 1:
            raise RefusedError(f"a window of {cube} runs over one time dimension, not over several")
    if not candidates:
        return None
    member = candidates[0]
    units = sorted(
        {k.granularity for k in state.keys if k.member == member and k.granularity}, key=bins.about
    )
    for other in units[1:]:
        if not _holds(other, units[0]):
            raise RefusedError(f"{other} does not hold whole bins of {units[0]}")
    spans = [_span(c.item["values"]) for c in state.conditions if c.ranged and c.names == {member}]
    if len(spans) > 1:
        raise RefusedError(f"{member} has several date ranges")
    return Axis(member, tuple(units), spans[0] if spans else None)


def _holds(coarse: str, fine: str) -> bool:
    """Whether bins of ``coarse`` are made of whole bins of ``fine``, which are the shorter ones: told by walking over
    many of them."""
    start = bins.floor(datetime(1999, 12, 27), coarse)
    for _ in range(800):
        if bins.floor(start, fine) != start:
            return False
        start = bins.following(start, coarse)
    return True


def _span(values: list[str]) -> tuple[datetime, datetime]:
    return read_civil(values[0], end=False), read_civil(values[-1], end=True) + MILLISECOND


def frame(window: Window, begin: datetime, following: datetime) -> Frame:
    """Rule 7.2."""
    if window.to_date is not None:
        return bins.floor(begin, window.to_date), following
    at = begin if window.offset == "start" else following
    return _side(at, window.trailing, -1), _side(at, window.leading, 1)


def _side(at: datetime, bound: Bound, sign: int) -> datetime | None:
    if bound == "unbounded":
        return None
    if bound is None:
        return at
    return (bound if sign > 0 else -bound).after(at)


def within(time: datetime, framed: Frame) -> bool:
    """Whether a civil time is in the frame."""
    begin, end = framed
    return (begin is None or begin <= time) and (end is None or time < end)


def inner(state: State, axis: Axis) -> State:
    """The state whose rows the frames choose from: the other keys, then T itself, without T's date range."""
    return replace(
        state,
        keys=(*others(state, axis), GroupColumn(axis.member, paths=_paths(state, axis.member))),
        conditions=tuple(c for c in state.conditions if not (c.ranged and c.names == {axis.member})),
    )


def _paths(state: State, member: str) -> Paths:
    """Those that the query means T along."""
    asked = [*(key.paths for key in state.keys if key.member == member)]
    asked += [c.paths for c in state.conditions if c.ranged and c.names == {member}]
    return tuple(dict.fromkeys(path for paths in asked for path in paths))


def others(state: State, axis: Axis) -> tuple[GroupColumn, ...]:
    """The keys beside T's granularities."""
    return tuple(key for key in state.keys if not (key.member == axis.member and key.granularity))


def rolled(
    state: State, axis: Axis, window: Window, rows: list[tuple[T, Group]], value: Callable[[list[T]], Value]
) -> Groups:
    """Rules 7.3 and 7.4. ``rows``: each with the other keys and, last, its time."""
    by_key: dict[Group, list[tuple[T, datetime]]] = defaultdict(list)
    for row, (*keys, time) in rows:
        if isinstance(time, datetime):  # a row without a time is in no frame
            by_key[tuple(keys)].append((row, time))
    alone = not others(state, axis)
    if alone:
        by_key.setdefault((), [])
    found: Groups = {}
    for begin, following in axis.buckets([time for timed in by_key.values() for _, time in timed]):
        framed = frame(window, begin, following)
        for keys, timed in by_key.items():
            inside = [row for row, time in timed if within(time, framed)]
            if inside or alone:
                found[_group(state, axis, keys, begin)] = value(inside)
    if alone and not axis.units:
        found.setdefault((), value([]))
    return found


def _group(state: State, axis: Axis, keys: Group, begin: datetime) -> Group:
    rest: Iterator[Value] = iter(keys)
    return tuple(
        bins.floor(begin, key.granularity) if key.member == axis.member and key.granularity else next(rest)
        for key in state.keys
    )
