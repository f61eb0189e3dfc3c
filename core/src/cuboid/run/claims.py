"""Who finds what out, over all processes that share an exchange.

A process that finds something out leads; others follow: they wait for what it puts into the exchange. A lead lasts
while somebody waits here, was told to come back, or follows. A process that dies leads until its claim runs out; then
one of those who follow takes over. Used from one event loop.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
import uuid
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from cuboid.run.exchange import Claim
from cuboid.run.link import Link

log = logging.getLogger(__name__)

RENEWED_EVERY = 1.0
"""Seconds after which a claim is renewed, and after which those who follow look whether it still stands."""

CLAIMED_FOR = 4.0
"""Seconds for which a claim stands that is not renewed: so long nobody takes over what a killed process did."""

PROMISED_FOR = 120.0
"""Seconds for which those are waited for who were told to come back; as long as a queue does."""

StandIn = Callable[[], Coroutine[Any, Any, object]]
"""Finds something out for those who follow."""


@dataclass(eq=False, slots=True)
class Lead:
    """What this process finds out.

    :param run: names this one run, against all processes.
    :param stand_in: for those who follow, while somebody does.
    :param askers: who wait here now; others were told to come back ``until`` then.
    :param wanted: whether somebody follows.
    """

    name: str
    run: str
    stand_in: StandIn
    askers: int = 0
    until: float = 0.0
    wanted: bool = False
    over: bool = False
    nudge: asyncio.Event = field(default_factory=asyncio.Event)
    standing_in: asyncio.Task[object] | None = None
    putting: asyncio.Task[None] | None = None
    """What is to be in the exchange before the lead is over."""

    @property
    def lasts(self) -> bool:
        """Whether somebody still wants it."""
        follow = self.standing_in is not None and not self.standing_in.done()
        return not self.over and (self.askers > 0 or follow or time.monotonic() < self.until)


class Claims:
    """The leads of this process."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._process = uuid.uuid4().hex
        self._numbers = itertools.count()
        self._leads: dict[str, Lead] = {}
        self._claiming: dict[str, asyncio.Task[str]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def lead_of(self, name: str) -> Lead | None:
        """This process's lead."""
        return self._leads.get(name)

    async def enter(self, name: str, stand_in: StandIn) -> Lead | str:
        """Somebody here wants it: this process leads, and they must :meth:`leave`; or another does, in that run."""
        while (lead := self._leads.get(name)) is None:
            task = self._claiming.get(name)
            if task is None:
                task = self._claiming[name] = asyncio.create_task(self._claim(name, stand_in))
            run = await asyncio.shield(task)
            if name not in self._leads:
                return run
        lead.askers += 1
        return lead

    def leave(self, lead: Lead, *, promised: bool = False) -> None:
        """One of those who entered waits no longer.

        :param promised: they were told to come back.
        """
        lead.askers -= 1
        if promised:
            lead.until = time.monotonic() + PROMISED_FOR
        lead.nudge.set()

    def end(self, lead: Lead) -> None:
        """It is found out: who asks from now on begins anew."""
        lead.over = True
        if self._leads.get(lead.name) is lead:
            del self._leads[lead.name]
        lead.nudge.set()

    async def follow(self, name: str, released: asyncio.Event, seconds: float) -> None:
        """Waits until the lead of another process may be over, for so long at most."""
        await self._want(name, RENEWED_EVERY * 3)
        with suppress(TimeoutError):
            async with asyncio.timeout(min(seconds, RENEWED_EVERY)):
                await released.wait()
        released.clear()

    async def promise(self, name: str) -> None:
        """Those who follow here were told to come back."""
        await self._want(name, PROMISED_FOR)

    @contextmanager
    def hearing(self, name: str) -> Iterator[asyncio.Event]:
        """An event that is set when another process's lead is over."""
        released = asyncio.Event()
        self._link.hear(f"released {name}", released.set)
        try:
            yield released
        finally:
            self._link.unhear(f"released {name}", released.set)

    async def close(self) -> None:
        """Gives everything up."""
        for lead in list(self._leads.values()):
            self.end(lead)
        if self._tasks:
            await asyncio.wait(self._tasks)

    # ------------------------------------------------------------ the exchange

    async def _want(self, name: str, seconds: float) -> None:
        await self._link.ask(lambda exchange: exchange.want(name, seconds), None)

    async def _claim(self, name: str, stand_in: StandIn) -> str:
        """Who leads."""
        try:
            lead = Lead(name, f"{self._process}-{next(self._numbers)}", stand_in)
            claim = await self._renewed(lead)
            if claim.holder == lead.run:
                self._leads[name] = lead
                lead.until = time.monotonic() + RENEWED_EVERY  # until somebody enters
                task = asyncio.create_task(self._hold(lead))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            return claim.holder
        finally:
            del self._claiming[name]

    async def _renewed(self, lead: Lead) -> Claim:
        """Without an exchange each process leads."""
        return await self._link.ask(
            lambda exchange: exchange.claim(lead.name, lead.run, CLAIMED_FOR), Claim(lead.run)
        )

    async def _hold(self, lead: Lead) -> None:
        """Keeps the claim for as long as it is wanted."""
        self._link.hear(f"wanted {lead.name}", lead.nudge.set)
        try:
            while lead.lasts:
                with suppress(TimeoutError):
                    async with asyncio.timeout(RENEWED_EVERY):
                        await lead.nudge.wait()
                lead.nudge.clear()
                if lead.over:
                    break
                claim = await self._renewed(lead)
                if claim.holder != lead.run:
                    break  # this process was away for so long that another took over
                lead.wanted = claim.wanted
                self._stand_in(lead)
        finally:
            self._link.unhear(f"wanted {lead.name}", lead.nudge.set)
            if self._leads.get(lead.name) is lead:
                del self._leads[lead.name]
            if lead.standing_in is not None:
                lead.standing_in.cancel()
            if lead.putting is not None:
                await asyncio.wait({lead.putting})
            await self._link.ask(lambda exchange: exchange.release(lead.name, lead.run), None)

    def _stand_in(self, lead: Lead) -> None:
        """Those who follow are waited for like one who waits here."""
        if lead.wanted and lead.standing_in is None:
            lead.standing_in = asyncio.create_task(lead.stand_in())
            lead.standing_in.add_done_callback(lambda done: self._stood_in(lead, done))
        elif not lead.wanted and lead.standing_in is not None:
            lead.standing_in.cancel()
            lead.standing_in = None

    def _stood_in(self, lead: Lead, done: asyncio.Task[object]) -> None:
        if not done.cancelled():
            error = done.exception()  # those who follow find out for themselves what is wrong
            if error is not None:
                log.debug("What others wait for could not be found out: %s", type(error).__name__)
            self.end(lead)
        lead.nudge.set()
