"""The places of a data source that all processes share: so many statements at once, over all of them.

A queue has no place of its own then. It tells how many statements it runs and which would be next, and starts one for
each place that it is granted; what has ended is given back. While the exchange cannot be reached each process takes its
part of the limit: divided by the processes that there were, one at least; so it does until all have told an exchange
that is back. Used from one event loop.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable

from cuboid.run.exchange import Turn
from cuboid.run.link import Link

SETTLED_AFTER = 2.5
"""Seconds after which an exchange that is back knows what all processes run: they have found it out and told."""

TOLD_EVERY = 1.0
"""Seconds after which what runs is told again: the exchange may have forgotten, or a free place not been heard of."""


class SharedPlaces:
    """One process's places in one data source.

    :param source: all that tells it from others, in whichever process.
    """

    def __init__(self, link: Link, source: str) -> None:
        self._link = link
        self._source = hashlib.blake2b(source.encode("utf-8", "surrogatepass"), digest_size=20).hexdigest()
        self._limit = 0
        self._granted: Callable[[], None] = lambda: None
        self._running = 0
        self._turn: Turn | None = None
        self._known: int | None = None
        """How many places of this process the exchange knows of."""
        self._processes = 1
        self._news = asyncio.Event()
        self._keeping: asyncio.Task[None] | None = None

    def attach(self, limit: int, granted: Callable[[], None]) -> None:
        """A queue uses these places, and starts a statement whenever ``granted`` is called."""
        self._limit = limit
        self._granted = granted

    @property
    def processes(self) -> int:
        """How many share the places, as far as is known."""
        return max(self._processes, self._link.figures.processes)

    def tell(self, running: int, turn: Turn | None) -> None:
        """So many statements run, and this one would be next."""
        if (running, turn) != (self._running, self._turn):
            self._running, self._turn = running, turn
            self._news.set()
            if self._keeping is None:
                self._keeping = asyncio.create_task(self._keep())

    async def close(self) -> None:
        """Gives all places back."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.wait({self._keeping})
            await self._link.ask(lambda exchange: exchange.share(self._source, self._limit, 0, None), None)

    async def _keep(self) -> None:
        topic = f"places {self._source}"
        self._link.hear(topic, self._news.set)
        try:
            while True:
                self._news.clear()
                if self._turn is not None or self._running != self._known:
                    await self._ask()
                busy = self._turn is not None or self._running > 0
                try:
                    async with asyncio.timeout(TOLD_EVERY if busy else None):
                        await self._news.wait()
                except TimeoutError:
                    self._known = None
        finally:
            self._link.unhear(topic, self._news.set)

    async def _ask(self) -> None:
        running, turn = self._running, self._turn
        part = max(self._limit // self.processes, 1)
        settling = time.monotonic() < self._link.back_at + SETTLED_AFTER
        told = None if settling and running >= part else turn
        share = await self._link.ask(
            lambda exchange: exchange.share(self._source, self._limit, running, told), None
        )
        if share is None:
            self._known = None
            granted = turn is not None and running < part
        else:
            self._known = share.places
            granted = share.places > running
            if not settling:
                self._processes = share.processes
        if granted:
            self._granted()
