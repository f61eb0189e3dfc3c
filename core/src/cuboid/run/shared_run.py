"""One run that several callers share, and what the queue has promised to them."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal

from cuboid.types import Job, Result

Phase = Literal["queued", "running", "stopping", "over"]


Party = tuple[str, str]
"""Who asks: the owner and the id of the request."""

ANONYMOUS: Party = ("", "")
"""All those whose request has no id that stays the same when they come back."""


def party(job: Job) -> Party:
    """Who asks with this job."""
    return (job.owner, job.request) if job.request else ANONYMOUS


@dataclass(eq=False, slots=True)
class Caller:
    """Somebody who waits for a run.

    :param woken: done once there is nothing to wait for any more.
    :param withdrawn: the caller's request was cancelled.
    :param redeemed: whose promise the caller redeemed, if any.
    """

    party: Party
    woken: asyncio.Future[None]
    withdrawn: bool = False
    redeemed: Party | None = None

    async def wait(self, seconds: float) -> None:
        """Waits until the caller is woken, but ``seconds`` at the most."""
        timer = self.woken.get_loop().call_later(seconds, self.wake)
        try:
            await self.woken
        finally:
            timer.cancel()

    def wake(self) -> None:
        """Ends the wait; harmless when repeated."""
        if not self.woken.done():
            self.woken.set_result(None)


@dataclass(eq=False, slots=True)
class SharedRun:
    """A job on its way through a queue; touched by the event loop only.

    Telling a caller ``Pending`` makes one promise, to its party. The next submit of the key redeems one: of that party,
    else of those without an id, else of the same owner, whose proxy may name each request anew. A caller that is
    cancelled gives back what it redeemed: it may have been a stranger, and somebody else still counts on the outcome.

    :param age: smaller for runs that were asked for earlier.
    :param line: priority and tenant with which it waits, and ``round`` its owner's turn among those.
    :param ended: the outcome is known, which for a stopped run is before the driver lets go.
    :param callers: those who wait now.
    :param promised: how many callers of each party were told ``Pending`` and have not come back.
    :param told: whether any caller ever was told ``Pending``.
    :param priorities: with which priority each party asked last.
    """

    job: Job
    age: int
    ended: bool = False
    line: tuple[int, str] = (0, "")
    round: int = 0
    phase: Phase = "queued"
    result: Result | None = None
    error: Exception | None = None
    callers: set[Caller] = field(default_factory=set)
    promised: Counter[Party] = field(default_factory=Counter)
    told: bool = False
    priorities: dict[Party, int] = field(default_factory=dict)
    started: float = 0.0
    added_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    started_at: datetime | None = None
    task: asyncio.Task[None] | None = None
    timer: asyncio.TimerHandle | None = None
    """Ends the current phase: the job's timeout while running, the grace while stopping."""
    neglect: asyncio.TimerHandle | None = None
    """Fires when nobody has asked for too long: an orphan is stopped, a kept outcome is forgotten."""

    @property
    def owed(self) -> int:
        """Promises that were not redeemed."""
        return self.promised.total()

    def join(self, job: Job) -> Caller:
        """One more caller, who asks with ``job``."""
        caller = Caller(party(job), asyncio.get_running_loop().create_future())
        of_owner = (each for each in list(self.promised) if each[0] == job.owner)
        for owed_to in (caller.party, ANONYMOUS, *of_owner):
            if self.promised[owed_to] > 0:
                self.promised[owed_to] -= 1
                caller.redeemed = owed_to
                break
        self.callers.add(caller)
        self.priorities[caller.party] = job.priority
        if not self.ended:
            self.clear_neglect()
        return caller

    def promise(self, caller: Caller) -> None:
        """The caller goes away with ``Pending``."""
        self.callers.discard(caller)
        self.promised[caller.party] += 1
        self.told = True

    def leave(self, caller: Caller) -> None:
        """The caller was cancelled while it waited."""
        self.callers.discard(caller)
        if caller.redeemed is not None and not self.ended:
            self.promised[caller.redeemed] += 1

    def is_asked_by(self, party: Party) -> bool:
        """Whether a caller of the party waits for the run, or was told to come back."""
        return self.promised[party] > 0 or any(each.party == party for each in self.callers)

    def job_of(self, party: Party) -> Job:
        """The job as the party asked for it, which may share the run with somebody else's."""
        owner, request = party
        return replace(self.job, owner=owner, request=request, priority=self.priorities[party])

    def withdraw(self, party: Party) -> bool:
        """The party's callers wait no longer; whether the run is left with nobody who wants it."""
        del self.promised[party]
        mine = {each for each in self.callers if each.party == party}
        if self.callers == mine and not self.owed:
            return True
        for caller in mine:
            caller.withdrawn = True
            caller.wake()
        return False

    def settle(self, result: Result | None, error: Exception | None) -> None:
        """The outcome is known."""
        self.result, self.error = result, error
        self.clear_neglect()
        self.ended = True
        for caller in self.callers:
            caller.wake()

    def outcome(self) -> Result:
        """The result, or the error raised; only when ``ended``."""
        if self.error is not None:
            # Raised once per caller: without this, each would add its frames to one growing traceback.
            raise self.error.with_traceback(None)
        assert self.result is not None
        return self.result

    def clear_timer(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None

    def clear_neglect(self) -> None:
        if self.neglect is not None:
            self.neglect.cancel()
            self.neglect = None
