"""Custom granularities of a time dimension: bins of an interval, counted from an origin."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from cuboid.catalog import keys
from cuboid.catalog.fields import Fields, read_entries
from cuboid.catalog.intervals import Length, read_length
from cuboid.catalog.naming import titleize
from cuboid.catalog.nodes import Node, Scalar
from cuboid.catalog.scope import Scope, Use
from cuboid.catalog.timing import Granularity
from cuboid.types import GRANULARITIES, Interval

EPOCH = datetime(1970, 1, 1)
FIRST_MONDAY = datetime(1970, 1, 5)
"""The default origins. Fixed ones: counted from the current year, as in Cube, results move with the calendar."""

_CALENDAR_SQL = Use("a granularity")

_DIVIDED: Mapping[str, int | None] = MappingProxyType(
    {
        "year": None,
        "quarter": 4,
        "month": 12,
        "week": 1,
        "day": 1,
        "hour": 24,
        "minute": 60,
        "second": 60,
    }
)
"""Without an origin a number of units must divide the next larger unit, so that bins are those that people expect."""


def read_granularities(fields: Fields, scope: Scope, *, calendar: bool) -> Mapping[str, Granularity]:
    """The ``granularities`` of a time dimension by name.

    :param calendar: whether the cube is a calendar, where they may have ``sql``.
    """
    found: dict[str, Granularity] = {}
    for node in fields.items("granularities"):
        granularity = _read(node, scope, calendar)
        if granularity is None:
            continue
        if granularity.name in found:
            scope.problems.error(
                granularity.place,
                f"there are two granularities '{granularity.name}'",
                "Rename or remove one.",
            )
        else:
            found[granularity.name] = granularity
    return MappingProxyType(found)


def _read(node: Node, scope: Scope, calendar: bool) -> Granularity | None:
    fields = read_entries(node, keys.GRANULARITY, scope.problems)
    name = fields.identifier("name") if fields else None
    if fields is None or name is None:
        return None
    title = fields.text("title") or titleize(name)
    if fields.has("sql"):
        return _from_sql(name, title, fields, scope, calendar)
    if name in GRANULARITIES:
        fields.problems.error(
            fields.place_of("name"),
            f"'{name}' is a built-in granularity",
            "Choose another name; only a calendar cube's 'sql' replaces a built-in one.",
        )
        return None
    written = fields.scalar("interval")
    if written is None:
        if not fields.has("interval"):
            fields.missing("interval", "how long a bin is, such as 6 months")
        return None
    length = read_length(written, fields.problems, compound=True)
    if length is None or not _is_bin(length, written, fields):
        return None
    origin = _origin(fields, length)
    if origin is None:
        return None
    shown = tuple((key, text) for key in ("interval", "offset", "origin") if (text := fields.text(key)))
    return Granularity(name, title, length.interval, origin, fields.place, shown)


def _from_sql(name: str, title: str, fields: Fields, scope: Scope, calendar: bool) -> Granularity | None:
    for key in ("interval", "origin", "offset"):
        if fields.has(key):
            fields.problems.error(
                fields.place_of(key), f"a granularity has either 'sql' or '{key}', not both", "Remove one."
            )
            return None
    if not calendar:
        fields.problems.error(
            fields.place_of("sql"),
            "'sql' of a granularity belongs to calendar cubes",
            "Set 'calendar: true' on the cube, or give an 'interval'.",
        )
        return None
    sql = scope.required_sql(fields, _CALENDAR_SQL)
    return None if sql is None else Granularity(name, title, None, EPOCH, fields.place, (), sql)


def _is_bin(length: Length, written: Scalar, fields: Fields) -> bool:
    """Whether bins of that length can be counted; an error if not."""
    interval = length.interval
    if interval.months and interval.seconds:
        fields.problems.error(
            written.place,
            f"'{written.text}' mixes months with shorter units, so that its bins have no fixed length",
            "Use months, quarters and years alone, or weeks and shorter units alone.",
        )
        return False
    if interval.months <= 0 and interval.seconds <= 0:
        fields.problems.error(
            written.place, f"an interval must be longer than nothing, not '{written.text}'", "E.g. 2 weeks."
        )
        return False
    if fields.has("origin"):
        return True
    number, unit = length.parts[0]
    divided = _DIVIDED[unit]
    if len(length.parts) == 1 and (divided is None or divided % number == 0):
        return True
    if divided == 1:
        reason = f"without 'origin' a granularity can have one {unit} only"
    elif len(length.parts) > 1:
        reason = "without 'origin' an interval has one unit"
    else:
        reason = f"without 'origin' the number of {unit}s must divide {divided}"
    fields.problems.error(
        written.place, f"{reason}, not '{written.text}'", "Say where a bin begins: origin: '2024-01-01'."
    )
    return False


def _origin(fields: Fields, length: Length) -> datetime | None:
    """Where a bin begins; None and an error if it cannot be read."""
    written = fields.scalar("origin")
    if written is not None:
        if fields.has("offset"):
            fields.problems.error(
                fields.place_of("offset"),
                "a granularity has either 'origin' or 'offset', not both",
                "Add the offset to the origin.",
            )
            return None
        return _moment(written, fields)
    default = FIRST_MONDAY if all(unit == "week" for _, unit in length.parts) else EPOCH
    offset = fields.scalar("offset")
    if offset is None:
        return default
    moved = read_length(offset, fields.problems, compound=True)
    return None if moved is None else _plus(default, moved.interval)


def _moment(written: Scalar, fields: Fields) -> datetime | None:
    text = written.text.strip()
    if text.endswith(("Z", "z")):
        fields.problems.warn(
            written.place,
            "the zone of an origin is not heeded: bins begin at that time of day in the zone of each query",
            f"Write '{text[:-1]}'.",
        )
        text = text[:-1]
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is not None:
        fields.problems.error(
            written.place,
            f"'{written.text}' is no date or time without zone",
            "Write '2024-04-01' or '2024-04-01T06:00:00'; it is read in the zone of each query.",
        )
        return None
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _plus(moment: datetime, interval: Interval) -> datetime:
    """The default origin, a first of the month or a Monday, moved: its day exists in every month."""
    months = moment.year * 12 + moment.month - 1 + interval.months
    year, month = divmod(months, 12)
    return moment.replace(year=year, month=month + 1) + timedelta(seconds=interval.seconds)
