"""``rolling_window`` and ``time_shift``, as a model writes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from cuboid.catalog import keys
from cuboid.catalog.fields import Fields, read_entries
from cuboid.catalog.intervals import read_length
from cuboid.catalog.named import named_time_dimension
from cuboid.catalog.nodes import Node, Scalar
from cuboid.catalog.scope import Scope, Use
from cuboid.catalog.timing import BinCount, NamedShift, RollingWindow, TimeShift, WindowBound
from cuboid.errors import closest, did_you_mean
from cuboid.types import GRANULARITIES, Interval

_TO_DATE: Mapping[str, str] = MappingProxyType(
    {"year_to_date": "year", "quarter_to_date": "quarter", "month_to_date": "month"}
)
"""The deprecated types that name their granularity."""

_WINDOWS: Mapping[str, str] = MappingProxyType({name: name for name in ("fixed", "to_date", *_TO_DATE)})
_OFFSETS: Mapping[str, Literal["start", "end"]] = MappingProxyType({"start": "start", "end": "end"})
_DIRECTIONS: Mapping[str, int] = MappingProxyType({"prior": 1, "next": -1})
_SHIFT_SQL = Use("a time shift")
_BIN_COUNT = re.compile(r"([1-9]\d{0,3}) (\w+?)(s?)")


def read_rolling_window(fields: Fields, scope: Scope) -> RollingWindow | None:
    """The ``rolling_window`` of a measure; None if there is none or it is wrong (reported)."""
    node = fields.node("rolling_window")
    window = read_entries(node, keys.ROLLING_WINDOW, fields.problems) if node is not None else None
    if window is None:
        return None
    type = window.choice("type", _WINDOWS, default="fixed")
    if type is None:
        return None
    if type != "fixed":
        return _to_date(type, window, scope)
    if window.has("granularity"):
        window.problems.error(
            window.place_of("granularity"),
            "'granularity' belongs to windows of type to_date",
            "Add the type.",
        )
        return None
    if not window.has("trailing") and not window.has("leading"):
        window.missing("trailing", "a length of time such as 7 days, or unbounded; or 'leading'")
        return None
    offset = window.choice("offset", _OFFSETS, default="end") or "end"
    return RollingWindow(_bound(window, "trailing", scope), _bound(window, "leading", scope), offset)


def _bound(window: Fields, key: str, scope: Scope) -> WindowBound:
    written = window.scalar(key)
    if written is None:
        return None
    if written.text.strip() == "unbounded":
        return "unbounded"
    counted = _BIN_COUNT.fullmatch(" ".join(written.text.split()))
    if counted is not None:
        count, singular, plural = counted.groups()
        known = (f"{singular}{plural}", singular)
        name = next((each for each in known if each in scope.names.custom_granularities), None)
        if name is not None and singular.lower() not in GRANULARITIES:
            return BinCount(int(count), name)
    length = read_length(written, window.problems)
    return length.interval if length else None


def _to_date(type: str, window: Fields, scope: Scope) -> RollingWindow | None:
    for key in ("trailing", "leading", "offset"):
        if window.has(key):
            window.problems.error(window.place_of(key), f"a window to date has no '{key}'", "Remove it.")
            return None
    if type in _TO_DATE:
        return RollingWindow(to_date=_TO_DATE[type])
    written = window.scalar("granularity")
    if written is None:
        if not window.has("granularity"):
            window.missing("granularity", "the period from whose beginning is counted, such as month")
        return None
    if written.text not in GRANULARITIES and written.text not in scope.names.custom_granularities:
        known = (*GRANULARITIES, *scope.names.custom_granularities)
        hint = did_you_mean(closest(written.text, known)) or f"It is one of {', '.join(known)}."
        window.problems.error(written.place, f"'{written.text}' is no granularity", hint)
        return None
    return RollingWindow(to_date=written.text)


# ---------------------------------------------------------------- shifts


def read_time_shifts(fields: Fields, scope: Scope) -> tuple[TimeShift, ...]:
    """The ``time_shift`` of a multi-stage measure."""
    nodes = fields.items("time_shift")
    found = (_shift(node, scope, alone=len(nodes) == 1) for node in nodes)
    return tuple(shift for shift in found if shift is not None)


def _shift(node: Node, scope: Scope, *, alone: bool) -> TimeShift | None:
    fields = read_entries(node, keys.TIME_SHIFT, scope.problems)
    if fields is None:
        return None
    dimension = None
    if fields.has("time_dimension"):
        dimension = named_time_dimension(fields, "time_dimension", scope)
    elif not alone:
        fields.missing("time_dimension", "which of the shifts this is, as there are several")
    if fields.has("name"):
        for key in ("interval", "type"):
            if fields.has(key):
                scope.problems.error(
                    fields.place_of(key),
                    f"a time shift has either 'name' or '{key}', not both",
                    "Remove one.",
                )
        return _by_name(fields, dimension, scope)
    interval = _shifted_by(fields)
    return None if interval is None else TimeShift(dimension, interval)


def _by_name(fields: Fields, dimension: str | None, scope: Scope) -> TimeShift | None:
    name = fields.text("name")
    known = scope.names.named_shifts
    if name is not None and name not in known and not scope.names.broken:
        scope.problems.error(
            fields.place_of("name"),
            f"no calendar has a time shift '{name}'",
            did_you_mean(closest(name, known))
            or "A cube with 'calendar: true' defines it, under 'time_shift' of a time dimension.",
        )
        return None
    return TimeShift(dimension, None, name)


def read_named_shifts(fields: Fields, scope: Scope) -> tuple[NamedShift, ...]:
    """The ``time_shift`` of a calendar cube's time dimension."""
    found = (_named_shift(node, scope) for node in fields.items("time_shift"))
    return tuple(shift for shift in found if shift is not None)


def _named_shift(node: Node, scope: Scope) -> NamedShift | None:
    fields = read_entries(node, keys.NAMED_SHIFT, scope.problems)
    if fields is None:
        return None
    name = fields.text("name")
    sql = scope.required_sql(fields, _SHIFT_SQL) if fields.has("sql") else None
    interval = _shifted_by(fields) if fields.has("interval") or not fields.has("sql") else None
    if sql is None and interval is None:
        return None
    if fields.has("sql") == fields.has("interval") and name is not None:
        scope.problems.error(
            fields.place_of("interval"),
            "a named shift has either 'sql' or 'interval', not both",
            "Remove one.",
        )
    elif name is None and not (fields.has("sql") and fields.has("interval")):
        fields.missing("name", "what measures call the shift; or both 'interval' and 'sql'")
    return NamedShift(name, interval, sql, fields.place)


def _shifted_by(fields: Fields) -> Interval | None:
    """``interval`` and ``type`` as what is added to a row's time."""
    written: Scalar | None = fields.scalar("interval")
    if written is None and not fields.has("interval"):
        fields.missing("interval", "a length of time such as 1 month")
    direction = fields.choice("type", _DIRECTIONS)
    length = read_length(written, fields.problems) if written else None
    if length is None or direction is None:
        return None
    interval = length.interval
    return Interval(direction * interval.months, direction * interval.seconds)
