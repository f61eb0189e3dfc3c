"""Dates in words: ``last 6 months``, ``from 7 days ago to now``, ``January 2020``.

The tests run in the order of Cube's parser and, as there, search anywhere in the lower-cased text: ``from yesterday
to today`` is today. Days and longer units are counted on the calendar of the query's zone, hours and shorter on
the UTC line, so that ``last 3 hours`` are three hours on the day of a clock change too.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

from cuboid.query import moments
from cuboid.query.moments import MILLISECOND, CivilRange

_UNIT = r"(day|week|month|quarter|year|hour|minute|second)"
_GAP = r"\s{1,20}"  # bounded, as are the parts below: no text makes a pattern backtrack for long
_ONE_UNIT = re.compile(rf"(this|last|next){_GAP}{_UNIT}")
_N_UNITS = re.compile(rf"(last|next){_GAP}(\d{{1,9}}){_GAP}{_UNIT}", re.ASCII)
_FROM_TO = re.compile(rf"from{_GAP}(\S.{{0,49}}?){_GAP}to{_GAP}(\S.{{0,49}})")
_TO = re.compile(rf"(\S.{{0,49}}?){_GAP}(?:to|until|till|through|-){_GAP}(\S.{{0,49}})")

_AMOUNT = rf"(\d{{1,9}}|an?|one){_GAP}{_UNIT}s?"
_AGO = re.compile(rf"{_AMOUNT}{_GAP}(?:ago|earlier|before now)", re.ASCII)
_IN = re.compile(rf"in{_GAP}{_AMOUNT}", re.ASCII)
_FROM_NOW = re.compile(rf"{_AMOUNT}{_GAP}(?:from now|later)", re.ASCII)

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>\d{4})"
_CALENDAR_FORMS = tuple(
    re.compile(form, re.ASCII)
    for form in (
        rf"{_MONTH}{_GAP}{_DAY}(?:,\s{{0,20}}|{_GAP}){_YEAR}",  # jan 5, 2020
        rf"{_DAY}{_GAP}{_MONTH},?{_GAP}{_YEAR}",  # 5 january 2020
        rf"(?P<month>\d{{1,2}})/{_DAY}/{_YEAR}",  # 1/5/2020, the American order
        rf"{_MONTH},?{_GAP}{_YEAR}",  # january 2020
        _YEAR,
    )
)

_CLOCK_UNITS = {"hour": timedelta(hours=1), "minute": timedelta(minutes=1), "second": timedelta(seconds=1)}
_CALENDAR_UNITS = {
    "day": relativedelta(days=1),
    "week": relativedelta(weeks=1),
    "month": relativedelta(months=1),
    "quarter": relativedelta(months=3),
    "year": relativedelta(years=1),
}
_SHIFTED_DAYS = {"today": 0, "yesterday": -1, "tomorrow": 1}


class UnreadableError(Exception):
    """``text`` is the part that could not be read, lower-cased."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class _Named(NamedTuple):
    """A civil time, and the unit that its text names as a whole (``month`` for ``January 2020``), if any."""

    civil: datetime
    unit: str | None = None


def parse(written: str, zone: ZoneInfo, now: datetime) -> CivilRange:
    """The range that ``written`` stands for in ``zone`` when it is ``now`` (aware).

    Raises :class:`UnreadableError`, also where the range leaves years 1 to 9999.
    """
    text = written.strip().lower()
    try:
        return _parse(text, zone, now)
    except (OverflowError, ValueError):  # datetime and relativedelta raise either, by the way they overflow
        raise UnreadableError(text) from None


def _parse(text: str, zone: ZoneInfo, now: datetime) -> CivilRange:
    if match := _ONE_UNIT.search(text):
        which, unit = match.groups()
        civil = _moved({"this": 0, "last": -1, "next": 1}[which], unit, zone, now)
        return CivilRange(_floor(civil, unit), _ceiling(civil, unit))
    if match := _N_UNITS.search(text):
        which, amount, unit = match[1], int(match[2]), match[3]
        near, far = (-1, -amount) if which == "last" else (1, amount)
        ends = _moved(near, unit, zone, now), _moved(far, unit, zone, now)
        start, end = ends[::-1] if which == "last" else ends
        return CivilRange(_floor(start, unit), _ceiling(end, unit))
    for word, days in _SHIFTED_DAYS.items():
        if word in text:
            civil = _moved(days, "day", zone, now)
            return CivilRange(_floor(civil, "day"), _ceiling(civil, "day"))
    parts = _FROM_TO.search(text) or _TO.fullmatch(text)
    first, last = parts.groups() if parts else (text, text)
    return _between(_named(first, zone, now), _named(last, zone, now), text)


def _between(first: _Named, last: _Named, text: str) -> CivilRange:
    rounding = next((unit for unit in ("second", "minute", "hour") if unit in text), "day")
    return CivilRange(
        _floor(first.civil, first.unit or rounding),
        _ceiling(last.civil, last.unit or rounding),
    )


def _named(text: str, zone: ZoneInfo, now: datetime) -> _Named:
    text = text.strip()
    if text == "now":
        return _Named(_civil(now, zone))
    if match := _AGO.fullmatch(text):
        return _Named(_moved(-_amount(match[1]), match[2], zone, now))
    if match := _IN.fullmatch(text) or _FROM_NOW.fullmatch(text):
        return _Named(_moved(_amount(match[1]), match[2], zone, now))
    if moment := moments.read(text):
        civil = moment.civil
        return _Named(civil if civil.tzinfo is None else _civil(civil, zone))
    for form in _CALENDAR_FORMS:
        if match := form.fullmatch(text):
            return _date(match.groupdict(), text)
    raise UnreadableError(text)


def _date(parts: dict[str, str], text: str) -> _Named:
    month, day = parts.get("month"), parts.get("day")
    number = 1 if month is None else int(month) if month.isdigit() else _MONTHS.index(month[:3]) + 1
    try:
        civil = datetime(int(parts["year"]), number, int(day or 1))
    except ValueError:
        raise UnreadableError(text) from None
    return _Named(civil, "day" if day else "month" if month else "year")


def _amount(text: str) -> int:
    return int(text) if text.isdigit() else 1


def _civil(instant: datetime, zone: ZoneInfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None)


def _moved(count: int, unit: str, zone: ZoneInfo, now: datetime) -> datetime:
    """The civil time ``count`` units from ``now``; a day that the month lacks becomes its last."""
    if unit in _CLOCK_UNITS:
        return _civil(now.astimezone(UTC) + count * _CLOCK_UNITS[unit], zone)
    return _civil(now, zone) + count * _CALENDAR_UNITS[unit]


def _floor(civil: datetime, unit: str) -> datetime:
    if unit == "second":
        return civil.replace(microsecond=0)
    if unit == "minute":
        return civil.replace(second=0, microsecond=0)
    if unit == "hour":
        return civil.replace(minute=0, second=0, microsecond=0)
    midnight = civil.replace(hour=0, minute=0, second=0, microsecond=0)
    if unit == "day":
        return midnight
    if unit == "week":
        return midnight - timedelta(days=civil.weekday())
    first = midnight.replace(day=1)
    if unit == "month":
        return first
    if unit == "quarter":
        return first.replace(month=(civil.month - 1) // 3 * 3 + 1)
    return first.replace(month=1)


def _ceiling(civil: datetime, unit: str) -> datetime:
    """The last millisecond of the unit."""
    start = _floor(civil, unit)
    if unit in _CLOCK_UNITS:
        return start + (_CLOCK_UNITS[unit] - MILLISECOND)
    if unit == "day" or unit == "week":
        return start + (timedelta(days=7 if unit == "week" else 1) - MILLISECOND)
    months = {"month": 1, "quarter": 3, "year": 12}[unit]
    last_day = start + relativedelta(months=months - 1, day=31)
    return last_day + (timedelta(days=1) - MILLISECOND)
