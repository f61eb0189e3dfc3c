"""Versions of parts that come from the clock alone: a part is out of date when its version is another one."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cuboid.run.rollups.parts import Part
from cuboid.run.stored import StoredRollup

Version = Callable[[StoredRollup, Part], Awaitable[str]]
"""The version that a part has if it is built from now on."""

SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}

DEFAULT_SECONDS = 3600
"""How long a rollup is up to date whose model does not say."""

STABLE = "stable"
"""The version of what never changes any more."""

_LENGTH = re.compile(r"(\d+) (second|minute|hour|day|week|month|quarter|year)s?")
_MONTHS = {"month": 1, "quarter": 3, "year": 12}


async def by_the_clock(stored: StoredRollup, part: Part) -> str:
    """The number of the interval that the wall clock of the rollup's zone is in (model contract 5.2)."""
    return version_at(stored, part, datetime.now(UTC))


def version_at(stored: StoredRollup, part: Part, now: datetime) -> str:
    """As :func:`by_the_clock`, at an aware moment."""
    key = stored.refresh_key
    if key is not None and key.immutable:
        return STABLE
    civil = now.astimezone(ZoneInfo(stored.zone)).replace(tzinfo=None)
    if key is not None and key.incremental and part.bounds is not None:
        settled = civil >= after(part.bounds[1], key.update_window)
    else:
        settled = False
    if settled:
        return STABLE
    seconds = _seconds(key.every) if key is not None and key.every else DEFAULT_SECONDS
    return str(int((civil - datetime(1970, 1, 1)).total_seconds() // seconds))


def after(moment: datetime, length: str | None) -> datetime:
    """``moment`` and a length such as ``7 days``; far in the future where that has no date."""
    found = _LENGTH.fullmatch(length or "")
    if found is None:
        return moment
    count, unit = int(found[1]), found[2]
    try:
        if unit in SECONDS:
            return moment + timedelta(seconds=count * SECONDS[unit])
        months = moment.year * 12 + moment.month - 1 + count * _MONTHS[unit]
        return moment.replace(year=months // 12, month=months % 12 + 1)  # parts end on the first of a month
    except (OverflowError, ValueError):
        return datetime.max


def _seconds(every: str) -> int:
    found = _LENGTH.fullmatch(every)
    return int(found[1]) * SECONDS[found[2]] if found is not None and found[2] in SECONDS else DEFAULT_SECONDS
