"""Lanes: threads that own a blocking connection.

Not an executor: its threads are joined when the interpreter ends, so that one client library stuck in a
read would keep the process from ever exiting; and some client libraries want each connection used by the
thread that made it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class _Work:
    """A piece of work, and its outcome once a lane has done it."""

    do: Callable[[], Any]
    asked: asyncio.Future[Any]
    over: Callable[[], object] | None
    result: Any = None
    error: BaseException | None = None

    def tell(self) -> None:
        """Tells the outcome, on the event loop."""
        if not self.asked.done():  # else whoever asked waits no longer
            if self.error is None:
                self.asked.set_result(self.result)
            else:
                self.asked.set_exception(self.error)
        if self.over is not None:
            self.over()


class Lane:
    """A daemon thread that does one piece of work after the other, and the connection it owns.

    ``connection`` is None until the first statement; it and ``limited``, how many seconds its server was told to give
    each statement, are read and set by the lane's own thread only.
    """

    def __init__(self, name: str) -> None:
        self.connection: Any = None
        self.limited: float | None = None
        self._work: SimpleQueue[_Work | None] = SimpleQueue()
        self.thread = threading.Thread(target=_work_through, args=(self._work,), name=name, daemon=True)
        self.thread.start()

    def call(self, work: Callable[[], T], *, over: Callable[[], object] | None = None) -> asyncio.Future[T]:
        """Runs ``work`` after what was asked before. Cancelling the future does not stop the work.

        :param over: called on the event loop when the work is over, whether or not anybody still waits for it.
        """
        asked: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._work.put(_Work(work, asked, over))
        return asked

    def stop(self) -> None:
        """Ends the thread once all that was asked is done."""
        self._work.put(None)


def in_thread(name: str, work: Callable[[], T]) -> asyncio.Future[T]:
    """Runs ``work`` in a thread of its own."""
    lane = Lane(name)
    done = lane.call(work)
    lane.stop()
    return done


def _work_through(queue: SimpleQueue[_Work | None]) -> None:
    while (work := queue.get()) is not None:
        try:
            work.result = work.do()
        except BaseException as error:  # as in concurrent.futures: the asker gets it, the thread lives
            work.error = error
        with suppress(RuntimeError):  # the event loop is closed: nobody is left to hear of it
            work.asked.get_loop().call_soon_threadsafe(work.tell)
        del work  # an idle thread must not keep the last result alive
