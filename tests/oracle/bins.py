"""Custom granularities that every time dimension of a world has, and their bins by stepping from the origin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tests.oracle.spans import Span, add_months
from tests.oracle.times import GRANULARITIES
from tests.oracle.times import floor as builtin_floor


@dataclass(frozen=True, slots=True)
class Bin:
    """Bins of ``months`` or of ``length``, counted from ``origin``; ``described`` is what the model says of them."""

    origin: datetime
    described: Mapping[str, str]
    months: int = 0
    length: timedelta = timedelta()

    @property
    def about(self) -> timedelta:
        """How long they are, to tell the finer of two."""
        return self.length + self.months * timedelta(days=30.44)


BINS: Mapping[str, Bin] = {
    "fiscal_year": Bin(datetime(1970, 4, 1), {"interval": "1 year", "offset": "3 months"}, months=12),
    "half_from_the_31st": Bin(
        datetime(2023, 3, 31), {"interval": "6 months", "origin": "2023-03-31"}, months=6
    ),
    "month_from_the_15th": Bin(
        datetime(2024, 5, 15, 6), {"interval": "1 month", "origin": "2024-05-15T06:00:00"}, months=1
    ),
    "week_from_wednesday": Bin(
        datetime(1970, 1, 7), {"interval": "1 week", "offset": "2 days"}, length=timedelta(weeks=1)
    ),
    "five_days": Bin(
        datetime(2030, 1, 1, 12),
        {"interval": "5 days", "origin": "2030-01-01T12:00:00"},
        length=timedelta(days=5),
    ),
    "ninety_minutes": Bin(
        datetime(2023, 7, 1, 0, 10),
        {"interval": "90 minutes", "origin": "2023-07-01T00:10:00"},
        length=timedelta(minutes=90),
    ),
    "quarter_hour": Bin(datetime(1970, 1, 1), {"interval": "15 minutes"}, length=timedelta(minutes=15)),
}

NAMES = (*GRANULARITIES, *BINS)
"""All granularities of a time dimension."""

_ABOUT = dict(
    zip(
        GRANULARITIES,
        (timedelta(days=days) for days in (1 / 86400, 1 / 1440, 1 / 24, 1, 7, 30.44, 3 * 30.44, 12 * 30.44)),
        strict=True,
    )
)


def described() -> list[dict[str, Any]]:
    """The ``granularities`` of a time dimension in the model."""
    return [{"name": name, **each.described} for name, each in BINS.items()]


def about(granularity: str) -> timedelta:
    """How long its bins are, to tell the finer of two."""
    return BINS[granularity].about if granularity in BINS else _ABOUT[granularity]


def floor(civil: datetime, granularity: str) -> datetime:
    """``civil`` at the start of its unit or bin."""
    found = BINS.get(granularity)
    if found is None:
        return builtin_floor(civil, granularity)
    if not found.months:
        return found.origin + (civil - found.origin) // found.length * found.length
    steps = ((civil.year - found.origin.year) * 12 + civil.month - found.origin.month) // found.months
    while after(found, steps) > civil:
        steps -= 1
    while after(found, steps + 1) <= civil:
        steps += 1
    return after(found, steps)


def after(bin: Bin, steps: int) -> datetime:
    """The origin and so many times the months, on its day or the last one of a shorter month."""
    return add_months(bin.origin, steps * bin.months)


def following(start: datetime, granularity: str) -> datetime:
    """The start of the bin after the one that begins at ``start``."""
    found = BINS.get(granularity)
    if granularity == "second":
        return start + timedelta(seconds=1)
    if found is None:
        return Span(1, granularity).after(start)
    if not found.months:
        return start + found.length
    steps = ((start.year - found.origin.year) * 12 + start.month - found.origin.month) // found.months
    return next(each for step in range(steps - 1, steps + 3) if (each := after(found, step)) > start)
