"""Results that are read while they arrive, through the same queue as all others.

A queue runs jobs and knows nothing of streams. :class:`Streams` stands between it and the driver: to the queue a
stream is a run like any other, with a place, a priority and a time-out, that can be stopped and ends without rows; the
rows go past the queue to whoever reads them, two batches ahead of the reader at most. So every queue and every driver
can do it: a driver without ``stream`` runs the statement to its end first.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cuboid.errors import QueryCancelled, QueryTimeout
from cuboid.run.asker import NOBODY, Asker
from cuboid.run.driver import Driver
from cuboid.types import Job, Pending, Result, Statement, Value

if TYPE_CHECKING:
    from cuboid.run.queue import QueryQueue

Batch = Sequence[tuple[Value, ...]]

BATCH_ROWS = 5000

AHEAD = 2
"""Batches that may wait for the reader."""

STALLED = 60.0
"""Seconds that a reader may take for a batch: who reads no more must not keep a place in the queue."""

PRIORITY = 0
"""Behind interactive requests, which use 10."""


class _Left(QueryCancelled):
    """The reader has gone; nobody hears this."""


@dataclass(eq=False, slots=True)
class _Channel:
    """Batches on their way from a driver to a reader."""

    batches: asyncio.Queue[Batch] = field(default_factory=lambda: asyncio.Queue(AHEAD))
    left: bool = False

    async def put(self, batch: Batch) -> None:
        """Waits until there is room. Raises :class:`QueryTimeout` if the reader takes nothing for too long."""
        if not self.left:
            try:
                async with asyncio.timeout(STALLED):
                    await self.batches.put(batch)
            except TimeoutError:
                raise QueryTimeout(f"The answer was not read for {STALLED:g} s.") from None
        if self.left:
            raise _Left("")

    def leave(self) -> None:
        """The reader goes: what waits for it is dropped, and whoever waits for room is woken."""
        self.left = True
        while not self.batches.empty():
            self.batches.get_nowait()


class Streams:
    """A driver as its queue sees it, some of whose jobs are streams."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self.name = driver.name
        self._channels: dict[str, _Channel] = {}

    async def execute(self, job: Job) -> Result:
        """As the driver's; of a stream the rows are read by somebody else, and none are left."""
        channel = self._channels.get(job.id)
        if channel is None:
            return await self.driver.execute(job)
        await self._pour(job, channel)
        return Result((), (), datetime.now(UTC))

    async def interrupt(self, job: Job) -> None:
        """As the driver's."""
        await self.driver.interrupt(job)

    async def read(
        self,
        queue: QueryQueue,
        statement: Statement,
        seconds: float,
        *,
        asker: Asker = NOBODY,
        priority: int | None = None,
    ) -> AsyncIterator[Batch]:
        """The rows of ``statement`` in batches. Waits for a place in ``queue`` as long as it takes; leaving the
        iterator stops the statement in the database. Raises what :meth:`QueryQueue.submit` raises.

        :param seconds: how long the statement may run, the reader's pauses included.
        :param asker: whose it is. It is not more urgent than :data:`PRIORITY`, whatever they say.
        :param priority: of a stream of the server's own, which reads as fast as rows arrive: to the queue it is a
            statement like any other.
        """
        id = uuid.uuid4().hex
        job = Job(
            id,
            f"stream:{id}",
            statement,
            min(PRIORITY, asker.priority) if priority is None else priority,
            seconds,
            asker.owner,
            asker.request,
            asker.tenant,
            stream=priority is None,
        )
        channel = self._channels[id] = _Channel()
        run = asyncio.create_task(_submit(queue, job, seconds))
        try:
            while True:
                get = asyncio.ensure_future(channel.batches.get())
                try:
                    await asyncio.wait({run, get}, return_when=asyncio.FIRST_COMPLETED)
                    if not get.done():
                        break
                    yield get.result()
                finally:
                    get.cancel()
            while not channel.batches.empty():
                yield channel.batches.get_nowait()
            await run  # raises what went wrong
        finally:
            del self._channels[id]
            channel.leave()
            run.cancel()
            await asyncio.wait({run})
            if not run.cancelled():
                run.exception()  # whoever reads no more does not hear it

    async def _pour(self, job: Job, channel: _Channel) -> None:
        try:
            if "stream" in self.driver.capabilities:
                async with aclosing(self.driver.stream(job, BATCH_ROWS)) as batches:  # type: ignore[type-var]
                    async for batch in batches:
                        await channel.put(batch)
                return
            rows = (await self.driver.execute(job)).rows
            for start in range(0, len(rows), BATCH_ROWS):
                await channel.put(rows[start : start + BATCH_ROWS])
        except _Left:
            pass


async def _submit(queue: QueryQueue, job: Job, wait: float) -> None:
    while isinstance(await queue.submit(job, wait), Pending):
        pass
