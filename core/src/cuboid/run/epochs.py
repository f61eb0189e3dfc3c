"""Which data has been said to have changed: in this process, or in any of those that share an exchange.

An epoch is a number that is another one after each time. What others have said is known with a bound: whatever is told
from memory, the exchange was asked at most :data:`TRUSTED_FOR` before, and whoever says that data has changed is
answered that much later. So after that answer no process tells what was found out before, unless the exchange cannot be
reached; then each process knows what was said to itself, and says it to the others when the exchange is back.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime

from cuboid.run.exchange import Counts
from cuboid.run.link import Link

TRUSTED_FOR = 0.5
"""Seconds for which what the exchange has said is relied on."""

Forget = Callable[[Mapping[str, datetime]], None]
"""Forgets what was found out of these cubes before; the moments are aware."""


class Epochs:
    """Counts, by cube.

    :param link: to other processes, if there are any.
    """

    def __init__(self, link: Link | None = None) -> None:
        self._link = link
        self._counts: Counter[str] = Counter()
        self._trusted_until = 0.0
        self._heard = False
        self.forget: Forget = lambda changes: None
        """Told of cubes whose data has changed, before their epoch is used."""
        self.changes = 0
        """How often the epoch of some cube has become another."""
        if link is not None:
            link.report = self._hear

    def of(self, cubes: Iterable[str]) -> int:
        """Another number after each time that the data of one of the cubes was said to have changed."""
        return sum(self._counts[name] for name in cubes) if self._counts else 0

    def of_all(self) -> int:
        """As :meth:`of`, for all cubes together."""
        return self._counts.total()

    @property
    def trusted(self) -> bool:
        """Whether all that others have said is known, but for what was said just now."""
        return self._link is None or time.monotonic() < self._trusted_until or not self._link.up

    async def refresh(self) -> None:
        """Hears what others have said, if that is not known."""
        for _ in range(2):  # what was asked long before its answer is not relied on
            if not self.trusted and self._link is not None:
                await self._link.beat()

    async def change(self, cubes: Collection[str]) -> bool:
        """The data of these cubes has changed. Returns when all processes know; False if they cannot be told now."""
        self._counts.update(cubes)
        self._changed(dict.fromkeys(cubes, datetime.now(UTC)))
        if self._link is None:
            return True
        self._link.unsaid.update(cubes)
        told = await self._link.beat()
        if self._link.unsaid:  # that began before these were to be said
            told = await self._link.beat()
        if told:
            await asyncio.sleep(TRUSTED_FOR)
        return told

    def _hear(self, counts: Counts, asked_at: float) -> None:
        self._trusted_until = asked_at + TRUSTED_FOR
        new = {name: count for name, count in counts.items() if count > self._counts[name]}
        if new:
            self._counts.update({name: count - self._counts[name] for name, count in new.items()})
            now = datetime.now(
                UTC
            )  # and not the exchange's clock, but for what was said before this process began
            self._changed({name: now if self._heard else _moment(count) for name, count in new.items()})
        self._heard = True
        if self._link is not None:  # what the exchange has forgotten is said again
            self._link.unsaid.update(
                name for name in self._counts if counts.get(name, 0) < self._counts[name]
            )

    def _changed(self, changes: Mapping[str, datetime]) -> None:
        self.changes += 1
        self.forget(changes)


def _moment(count: int) -> datetime:
    """When that was said, as the exchange's numbers tell."""
    return datetime.fromtimestamp(count / 1e6, UTC)
