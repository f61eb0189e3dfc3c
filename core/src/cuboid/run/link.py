"""The link of this process to the others, through an exchange.

No request fails or hangs since an exchange does: each question waits for :data:`ANSWERS_WITHIN` at most, and while the
exchange cannot be reached none is asked, but for one a second that finds out whether it is back. Used from one event
loop; nothing is opened before the first use.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from cuboid.run.exchange import Counts, Exchange

log = logging.getLogger(__name__)

ANSWERS_WITHIN = 1.0
"""Seconds that a question to the exchange may take. Longer than its answer to large ones takes, far shorter than what
a request waits for a statement."""

BEAT_EVERY = 1.0
"""Seconds between two signs of life; also between two attempts to reach an exchange that is away."""

WITHDRAW = "withdraw"
"""The kind of announcement that has an owner and a request, as JSON."""

T = TypeVar("T")


@dataclass(slots=True)
class LinkFigures:
    """Counts of one link.

    :param up: whether the exchange could be reached last time.
    :param losses: how often it could no longer be.
    :param processes: that were alive when it could be reached last.
    :param answers: of any process that were found in it.
    """

    up: bool = True
    losses: int = 0
    processes: int = 1
    answers: int = 0


class Link:
    """Asks the exchange.

    :param processes: how many there are at least, before the exchange has told.
    """

    def __init__(self, exchange: Exchange, *, processes: int = 1) -> None:
        self._exchange = exchange
        self.figures = LinkFigures(processes=processes)
        self.report: Callable[[Counts, float], None] = lambda counts, asked_at: None
        """Told what has been said of data, and when the exchange was asked, by a clock that never goes back."""
        self.withdrawn: Callable[[str, str], None] = lambda owner, request: None
        """Told of requests that nobody waits for any more, though this process may still do so."""
        self.unsaid: set[str] = set()
        """Cubes whose data has changed, which the exchange is still to be told."""
        self.back_at = float("-inf")
        """When the exchange was last found to be back, by a clock that never goes back."""
        self._hearers: dict[str, set[Callable[[], None]]] = defaultdict(set)
        self._tasks: list[asyncio.Task[None]] = []
        self._asking: set[asyncio.Task[Any]] = set()
        self._beating: asyncio.Task[bool] | None = None

    @property
    def up(self) -> bool:
        """Whether the exchange can be reached, as far as is known."""
        return self.figures.up

    async def ask(self, question: Callable[[Exchange], Awaitable[T]], otherwise: T) -> T:
        """What the exchange answers; ``otherwise`` if it cannot be reached."""
        self._begin()
        if not self.up:
            return otherwise
        # By a task of its own: whoever is cancelled leaves no connection in the midst of an answer.
        task = asyncio.create_task(self._ask(question, otherwise))
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)
        return await asyncio.shield(task)

    async def beat(self) -> bool:
        """Says that this process lives, and which data has changed, and hears what others said; all who want that at
        one time do it once. False if the exchange cannot be reached."""
        self._begin()
        if self._beating is None:
            self._beating = asyncio.create_task(self._beat())
            self._beating.add_done_callback(self._beaten)
        return await asyncio.shield(self._beating)

    def hear(self, topic: str, heard: Callable[[], None]) -> None:
        """Calls ``heard`` when the topic is announced, and when the exchange is back after it was away."""
        self._hearers[topic].add(heard)

    def unhear(self, topic: str, heard: Callable[[], None]) -> None:
        """Ends :meth:`hear`."""
        self._hearers[topic].discard(heard)
        if not self._hearers[topic]:
            del self._hearers[topic]

    async def withdraw(self, owner: str, request: str) -> None:
        """Tells all processes, this one too, that nobody waits for that request any more."""
        topic = f"{WITHDRAW} {json.dumps([owner, request])}"
        await self.ask(lambda exchange: exchange.announce(topic), None)

    async def close(self) -> None:
        """Hangs up."""
        tasks = [*self._tasks, *([self._beating] if self._beating else [])]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait({*tasks, *self._asking})
            await self._ask(lambda exchange: exchange.close(), None)

    # ------------------------------------------------------------ the exchange

    async def _ask(self, question: Callable[[Exchange], Awaitable[T]], otherwise: T) -> T:
        try:
            async with asyncio.timeout(ANSWERS_WITHIN):
                answer = await question(self._exchange)
        except Exception as error:  # around the plugin's call: whatever it is, this process goes on alone
            if self.up:
                self.figures.up = False
                self.figures.losses += 1
                log.warning(
                    "The exchange '%s' cannot be reached (%s): this process goes on alone until it is back.",
                    self._exchange.name,
                    type(error).__name__,
                )
            return otherwise
        if not self.up:
            self.figures.up = True
            self.back_at = time.monotonic()
            log.warning("The exchange '%s' is back.", self._exchange.name)
            for hearers in list(self._hearers.values()):
                for heard in list(hearers):
                    heard()
        return answer

    def _begin(self) -> None:
        if not self._tasks:
            self._tasks = [asyncio.create_task(work()) for work in (self._live, self._listen)]

    async def _live(self) -> None:
        while True:
            await self.beat()
            await asyncio.sleep(BEAT_EVERY)

    def _beaten(self, task: asyncio.Task[bool]) -> None:
        self._beating = None

    async def _beat(self) -> bool:
        said = frozenset(self.unsaid)
        if said:
            told = await self._ask(lambda exchange: _said(exchange, said), False)
            if not told:
                return False
            self.unsaid -= said
        asked_at = time.monotonic()
        told_of = await self._ask(lambda exchange: exchange.beat(), None)
        if told_of is None:
            return False
        self.figures.processes, counts = told_of
        self.report(counts, asked_at)
        return True

    async def _listen(self) -> None:
        while True:
            try:
                await self._exchange.listen(self._heard)
            except Exception as error:  # around the plugin's call; what is not heard is looked for too
                log.debug("Listening to the exchange ended: %s", type(error).__name__)
            await asyncio.sleep(BEAT_EVERY)

    def _heard(self, topic: str) -> None:
        kind, _, rest = topic.partition(" ")
        if kind == WITHDRAW:
            self.withdrawn(*json.loads(rest))
        for heard in list(self._hearers.get(topic, ())):
            heard()


async def _said(exchange: Exchange, cubes: frozenset[str]) -> bool:
    await exchange.changed(cubes)
    return True
