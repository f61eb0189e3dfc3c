"""Where ClickHouse's clocks differ from the zone tables: it knows changes on the quarter of an hour only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

QUARTER = 900
FIRST = 0
LAST = 2_145_916_800
"""From 1970 to 2038. Before, in the times of local mean time, many changes are off by minutes; after, none is."""

STEP = 7 * 86400
"""Seconds between looks at the clock; no zone has changed it twice within a week since 1970."""


@lru_cache(maxsize=64)
def corrections(zone: str) -> Mapping[int, int]:
    """Seconds to add to ClickHouse's offset, by the minute since 1970 in which they are due; empty for most zones.

    America/St_Johns turned its clocks at one minute past midnight from 1987 to 2011, ClickHouse does at midnight.
    """
    found: dict[int, int] = {}
    for moment, before, after in _changes(ZoneInfo(zone)):
        for minute in range((moment - moment % QUARTER) // 60, moment // 60):
            found[minute] = before - after
    return found


def _changes(zone: ZoneInfo) -> Iterator[tuple[int, int, int]]:
    """Each change of the zone's offset: its second since 1970, the offset before and the one from it on."""
    start, offset = FIRST, _offset(zone, FIRST)
    while start < LAST:
        end = start + STEP
        following = _offset(zone, end)
        if following != offset:
            while end - start > 1:
                middle = (start + end) // 2
                start, end = (middle, end) if _offset(zone, middle) == offset else (start, middle)
            yield end, offset, following
        start, offset = end, following


def _offset(zone: ZoneInfo, second: int) -> int:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=second)
    offset = moment.astimezone(zone).utcoffset()
    assert offset is not None
    return round(offset.total_seconds())
