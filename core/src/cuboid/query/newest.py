"""What is kept of the newest of many."""

from __future__ import annotations

import threading
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Newest(dict[K, V]):
    """At most so many entries, of which the oldest goes first. Threads may share it."""

    __slots__ = ("_keeping", "_most")

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most
        self._keeping = threading.Lock()

    def keep(self, key: K, value: V) -> None:
        """Keeps ``value``, and the oldest no longer where there are too many."""
        with self._keeping:
            self[key] = value
            if len(self) > self._most:
                del self[next(iter(self))]
