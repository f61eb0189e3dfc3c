"""``BoundedQueue``: so many statements at once, the most urgent first, tenants in turn, one run for equal ones.

A run's life: queued -> running -> over, or, when it is stopped (cancelled, timed out, orphaned), running ->
stopping -> over. Its callers learn the outcome when it is known; a stopped run holds its place until the
driver lets go of it, at most ``abandon_after`` seconds more. Then it is abandoned: its place is given away and
:meth:`BoundedQueue.snapshot` counts it until the driver comes back.

An outcome is kept only for callers that were told to wait and have not come back, at most
``orphaned_after`` seconds; nobody else gets an old answer.

Nothing polls: timers and the ends of runs drive everything, all on one event loop.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from cuboid.errors import ConfigError, QueryCancelled, QueryTimeout, QueueError, QueueFull
from cuboid.run.exchange import Turn
from cuboid.run.queue import QueryQueue, QueueSettings, Runs
from cuboid.run.shared_run import Caller, SharedRun
from cuboid.run.waiting import WaitingList
from cuboid.types import Job, Pending, Result, Withdrawn

log = logging.getLogger(__name__)

HIGHEST_PRIORITY = 10_000

CANCELLED = "The query was cancelled."


@dataclass(frozen=True, slots=True)
class QueueSnapshot:
    """Counts at one moment.

    :param running: runs that hold a place, those being stopped included.
    :param queued: runs waiting for a place.
    :param abandoned: runs whose place was given away, and whose driver call has still not ended.
    :param kept: outcomes kept for callers that were told to wait.
    """

    running: int
    queued: int
    abandoned: int
    kept: int


class BoundedQueue(QueryQueue):
    """A subclass says how many statements its database should run at once, and why."""

    default_limit: ClassVar[int] = 2
    waiting_list: ClassVar[type[WaitingList]] = WaitingList
    """Whose turn it is."""

    def __init__(self, driver: Runs, settings: QueueSettings) -> None:
        self.driver = driver
        self.limit = self.default_limit if settings.limit is None else settings.limit
        self.limit = max(self.limit // settings.sharing, min(self.limit, 1))
        if self.limit < 1:
            raise ConfigError(
                f"A queue needs room for at least one statement, not {self.limit}.", setting="concurrency"
            )
        self._settings = settings
        self._streams = max(self.limit // 2, 1) if settings.streams is None else settings.streams
        self._ages = itertools.count()
        self._runs: dict[str, SharedRun] = {}  # by key: queued, running, or over and kept
        self._waiting = self.waiting_list()
        self._running: set[SharedRun] = set()
        self._abandoned: set[SharedRun] = set()
        self._interrupts: set[asyncio.Task[None]] = set()
        self._closed = False
        self._places = settings.places
        if self._places is not None:
            self._places.attach(self.limit, self._granted)

    async def interrupt(self, job: Job) -> None:
        """This engine's way of stopping a run; the driver's unless overridden."""
        await self.driver.interrupt(job)

    def snapshot(self) -> QueueSnapshot:
        kept = sum(run.ended for run in self._runs.values())
        return QueueSnapshot(len(self._running), len(self._waiting), len(self._abandoned), kept)

    # ------------------------------------------------------------ the contract

    async def submit(self, job: Job, wait: float) -> Result | Pending:
        if not -HIGHEST_PRIORITY <= job.priority <= HIGHEST_PRIORITY:
            raise QueueError("Priority should be between -10000 and 10000")
        if self._closed:
            raise QueryCancelled("The data source is closed.")
        run = self._runs.get(job.key) or self._admit(job)
        caller = run.join(job)
        self._move_up(run, job)
        try:
            if not run.ended:
                await caller.wait(max(wait, 0.0))
        except asyncio.CancelledError:
            run.leave(caller)
            if not run.ended:
                self._watch_orphan(run)
            raise
        if not run.ended and not caller.withdrawn:
            return self._promise(run, caller)
        run.callers.discard(caller)
        if caller.withdrawn and not run.ended:
            self._watch_orphan(run)
            raise QueryCancelled(CANCELLED)
        self._forget_unless_owed(run)
        return run.outcome()

    async def cancel(self, key: str) -> bool:
        run = self._runs.get(key)
        if run is None or run.ended:
            return False
        self._stop(run, QueryCancelled(CANCELLED))
        return True

    async def withdraw(self, owner: str, request: str) -> list[Withdrawn]:
        withdrawn: list[Withdrawn] = []
        asked = [run for run in self._runs.values() if request and run.is_asked_by((owner, request))]
        for run in sorted(asked, key=lambda run: run.age):
            nobody_left = run.withdraw((owner, request))
            if run.ended:
                self._forget_unless_owed(run)
                continue
            if nobody_left:
                self._stop(run, QueryCancelled(CANCELLED))
            job = run.job_of((owner, request))
            withdrawn.append(Withdrawn(job, run.added_at, run.started_at, stopped=nobody_left))
        return withdrawn

    async def close(self) -> None:
        self._closed = True
        for run in list(self._runs.values()):
            if run.ended:
                self._forget(run)
            else:
                self._stop(run, QueryCancelled("The data source is closed."))
        tasks = {run.task for run in self._running | self._abandoned if run.task is not None}
        if tasks:
            _, deaf = await asyncio.wait(tasks, timeout=self._settings.abandon_after)
            left = deaf | self._interrupts
            for task in left:
                task.cancel()
            if left:
                await asyncio.wait(left, timeout=1.0)
        if self._places is not None:
            await self._places.close()

    # ------------------------------------------------------------ callers

    def _promise(self, run: SharedRun, caller: Caller) -> Pending:
        """One caller goes away with :class:`Pending`."""
        run.promise(caller)
        self._watch_orphan(run)
        if run.phase == "queued":
            return Pending(f"#{self._waiting.position(run)} in queue")
        return Pending("Executing query", asyncio.get_running_loop().time() - run.started)

    def _watch_orphan(self, run: SharedRun) -> None:
        if run.callers:
            return
        if run.told:
            loop = asyncio.get_running_loop()
            run.neglect = loop.call_later(self._settings.orphaned_after, self._stop_orphan, run)
        else:
            self._stop_orphan(run)

    def _stop_orphan(self, run: SharedRun) -> None:
        self._stop(run, QueryCancelled("The query was cancelled: nobody asks for it any more."))

    # ------------------------------------------------------------ places

    def _admit(self, job: Job) -> SharedRun:
        if self._places is not None or len(self._running) >= self.limit:
            self._check_room(job)
        run = SharedRun(job, next(self._ages))
        self._runs[job.key] = run
        self._waiting.add(run, job)
        self._fill_places()
        return run

    def _check_room(self, job: Job) -> None:
        """Raises :class:`QueueFull` if no more may wait, or no more of this owner or tenant."""
        waiting = self._settings.waiting
        waits = len(self._waiting)
        if self._places is not None:  # to be granted a place takes a moment, in which one waits as well
            waits -= max(self.limit - len(self._running), 0)
        if waits >= waiting:
            raise QueueFull(
                f"Too many queries are waiting for the database ({waits}).",
                hint="Ask again later, or raise the data source's concurrency.",
            )
        share = max(waiting // 2, 1)
        if waits < share:
            return
        own = sum(run.job.owner == job.owner for run in self._waiting) if job.owner else 0
        theirs = sum(run.job.tenant == job.tenant for run in self._waiting) if job.tenant else 0
        if max(own, theirs) >= share:
            raise QueueFull(
                f"Too many of your queries are waiting for the database ({max(own, theirs)}).",
                hint="Ask again when some of them are answered.",
            )

    def _move_up(self, run: SharedRun, job: Job) -> None:
        if run.phase == "queued":
            self._waiting.move_up(run, job)
            if self._places is not None:
                self._fill_places()

    def _may_run(self, run: SharedRun) -> bool:
        """Streams, which may take an hour, have a part of the places only."""
        streams = self._streams if self._places is None else max(self._streams // self._places.processes, 1)
        return not run.job.stream or sum(each.job.stream for each in self._running) < streams

    def _fill_places(self) -> None:
        if self._places is None:
            while len(self._running) < self.limit and self._start():
                pass
        else:
            first = self._waiting.first(self._may_run)
            turn = None if first is None else Turn(*first.line, first.job.id)
            self._places.tell(len(self._running), turn)

    def _granted(self) -> None:
        """There is a place for one more, of those that processes share."""
        self._start()
        self._fill_places()

    def _start(self) -> bool:
        """Starts the run whose turn it is, if any may run."""
        run = self._waiting.pop(self._may_run)
        if run is None:
            return False
        loop = asyncio.get_running_loop()
        run.phase = "running"
        run.started = loop.time()
        run.started_at = datetime.now(UTC)
        run.timer = loop.call_later(run.job.timeout, self._time_out, run)
        self._running.add(run)
        run.task = loop.create_task(self._execute(run))
        return True

    async def _execute(self, run: SharedRun) -> None:
        try:
            if run.ended:
                return  # stopped before its first step
            result = await self.driver.execute(run.job)
            self._settle(run, result, None)
        except asyncio.CancelledError:
            self._settle(run, None, QueryCancelled(CANCELLED))
            raise
        except Exception as error:  # around the plugin's call: whatever it is, the callers must learn of it
            self._settle(run, None, error)
        finally:
            run.clear_timer()
            run.phase = "over"
            self._running.discard(run)
            self._abandoned.discard(run)
            self._fill_places()

    # ------------------------------------------------------------ outcomes

    def _settle(self, run: SharedRun, result: Result | None, error: Exception | None) -> None:
        """The outcome of a run that went its way; one that was stopped has its outcome already."""
        if run.ended:
            return
        run.settle(result, error)
        if run.owed:
            loop = asyncio.get_running_loop()
            run.neglect = loop.call_later(self._settings.orphaned_after, self._forget, run)
        else:
            self._forget(run)

    def _forget(self, run: SharedRun) -> None:
        """The key is free: asking for it again starts a new run."""
        run.clear_neglect()
        if self._runs.get(run.job.key) is run:
            del self._runs[run.job.key]

    def _forget_unless_owed(self, run: SharedRun) -> None:
        if not run.owed:
            self._forget(run)

    # ------------------------------------------------------------ stopping

    def _time_out(self, run: SharedRun) -> None:
        """As :meth:`_stop`, but callers that were told to wait shall learn why."""
        message = f"Query execution timeout after {_duration(run.job.timeout)} of waiting"
        self._settle(run, None, QueryTimeout(message))
        self._let_go(run)

    def _stop(self, run: SharedRun, error: QueryCancelled) -> None:
        """Ends a run that has no outcome yet, for its callers at once, for the database as soon as it can."""
        run.settle(None, error)
        self._forget(run)
        if run.phase == "queued":
            self._waiting.remove(run)
            run.phase = "over"
            if self._places is not None:
                self._fill_places()
        else:
            self._let_go(run)

    def _let_go(self, run: SharedRun) -> None:
        loop = asyncio.get_running_loop()
        run.clear_timer()
        run.phase = "stopping"
        run.timer = loop.call_later(self._settings.abandon_after, self._abandon, run)
        task = loop.create_task(self._interrupt(run.job))
        self._interrupts.add(task)
        task.add_done_callback(self._interrupts.discard)

    async def _interrupt(self, job: Job) -> None:
        try:
            async with asyncio.timeout(self._settings.abandon_after):
                await self.interrupt(job)
        except Exception as error:  # around the plugin's call: the grace will end the run all the same
            log.warning("%s: interrupting run %s failed: %s", self.driver.name, job.id, type(error).__name__)

    def _abandon(self, run: SharedRun) -> None:
        """The driver ignores the interrupt: its call goes on, but others need the place."""
        log.warning("%s: run %s ignores its interrupt and is abandoned", self.driver.name, run.job.id)
        self._running.discard(run)
        self._abandoned.add(run)
        self._fill_places()


def _duration(seconds: float) -> str:
    """``10 min``, as Cube words it, or ``90 s`` where minutes would not be whole."""
    return f"{seconds / 60:g} min" if seconds >= 60 and seconds % 60 == 0 else f"{seconds:g} s"
