"""Lanes: threads that own a blocking connection.

Not an executor: its threads are joined when the interpreter ends, so that one client library stuck in a
read would keep the process from ever exiting; and some client libraries want each connection used by the
thread that made it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")

_Work = tuple["Future[Any]", Callable[[], Any]]


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

    def call(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """Runs ``work`` after what was asked before. Cancelling the future does not stop the work."""
        done: Future[T] = Future()
        done.set_running_or_notify_cancel()
        self._work.put((done, work))
        return asyncio.wrap_future(done)

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
    while (item := queue.get()) is not None:
        done, work = item
        result = None
        try:
            result = work()
        except BaseException as error:  # as in concurrent.futures: the asker gets it, the thread lives
            done.set_exception(error)
        else:
            done.set_result(result)
        del item, done, work, result  # an idle thread must not keep the last result alive
