"""Versions of parts: one is out of date when the version that it would get now is another than the one it has."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from cuboid.catalog.intervals import UNITS
from cuboid.query.shifts import moved
from cuboid.run.data_source import DataSource
from cuboid.run.refresh_keys import AskedKey, Clock, RefreshKeys, read_every
from cuboid.run.rollups.parts import Part
from cuboid.run.stored import StoredRollup
from cuboid.types import Interval, Pending

Version = Callable[[StoredRollup, Part], Awaitable[str]]
"""The version that a part has if it is built from now on."""

DEFAULT = Clock(3600)
"""How long a rollup is up to date whose model does not say."""

STABLE = "stable"
"""The version of what never changes any more."""

ASKED_EVERY = 10.0
"""Seconds for which the answer of a key in SQL is good that says no ``every``, as in Cube."""


class Versions:
    """The versions of parts by their refresh keys: keys in SQL are asked of the rollup's data source.

    :param sources: by name.
    """

    def __init__(self, sources: Mapping[str, DataSource]) -> None:
        self._sources = sources
        self._keys = RefreshKeys()

    async def __call__(self, stored: StoredRollup, part: Part) -> str:
        """The version that the part has if it is built from now on. Raises :class:`DriverError`."""
        by_clock = version_at(stored, part, datetime.now(UTC))
        if not stored.keys or by_clock == STABLE:
            return by_clock
        key = stored.refresh_key
        good = read_every(key.every).seconds if key is not None and key.every else ASKED_EVERY
        source = self._sources[stored.data_source]
        asked = [AskedKey(stored.name, source, statement, good) for statement in stored.keys]
        while isinstance(values := await self._keys.values(asked, 60.0), Pending):
            pass
        return hashlib.blake2b(b"\n".join(values), digest_size=8).hexdigest()

    def forget(self) -> None:
        """Asks all keys anew."""
        self._keys.forget()

    async def close(self) -> None:
        """Asks nothing any more."""
        await self._keys.close()


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
    every = key.every if key is not None and key.sql is None else None
    if key is None or every is None:
        return DEFAULT.text(now, stored.zone)
    is_cron = every.count(" ") > 1  # which has a zone of its own
    return read_every(every).text(now, (key.timezone or "UTC") if is_cron else stored.zone)


def after(moment: datetime, length: str | None) -> datetime:
    """``moment`` and a length such as ``7 days``, as the catalog has checked it; the last time there is where that has
    no date."""
    if length is None:
        return moment
    number, unit = length.split(" ")
    one = UNITS[unit.removesuffix("s")]
    try:
        return moved(moment, Interval(int(number) * one.months, int(number) * one.seconds))
    except OverflowError:
        return datetime.max
