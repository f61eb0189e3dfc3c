"""Absolute dates and times as clients write them: ``2024-01-31``, ``2024-01-31T10:00:00.000+03:00``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, timezone

MILLISECOND = timedelta(milliseconds=1)
_LAST_TIME = time(23, 59, 59, 999000)

_SHAPE = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})"
    r"(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s?(Z|[+-]\d{2}:?\d{2})?)?",
    re.ASCII | re.IGNORECASE,
)
_SHAPE_START = re.compile(r"\d{4}-\d{2}-\d{2}(?:T\d|[ ]\d|$)", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CivilRange:
    """Wall-clock times without zone, both included, in whole milliseconds."""

    start: datetime
    end: datetime

    @property
    def wire(self) -> tuple[str, str]:
        """Both ends as ``YYYY-MM-DDTHH:mm:ss.SSS``."""
        return wire_text(self.start), wire_text(self.end)


@dataclass(frozen=True, slots=True)
class Moment:
    """One absolute date or time as written; ``civil`` has a zone only if the text has an offset."""

    civil: datetime
    whole_day: bool

    @property
    def range(self) -> CivilRange:
        """What the text stands for in a range: its day, or its millisecond.

        A text with an offset counts by its UTC wall-clock time: Cube does so, and its echo shows that time.
        """
        if self.whole_day:
            return CivilRange(self.civil, datetime.combine(self.civil.date(), _LAST_TIME))
        civil = self.civil
        if civil.tzinfo is not None:
            civil = civil.astimezone(UTC).replace(tzinfo=None)
        civil = civil.replace(microsecond=civil.microsecond // 1000 * 1000)
        return CivilRange(civil, civil)


def wire_text(civil: datetime) -> str:
    """``YYYY-MM-DDTHH:mm:ss.SSS``."""
    return civil.isoformat(timespec="milliseconds")


def looks_absolute(text: str) -> bool:
    """Whether ``text`` begins like a date or date-time, so that it is never read as words."""
    return _SHAPE_START.match(text.strip()) is not None


def read(text: str) -> Moment | None:
    """The date or time that ``text`` says, of years 1 to 9999; None if it says none.

    Digits beyond microseconds are dropped.
    """
    match = _SHAPE.fullmatch(text.strip())
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, offset = match.groups()
    try:
        civil = datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0))
        if fraction:
            civil = civil.replace(microsecond=int(fraction[:6].ljust(6, "0")))
        if offset:
            civil = civil.replace(tzinfo=_offset(offset))
            civil.astimezone(UTC)  # overflows where the UTC time leaves years 1 to 9999
    except (ValueError, OverflowError):
        return None
    return Moment(civil, whole_day=hour is None)


def _offset(text: str) -> timezone:
    if text in ("Z", "z"):
        return UTC
    delta = timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))
    return timezone(-delta if text[0] == "-" else delta)
