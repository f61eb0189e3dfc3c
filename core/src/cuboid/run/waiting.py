"""Who waits, and whose turn it is.

The highest priority is first. Of one priority tenants take turns, a run each; in a tenant its owners do; of one owner
the older run is first. So a tenant of a hundred people gets no more than one of two, and whoever has a hundred runs
waiting delays another's first one by one run.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterator

from cuboid.run.shared_run import SharedRun
from cuboid.run.turns import Turns
from cuboid.types import Job

Line = tuple[int, str]
"""The runs of one priority and one tenant."""

Rank = tuple[int, int, int]


class WaitingList:
    """The runs that wait for a place. A line's first run is served in the round that is due for the line, the next
    ones in the rounds after that."""

    def __init__(self) -> None:
        self._lines: dict[Line, list[SharedRun]] = {}
        self._due: dict[Line, int] = {}
        self._current: dict[int, int] = {}  # the latest round of a priority that was served
        self._turns = Turns()  # of the owners in a line

    def __len__(self) -> int:
        return sum(map(len, self._lines.values()))

    def __iter__(self) -> Iterator[SharedRun]:
        """All of them, in no order."""
        for line in self._lines.values():
            yield from line

    def add(self, run: SharedRun, job: Job) -> None:
        """``run`` begins to wait, for whoever asks with ``job``."""
        line = (job.priority, job.tenant)
        self._put(run, line, self._turns.next_round(line, job.owner), job.owner)

    def move_up(self, run: SharedRun, job: Job) -> None:
        """``run`` waits for ``job`` too: it is as urgent as the most urgent of those who wait for it, and comes at the
        earliest of their turns."""
        line = (job.priority, job.tenant)
        round = self._turns.next_round(line, job.owner)
        others = self._lines.get(line, [])
        if line == run.line:
            earlier = (round, run.age) < _order(run)
        else:
            index = bisect.bisect(others, (round, run.age), key=_order)
            earlier = (-job.priority, self._due_in(line) + index, run.age) < self._rank(run)
        if earlier:
            left = run.line
            self._lines[left].remove(run)
            self._put(run, line, round, job.owner)
            self._drop_if_empty(left)

    def remove(self, run: SharedRun) -> None:
        """``run`` waits no longer."""
        self._lines[run.line].remove(run)
        self._drop_if_empty(run.line)

    def first(self, may_run: Callable[[SharedRun], bool]) -> SharedRun | None:
        """The run whose turn it is, of those that may run now."""
        heads = [line[0] for line in self._lines.values()]
        first = min(heads, key=self._rank, default=None)
        if first is not None and not may_run(first):
            first = min((run for run in self if may_run(run)), key=self._rank, default=None)
        return first

    def pop(self, may_run: Callable[[SharedRun], bool]) -> SharedRun | None:
        """As :meth:`first`; it waits no longer."""
        first = self.first(may_run)
        if first is None:
            return None
        priority, due = first.line[0], self._due[first.line]
        self._current[priority] = max(self._current.get(priority, 0), due)
        self._due[first.line] = due + 1
        self._turns.served(first.line, first.round)
        self.remove(first)
        if not self._lines:
            self._current.clear()
            self._turns.forget()
        return first

    def position(self, run: SharedRun) -> int:
        """1 for the run that is served next, if nobody else comes."""
        mine = self._rank(run)
        return 1 + sum(
            (-line[0], self._due[line] + index, each.age) < mine
            for line, runs in self._lines.items()
            for index, each in enumerate(runs)
        )

    def _put(self, run: SharedRun, line: Line, round: int, owner: str) -> None:
        self._turns.take(line, owner, round)
        run.line, run.round = line, round
        self._due[line] = self._due_in(line)
        bisect.insort(self._lines.setdefault(line, []), run, key=_order)

    def _rank(self, run: SharedRun) -> Rank:
        index = bisect.bisect_left(self._lines[run.line], _order(run), key=_order)
        return -run.line[0], self._due[run.line] + index, run.age

    def _due_in(self, line: Line) -> int:
        return self._due.get(line, self._current.get(line[0], 0) + 1)

    def _drop_if_empty(self, line: Line) -> None:
        if not self._lines[line]:
            del self._lines[line], self._due[line]


def _order(run: SharedRun) -> tuple[int, int]:
    return run.round, run.age
