"""A cache of answers: bounded by bytes, the one that was used longest ago goes first.

Keys are whole values, never digests: two questions whose hashes are equal are still two. Used from one event loop.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

V = TypeVar("V")

OVERHEAD = 500
"""Bytes that an entry takes beside its key and its value."""


@dataclass(frozen=True, slots=True)
class CacheFigures:
    """Counts of one cache.

    :param hits: answers that were sent as they were kept.
    :param stale: kept answers that were sent though they were out of date, since the request allows it.
    :param misses: answers that had to be found out.
    :param evictions: answers that made room for others.
    :param bytes: that the kept answers take now, of at most ``limit``.
    """

    hits: int
    stale: int
    misses: int
    evictions: int
    entries: int
    bytes: int
    limit: int


class Cache(Generic[V]):
    """Keeps values of at most ``limit`` bytes together; with a limit of 0 nothing is kept."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.hits = self.stale = self.misses = 0
        self._evictions = 0
        self._bytes = 0
        self._kept: OrderedDict[Hashable, tuple[V, int]] = OrderedDict()

    def get(self, key: Hashable) -> V | None:
        """What is kept under the key."""
        found = self._kept.get(key)
        if found is None:
            return None
        self._kept.move_to_end(key)
        return found[0]

    def put(self, key: Hashable, value: V, size: int) -> None:
        """Keeps the value in place of what was there, unless it alone is larger than the limit.

        :param size: bytes of key and value.
        """
        self.remove(key)
        size += OVERHEAD
        if size > self.limit:
            return
        self._kept[key] = value, size
        self._bytes += size
        while self._bytes > self.limit:
            self.remove(next(iter(self._kept)))
            self._evictions += 1

    def remove(self, key: Hashable) -> None:
        """Forgets the key, if it is known."""
        found = self._kept.pop(key, None)
        if found is not None:
            self._bytes -= found[1]

    def drop(self, which: Callable[[V], bool]) -> int:
        """Forgets all values of which ``which`` is true; how many they were."""
        doomed = [key for key, (value, _) in self._kept.items() if which(value)]
        for key in doomed:
            self.remove(key)
        return len(doomed)

    def figures(self) -> CacheFigures:
        """The counts, as they are now."""
        return CacheFigures(
            self.hits, self.stale, self.misses, self._evictions, len(self._kept), self._bytes, self.limit
        )
