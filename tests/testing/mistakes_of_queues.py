"""Mistakes in queues."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools

from tests.testing.seeding import Mistake

from cuboid.errors import QueryFailed
from cuboid.run.waiting import WaitingList
from cuboid.types import Pending
from cuboid_duckdb.queue import DuckDBQueue

NUMBERS = itertools.count()


def unlimited(self, driver, settings):
    DuckDBQueue.__init__(self, driver, dataclasses.replace(settings, limit=10_000))


def own_limit(self, driver, settings):
    DuckDBQueue.__init__(self, driver, dataclasses.replace(settings, limit=None))


class NewestFirst(WaitingList):
    def _put(self, run, line, round, owner):
        super()._put(run, line, -run.age, owner)


class NoPriority(WaitingList):
    def add(self, run, job):
        super().add(run, dataclasses.replace(job, priority=0))

    def move_up(self, run, job):
        pass


class OneLine(WaitingList):
    """First come, first served, whoever it is."""

    def add(self, run, job):
        super().add(run, dataclasses.replace(job, owner="", tenant=""))

    def move_up(self, run, job):
        pass


class OwnersAlone(WaitingList):
    """A tenant of many gets more than one of few."""

    def add(self, run, job):
        super().add(run, dataclasses.replace(job, tenant=""))


async def anybody_withdraws(self, owner, request):
    owners = {run.job.owner for run in self._runs.values()}
    return [each for owner in owners for each in await DuckDBQueue.withdraw(self, owner, request)]


async def unshared(self, job, wait):
    return await DuckDBQueue.submit(self, dataclasses.replace(job, key=f"{next(NUMBERS)}"), wait)


async def remembered(self, job, wait):
    known = vars(self).setdefault("answers", {})
    if job.key not in known:
        answer = await DuckDBQueue.submit(self, job, wait)
        if isinstance(answer, Pending):
            return answer
        known[job.key] = answer
    return known[job.key]


async def leaver_takes_all(self, job, wait):
    try:
        return await DuckDBQueue.submit(self, job, wait)
    except asyncio.CancelledError:
        await self.cancel(job.key)
        raise


async def patient(self, job, wait):
    return await DuckDBQueue.submit(self, dataclasses.replace(job, timeout=1e6), wait)


async def always_waits(self, job, wait):
    return await DuckDBQueue.submit(self, job, 1e6)


async def uninterrupted(self, job):
    pass


async def cancel_nothing(self, key):
    return False


async def cancel_later(self, key):
    """The database is told; who waits learns of it when the run ends."""
    run = self._runs.get(key)
    if run is None:
        return False
    await self.interrupt(run.job)
    return True


async def close_softly(self):
    self._closed = True


async def open_for_ever(self):
    await DuckDBQueue.close(self)
    self._closed = False


async def failures_of_its_own(self, job, wait):
    try:
        return await DuckDBQueue.submit(self, job, wait)
    except QueryFailed:
        raise RuntimeError("the query failed") from None


def no_orphans(self, run):
    if not run.told:
        self._stop_orphan(run)


def for_ever(self, run):
    pass


MISTAKES = [
    Mistake("the queue ignores its limit", ("limit_says",), queue={"__init__": unlimited}),
    Mistake("the queue has its own limit only", ("limit_says",), queue={"__init__": own_limit}),
    Mistake("the newest is first", ("most_urgent",), queue={"waiting_list": NewestFirst}),
    Mistake("priorities are ignored", ("most_urgent",), queue={"waiting_list": NoPriority}),
    Mistake("who asks for much is served alone", ("take_turns",), queue={"waiting_list": OneLine}),
    Mistake("a tenant of many is served more", ("tenants_take_turns",), queue={"waiting_list": OwnersAlone}),
    Mistake("strangers cancel", ("only_its_owner",), queue={"withdraw": anybody_withdraws}),
    Mistake("equal questions run twice", ("equal_keys", "ten_callers"), queue={"submit": unshared}),
    Mistake("answers are kept for ever", ("equal_keys",), queue={"submit": remembered}),
    Mistake("who leaves stops the others' run", ("caller_that_leaves",), queue={"submit": leaver_takes_all}),
    Mistake("timeouts are ignored", ("takes_too_long",), queue={"submit": patient}),
    Mistake("callers are kept waiting", ("does_not_wait",), queue={"submit": always_waits}),
    Mistake(
        "what is stopped is not told the database", ("takes_too_long",), queue={"interrupt": uninterrupted}
    ),
    Mistake("cancelling finds nothing", ("cancelling_interrupts",), queue={"cancel": cancel_nothing}),
    Mistake(
        "a cancelled query is a failed query", ("cancelling_interrupts",), queue={"cancel": cancel_later}
    ),
    Mistake("closing stops nothing", ("closed_queue",), queue={"close": close_softly}),
    Mistake("a closed queue takes jobs", ("closed_queue",), queue={"close": open_for_ever}),
    Mistake("errors change on their way", ("error_reaches",), queue={"submit": failures_of_its_own}),
    Mistake("orphans run for ever", ("nobody_polls",), queue={"_watch_orphan": no_orphans}),
    Mistake("a deaf run keeps its place", ("ignores_its_interrupt",), queue={"_abandon": for_ever}),
]
