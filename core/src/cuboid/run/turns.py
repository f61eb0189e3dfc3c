"""Whose turn it is: runs of one line are served in rounds, in each of which every owner has one run.

An owner with a hundred runs waiting so delays another's first one by one run, not by a hundred.
"""

from __future__ import annotations

from collections.abc import Hashable


class Turns:
    """Gives rounds to runs that begin to wait; the smaller round is served first, in a round the older run."""

    def __init__(self) -> None:
        self._current: dict[Hashable, int] = {}  # by line
        self._last: dict[tuple[Hashable, str], int] = {}  # by line and owner

    def next_round(self, line: Hashable, owner: str) -> int:
        """The round that one more run of the owner would be served in."""
        return max(self._current.get(line, 0), self._last.get((line, owner), 0)) + 1

    def take(self, line: Hashable, owner: str, round: int) -> None:
        """A run of the owner waits for that round."""
        self._last[line, owner] = max(round, self._last.get((line, owner), 0))

    def served(self, line: Hashable, round: int) -> None:
        """A run of that round has begun: who comes now is in the next one at the earliest."""
        self._current[line] = max(round, self._current.get(line, 0))

    def forget(self) -> None:
        """Nobody waits: the rounds begin anew."""
        self._current.clear()
        self._last.clear()
