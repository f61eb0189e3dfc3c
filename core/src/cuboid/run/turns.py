"""Whose turn it is: runs of one priority are served in rounds, in each of which every owner has one run.

An owner with a hundred runs waiting so delays another's first one by one run, not by a hundred.
"""

from __future__ import annotations


class Turns:
    """Gives rounds to runs that begin to wait; the smaller round is served first, in a round the older run."""

    def __init__(self) -> None:
        self._current: dict[int, int] = {}  # by priority
        self._last: dict[tuple[int, str], int] = {}  # by priority and owner

    def next_round(self, priority: int, owner: str) -> int:
        """The round that one more run of the owner would be served in."""
        return max(self._current.get(priority, 0), self._last.get((priority, owner), 0)) + 1

    def take(self, priority: int, owner: str, round: int) -> None:
        """A run of the owner waits for that round."""
        self._last[priority, owner] = max(round, self._last.get((priority, owner), 0))

    def served(self, priority: int, round: int) -> None:
        """A run of that round has begun: who comes now is in the next one at the earliest."""
        self._current[priority] = max(round, self._current.get(priority, 0))

    def forget(self) -> None:
        """Nobody waits: the rounds begin anew."""
        self._current.clear()
        self._last.clear()
