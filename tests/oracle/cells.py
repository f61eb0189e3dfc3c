"""What the cells of generated tables hold: few values, so that they meet; awkward ones, so that it matters."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import TypeVar

from hypothesis import strategies as st
from tests.oracle.expressions import Value
from tests.oracle.times import transitions, wall
from tests.oracle.world import ColumnType

T = TypeVar("T")

ZONES = (
    "UTC",
    "America/New_York",
    "Europe/Berlin",
    "Asia/Kathmandu",  # +05:45
    "Australia/Lord_Howe",  # half an hour of DST
    "America/St_Johns",
    "Pacific/Chatham",  # +12:45
    "Pacific/Apia",  # skipped 2011-12-30 altogether
    "Africa/Casablanca",  # negative DST
    "Europe/Dublin",
    "America/Havana",  # changes at midnight: some days begin at 01:00
    "Africa/Cairo",
    "Asia/Beirut",
)

TEXTS = ("", "a", "A", "b", "ab", "Éa", "é", "100%", "a_b", "a%b", "\\", "a\\b", "o'neil", "😀", " x", "{n}")
LITERAL_TEXTS = ("n", "it's", "100%", "é", "A", "{}")
INTEGERS = (-3, 0, 1, 2, 3, 5, 12)
DECIMALS = tuple(map(Decimal, ("0.10", "0.20", "0.30", "1.05", "-2.50", "99.99", "0.00")))
KEY_NUMBERS = (1, 2, 3, 4, 5, 6, 7, 12)
KEY_TEXTS = ("1", "2", "3", "12", "23", "a", "A", "")

YEARS = (datetime(2023, 1, 1), datetime(2024, 1, 1))
EXTRA_INSTANTS = (
    datetime(1969, 12, 31, 23, 59, 59, 999000),
    datetime(1970, 1, 5),
    datetime(2000, 2, 29, 12, 30),
    datetime(2011, 12, 29, 23, 59),
    datetime(2011, 12, 30, 9, 59, 59),
    datetime(2011, 12, 30, 10, 0),
    datetime(2011, 12, 31, 12, 0),
    datetime(2023, 12, 31, 23, 59, 59, 999000),
    datetime(2024, 1, 1),
    datetime(2024, 2, 29, 5, 15),
)


@lru_cache
def changes_of(zone: str) -> tuple[datetime, ...]:
    """The offset changes of the year that most times lie in."""
    return tuple(transitions(zone, *YEARS, timedelta(days=1)))


@lru_cache
def instants(zone: str) -> tuple[datetime, ...]:
    """Naive UTC datetimes around the offset changes of ``zone`` and its midnights."""
    shifts = [timedelta(milliseconds=-1), timedelta(0), timedelta(minutes=-45), timedelta(minutes=45)]
    changes = changes_of(zone) or [datetime(2023, 6, 1, 3)]
    around = [change + shift for change in changes for shift in shifts]
    around += [_midnight(zone, change) for change in changes]
    return tuple(dict.fromkeys([*around, *EXTRA_INSTANTS]))


def _midnight(zone: str, instant: datetime) -> datetime:
    """The instant at which the civil day of ``instant`` began, were its offset constant."""
    civil = wall(instant, zone)
    return instant - (civil - civil.replace(hour=0, minute=0, second=0, microsecond=0))


@lru_cache
def civil_times(zone: str) -> tuple[datetime, ...]:
    """Wall-clock times in ``zone`` worth asking about: those of the cells, and of the hour that was skipped."""
    shown = [wall(instant, zone) for instant in instants(zone)]
    skipped = [wall(t, zone) + timedelta(minutes=m) for t in changes_of(zone) for m in (-30, 30)]
    return tuple(dict.fromkeys(shown + skipped))


@lru_cache
def pool(type: ColumnType, zone: str) -> tuple[Value, ...]:
    """What the cells of a column are taken from, about one in six NULL; the first is the simplest."""
    pools: dict[str, tuple[Value, ...]] = {
        "integer": INTEGERS,
        "decimal": DECIMALS,
        "text": TEXTS,
        "boolean": (True, False),
        "timestamp": instants(zone),
        "timestamptz": instants(zone),
        "date": tuple(dict.fromkeys(civil.date() for civil in civil_times(zone))),
    }
    found = pools[type]
    return (*found, *[None] * max(1, len(found) // 6))


@st.composite
def picks(draw: st.DrawFn, pools: Sequence[Sequence[T]]) -> list[T]:
    """One of each pool, by one byte each: a single draw for a whole table, which is what makes worlds cheap."""
    dice = draw(st.binary(min_size=len(pools), max_size=len(pools)))
    return [items[byte % len(items)] for items, byte in zip(pools, dice, strict=True)]


@st.composite
def shuffled(draw: st.DrawFn, items: Sequence[T], size: int | None = None) -> list[T]:
    """So many of the items in any order, by a single draw."""
    dice = random.Random(draw(st.integers(0, 2**20)))
    return dice.sample(items, len(items) if size is None else size)


def dates(zone: str) -> tuple[date, ...]:
    """The civil days of :func:`civil_times`, in order."""
    return tuple(sorted({civil.date() for civil in civil_times(zone)}))


__all__ = ["UTC", "ZONES", "civil_times", "dates", "instants", "picks", "pool", "shuffled"]
