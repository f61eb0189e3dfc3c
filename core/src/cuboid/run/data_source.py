"""A data source: one configured connection, that is a driver, a dialect and a queue, under a name."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING

from cuboid.catalog.naming import data_source_name
from cuboid.errors import ConnectionFailed, DriverError, QueryCancelled, UnsupportedFeature
from cuboid.run.asker import NOBODY, Asker
from cuboid.run.driver import REFRESH_SECONDS, Driver
from cuboid.run.queue import QueryQueue
from cuboid.run.streams import Batch, Streams
from cuboid.types import Job, Pending, Result, Statement, Withdrawn

if TYPE_CHECKING:
    from cuboid.sql.dialect import Dialect

PING_SECONDS = 5.0

SERIALS = itertools.count()


class DataSource:
    """Opens its driver on first use, and again after that failed; a dead database costs one answer at a time.

    :param timeout: seconds a statement may run.
    :param streams: what the queue runs, if it is to run streams too; else the queue runs the driver itself.
    :param stream_timeout: seconds a stream may take.
    :param refresh_every: seconds for which answers over a cube are good whose model says nothing of it.
    :param identity: tells it from other databases that have had its name, or will: what is stored of one's rows is not
        told of another's.
    """

    def __init__(
        self,
        name: str,
        driver: Driver,
        dialect: Dialect,
        queue: QueryQueue,
        *,
        timeout: float = 600.0,
        streams: Streams | None = None,
        stream_timeout: float = 3600.0,
        refresh_every: float = REFRESH_SECONDS,
        identity: str = "",
    ) -> None:
        self.name = name
        self.driver = driver
        self.dialect = dialect
        self.queue = queue
        self.timeout = timeout
        self.stream_timeout = stream_timeout
        self.refresh_every = refresh_every
        self.identity = identity
        self.serial = next(SERIALS)
        """Another number for each data source: two of one name are told apart by it."""
        self._streams = streams
        self._opening: asyncio.Task[None] | None = None
        self._retiring: asyncio.Future[None] | None = None
        self._closed = False

    @property
    def shown(self) -> str:
        """What answers, metrics and errors call it: the model's name."""
        return data_source_name(self.name)

    @property
    def underlying(self) -> DataSource:
        """The one whose connections it uses: itself."""
        return self

    @property
    def used(self) -> bool:
        """Whether the driver is open or being opened: somebody has asked for this data source."""
        return self._opening is not None

    async def submit(
        self, statement: Statement, *, wait: float, priority: int | None = None, asker: Asker = NOBODY
    ) -> Result | Pending:
        """The result, or :class:`Pending` after ``wait`` seconds, opening included.

        Raises what :meth:`QueryQueue.submit` raises; what the database said names the data source.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        if not await self._opened(wait):
            return Pending("Connecting", loop.time() - began)
        job = Job(
            uuid.uuid4().hex,
            statement_key(statement),
            statement,
            asker.priority if priority is None else priority,
            self.timeout,
            asker.owner,
            asker.request,
            asker.tenant,
        )
        try:
            return await self.queue.submit(job, max(0.0, wait - (loop.time() - began)))
        except DriverError as error:
            raise self._named(error) from None

    async def withdraw(self, asker: Asker) -> list[Withdrawn]:
        """Cancels what that request waits for; see :meth:`QueryQueue.withdraw`."""
        return await self.queue.withdraw(asker.owner, asker.request)

    async def stream(
        self,
        statement: Statement,
        *,
        asker: Asker = NOBODY,
        priority: int | None = None,
        seconds: float | None = None,
    ) -> AsyncIterator[Batch]:
        """The rows in batches, with bounded memory if the driver can; leaving the iterator stops the statement.

        :param priority: of a stream of the server's own, which reads as fast as rows arrive; None for one that somebody
            else reads, at their own speed.
        :param seconds: how long it may take; as all streams by default.

        Waits for the driver to open and for a place in the queue. Raises as :meth:`submit`.
        """
        if self._streams is None:
            raise UnsupportedFeature(f"Data source '{self.shown}' cannot stream.")
        seconds = self.stream_timeout if seconds is None else seconds
        if not await self._opened(seconds):
            raise ConnectionFailed(f"Data source '{self.shown}': no answer within {seconds:g} s.")
        rows = self._streams.read(self.queue, statement, seconds, asker=asker, priority=priority)
        try:
            async with aclosing(rows) as batches:  # type: ignore[type-var]
                async for batch in batches:
                    yield batch
        except DriverError as error:
            raise self._named(error) from None

    @property
    def streams_bounded(self) -> bool:
        """Whether a stream takes bounded memory."""
        return self._streams is not None and "stream" in self.driver.capabilities

    async def ping(self, wait: float = PING_SECONDS) -> None:
        """Asks the database for a constant, past the queue. Raises :class:`DriverError`."""
        statement = Statement("SELECT 1")
        job = Job(uuid.uuid4().hex, statement_key(statement), statement)
        try:
            async with asyncio.timeout(wait):
                if await self._opened(wait):
                    await self.driver.execute(job)
                    return
        except TimeoutError:
            pass
        except DriverError as error:
            raise self._named(error) from None
        raise ConnectionFailed(f"Data source '{self.shown}': no answer within {wait:g} s.")

    async def close(self) -> None:
        """Cancels what is queued or running and closes the driver; harmless when called twice."""
        self._closed = True
        retiring = self._retiring
        if retiring is not None and retiring is not asyncio.current_task():
            retiring.cancel()
        opening = self._opening
        if opening is not None and not opening.done():
            opening.cancel()
            await asyncio.wait({opening})
        await self.queue.close()
        await self.driver.close()

    def retire(self, closed: Callable[[DataSource], object]) -> None:
        """Closes it, from any thread, once nothing that it was asked for can still run; then tells ``closed``."""
        opening = self._opening
        if opening is None:
            closed(self)
            return

        async def close() -> None:
            await asyncio.sleep(max(self.timeout, self.stream_timeout))
            await self.close()
            closed(self)

        def begin() -> None:
            self._retiring = asyncio.ensure_future(close())

        loop = opening.get_loop()
        if loop.is_closed():
            closed(self)
        else:
            loop.call_soon_threadsafe(begin)

    async def _opened(self, wait: float) -> bool:
        """Whether the driver is open within ``wait`` seconds; all callers share one attempt."""
        if self._closed:
            raise QueryCancelled(f"Data source '{self.shown}' is closed.")
        opening = self._opening
        if opening is None:
            opening = self._opening = asyncio.get_running_loop().create_task(self.driver.open())
            opening.add_done_callback(self._forget_failure)
        if not opening.done():
            await asyncio.wait({opening}, timeout=max(wait, 0.0))
        if not opening.done():
            return False
        if opening.cancelled():
            raise QueryCancelled(f"Data source '{self.shown}' is closed.")
        error = opening.exception()
        if isinstance(error, DriverError):
            raise self._named(error)
        if error is not None:
            raise error
        return True

    def _forget_failure(self, opening: asyncio.Task[None]) -> None:
        """Those who wait hold the task and see its error; who comes later tries again."""
        if opening.cancelled() or opening.exception() is not None:
            self._opening = None

    def _named(self, error: DriverError) -> DriverError:
        return type(error)(f"Data source '{self.shown}': {error.message}", hint=error.hint)


def statement_key(statement: Statement) -> str:
    """Equal for statements that ask the same, and for no others: the whole SQL text and its parameters, their types
    included (``1``, ``True``, ``"1"`` and ``Decimal(1)`` are four questions)."""
    # Each type is written in its own way, and none with a line break.
    return "\n".join(map(ascii, (statement.epoch, statement.sql, *statement.parameters)))
