"""One run that several callers share, and what the queue has promised to them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Literal

from cuboid.types import Job, Result

Phase = Literal["queued", "running", "stopping", "over"]


@dataclass(eq=False, slots=True)
class SharedRun:
    """A job on its way through a queue; touched by the event loop only.

    Callers are anonymous, so promises are counted, not attributed: telling a caller ``Pending`` makes one
    promise, the next submit of the key redeems one. A caller that is cancelled gives back what it redeemed:
    it may have been a stranger, and somebody else still counts on the outcome.

    :param order: the place in the queue, smallest first: (-priority, age).
    :param ended: done when the outcome is known, which for a stopped run is before the driver lets go.
    :param askers: callers waiting now.
    :param owed: callers that were told ``Pending`` and have not come back.
    :param told: whether any caller ever was told ``Pending``.
    """

    job: Job
    order: tuple[int, int]
    ended: asyncio.Future[None]
    phase: Phase = "queued"
    result: Result | None = None
    error: Exception | None = None
    askers: int = 0
    owed: int = 0
    told: bool = False
    started: float = 0.0
    task: asyncio.Task[None] | None = None
    timer: asyncio.TimerHandle | None = None
    """Ends the current phase: the job's timeout while running, the grace while stopping."""
    neglect: asyncio.TimerHandle | None = None
    """Fires when nobody has asked for too long: an orphan is stopped, a kept outcome is forgotten."""

    def join(self) -> bool:
        """One more caller; whether it redeemed a promise."""
        self.askers += 1
        redeems = self.owed > 0
        self.owed -= redeems
        if not self.ended.done():
            self.clear_neglect()
        return redeems

    def settle(self, result: Result | None, error: Exception | None) -> None:
        """The outcome is known."""
        self.result, self.error = result, error
        self.clear_neglect()
        self.ended.set_result(None)

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
