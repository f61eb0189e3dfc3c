"""What the refresh keys said before the runs that are under way began.

All who share a run must share these values: its rows may be older than what a later asker's keys say.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cuboid.run.refresh_keys import Values
from cuboid.types import Result

MOST = 10_000
"""Runs that are remembered."""


@dataclass(slots=True, eq=False)
class BegunRun:
    """Statements that are run for one or for several.

    :param keys: whose values they are.
    :param values: before the first of them asked; None if that one does not know them.
    :param askers: times that somebody asked, and ``waiting``, how many wait now.
    """

    statements: Hashable
    keys: Hashable
    values: Values | None
    askers: int = 0
    waiting: int = 0
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def values_of(self, keys: Hashable, results: Sequence[Result]) -> Values | None:
        """The values that count for an answer of these results. None if the run began for somebody with other keys, or
        if a queue had kept a result for somebody from a run before this."""
        known = keys == self.keys and all(_aware(each.finished_at) >= self.at for each in results)
        return self.values if known else None


class Begun:
    """The runs that are under way, by their statements."""

    def __init__(self) -> None:
        self._runs: OrderedDict[Hashable, BegunRun] = OrderedDict()

    def join(self, statements: Hashable, keys: Hashable, values: Values | None) -> BegunRun:
        """The run of these statements, with the values of whoever began it. To be left by :meth:`leave`."""
        run = self._runs.setdefault(statements, BegunRun(statements, keys, values))
        run.askers += 1
        run.waiting += 1
        while len(self._runs) > MOST:
            self._runs.popitem(last=False)
        return run

    def leave(self, run: BegunRun, *, answered: bool, failed: bool = False) -> None:
        """One of those who waited waits no longer. The run is over once one was answered and nobody waits any more;
        after an error it may go on for others, if there were any, and without either it goes on."""
        run.waiting -= 1
        over = (answered and not run.waiting) or (failed and run.askers == 1)
        if over and self._runs.get(run.statements) is run:
            del self._runs[run.statements]


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
