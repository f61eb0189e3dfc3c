"""The bounded queue against a plain model of its promises, on random histories of callers and statements."""

from __future__ import annotations

import asyncio
import contextlib
import itertools

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from cuboid.errors import QueryCancelled, QueryFailed
from cuboid.run.bounded import BoundedQueue
from cuboid.run.driver import Driver, DriverConfig
from cuboid.run.queue import QueueSettings
from cuboid.types import Job, Pending, Result, Statement

LIMIT = 2
KEYS = st.sampled_from("abcde")
NEVER = 10_000.0


class Tokens(Driver):
    """Each run returns its own number, so that a caller can tell which run it was given."""

    name = dialect = "tokens"
    Config = DriverConfig
    queue = BoundedQueue

    def __init__(self, config=None):
        self.runs = {}  # job id -> (key, future), in order of their start
        self.interrupted = []

    async def open(self): ...

    async def close(self): ...

    async def execute(self, job):
        future = asyncio.get_running_loop().create_future()
        self.runs[job.id] = (job.key, future)
        try:
            return await future
        finally:
            del self.runs[job.id]

    async def interrupt(self, job):
        self.interrupted.append(job.id)


class QueueHistory(RuleBasedStateMachine):
    """Interrupts are slow here: a run that was told to stop ends when the history says so."""

    def __init__(self):
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.ids = itertools.count()
        self.driver = Tokens()
        self.queue = BoundedQueue(self.driver, QueueSettings(limit=LIMIT, abandon_after=NEVER))
        self.callers = []  # (key, task)
        self.ended = {}  # id of a run -> whether it succeeded

    def go(self, coroutine):
        async def then_settle():
            value = await coroutine
            for _ in range(10):
                await asyncio.sleep(0)
            return value

        return self.loop.run_until_complete(then_settle())

    async def begin(self, key, priority, wait):
        job = Job(str(next(self.ids)), key, Statement(key), priority)
        return asyncio.ensure_future(self.queue.submit(job, wait))

    def live(self):
        return [id for id in self.driver.runs if id not in self.driver.interrupted]

    @rule(key=KEYS, priority=st.integers(-3, 3))
    def ask_and_wait(self, key, priority):
        self.callers.append((key, self.go(self.begin(key, priority, NEVER))))

    @rule(key=KEYS)
    def ask_and_be_told_to_wait(self, key):
        async def ask():
            return await self.queue.submit(Job(str(next(self.ids)), key, Statement(key)), 0)

        with contextlib.suppress(QueryFailed):
            outcome = self.go(ask())
            assert isinstance(outcome, (Pending, Result))
            if isinstance(outcome, Result):
                self.check(key, outcome)

    @precondition(lambda self: self.driver.runs)
    @rule(data=st.data(), succeeds=st.booleans())
    def end(self, data, succeeds):
        id = data.draw(st.sampled_from(sorted(self.driver.runs)))
        key, future = self.driver.runs[id]
        self.ended[id] = succeeds
        if succeeds:
            future.set_result(Result(("key", "id"), [(key, id)], None))
        else:
            future.set_exception(QueryFailed(id))
        self.go(asyncio.sleep(0))

    @rule(key=KEYS)
    def cancel(self, key):
        waiting = [task for asked, task in self.callers if asked == key and not task.done()]
        self.go(self.queue.cancel(key))
        for task in waiting:
            assert isinstance(task.exception(), QueryCancelled)

    @precondition(lambda self: any(not task.done() for _, task in self.callers))
    @rule(data=st.data())
    def leave(self, data):
        open_ = [index for index, (_, task) in enumerate(self.callers) if not task.done()]
        key, leaver = self.callers[data.draw(st.sampled_from(open_))]
        before = set(self.driver.interrupted)
        others = [
            task for asked, task in self.callers if asked == key and task is not leaver and not task.done()
        ]
        leaver.cancel()
        self.go(asyncio.sleep(0))
        if others:
            assert set(self.driver.interrupted) == before
            assert not any(task.done() for task in others)

    def check(self, key, result):
        [(answered, id)] = result.rows
        assert answered == key
        assert self.ended[id]
        assert id not in self.driver.interrupted

    @invariant()
    def no_more_runs_than_the_limit(self):
        assert len(self.driver.runs) <= LIMIT
        assert self.queue.snapshot().running == len(self.driver.runs)

    @invariant()
    def no_place_is_left_empty_while_somebody_waits(self):
        if self.queue.snapshot().queued:
            assert len(self.driver.runs) == LIMIT

    @invariant()
    def one_live_run_per_key(self):
        keys = [self.driver.runs[id][0] for id in self.live()]
        assert len(keys) == len(set(keys))

    @invariant()
    def every_waiting_caller_has_a_run(self):
        waiting = {key for key, task in self.callers if not task.done()}
        live = {self.driver.runs[id][0] for id in self.live()}
        assert len(waiting - live) <= self.queue.snapshot().queued

    @invariant()
    def callers_get_the_outcome_of_a_run_of_their_key(self):
        for key, task in [each for each in self.callers if each[1].done()]:
            self.callers.remove((key, task))
            if task.cancelled():
                continue
            error = task.exception()
            if error is None:
                self.check(key, task.result())
            elif not isinstance(error, QueryCancelled):
                assert self.ended[str(error)] is False

    def teardown(self):
        for _, future in self.driver.runs.values():
            future.cancel()

        async def close():
            await self.queue.close()
            await asyncio.gather(*(task for _, task in self.callers), return_exceptions=True)
            await asyncio.sleep(0)
            return asyncio.all_tasks() - {asyncio.current_task()}

        left = self.loop.run_until_complete(close())
        self.loop.close()
        assert not left


TestQueueHistory = QueueHistory.TestCase
TestQueueHistory.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
