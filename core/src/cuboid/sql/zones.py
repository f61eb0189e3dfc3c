"""When a time zone's offset changes: for engines whose own zones are wrong or missing somewhere."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

STEP = 3 * 86_400
"""Seconds. No zone changed and changed back in less: Freetown did within four days, in 1939."""


def offset(zone: str, second: int) -> int:
    """The zone's offset in seconds, ``second`` seconds after 1970."""
    found = (EPOCH + timedelta(seconds=second)).astimezone(ZoneInfo(zone)).utcoffset()
    assert found is not None
    return round(found.total_seconds())


def offset_changes(zone: str, first: int, last: int) -> Iterator[tuple[int, int, int]]:
    """Each change of the offset after ``first`` and up to ``last``, in seconds since 1970: its second, the offset
    before, and the one from it on."""
    before = offset(zone, first)
    for start in range(first, last, STEP):
        end = min(start + STEP, last)
        while offset(zone, end) != before:
            low, high = start, end
            while high - low > 1:  # the change is after low, at high or before it
                middle = (low + high) // 2
                low, high = (middle, high) if offset(zone, middle) == before else (low, middle)
            yield high, before, (before := offset(zone, high))
            start = high


@lru_cache(maxsize=64)
def offsets(zone: str, first: int, last: int) -> tuple[tuple[int, int], ...]:
    """From which second which offset holds, from ``first`` up to ``last``: a table to search in SQL."""
    changes = ((second, after) for second, _, after in offset_changes(zone, first, last))
    return ((first, offset(zone, first)), *changes)
