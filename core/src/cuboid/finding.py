"""Finding answers out once over all processes: here, or by waiting for the process that is about it."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from cuboid.errors import QueryCancelled
from cuboid.run.asker import NOBODY, Asker
from cuboid.run.claims import Lead
from cuboid.run.refresh_keys import Values
from cuboid.shared_answers import SharedAnswers, digest, shared_key
from cuboid.types import Pending
from cuboid.wanted import Kept, Told, Wanted

FindOut = Callable[
    [Sequence[Wanted], Sequence[Values | None], Asker, float], Coroutine[Any, Any, list[Told] | Pending]
]
"""Runs what questions need, in this process; ``values`` are those of their refresh keys."""


class Finding:
    """Finds out what no other process does.

    :param here: how, in this process.
    :param good: whether an answer is, by values of its refresh keys.
    :param keep: told of what another process has found out.
    """

    def __init__(
        self,
        shared: SharedAnswers,
        here: FindOut,
        good: Callable[[Kept, Values | None, Wanted], bool],
        keep: Callable[[Wanted, Kept], None],
    ) -> None:
        self._shared = shared
        self._claims = shared.claims
        self._here = here
        self._good = good
        self._keep = keep
        self._following: dict[tuple[str, str], set[Callable[[], None]]] = defaultdict(set)
        """What is called when a request is withdrawn that follows, by owner and request."""

    async def find_out(
        self, wanted: Sequence[Wanted], values: Sequence[Values | None], asker: Asker, deadline: float
    ) -> list[Told] | Pending:
        """As the ``here`` that it was made with; questions that other processes are about run there alone."""
        leads: dict[int, Lead] = {}
        others: dict[int, str] = {}
        pending: Pending | None = None

        async def enter(index: int) -> None:
            entered = await self._enter(wanted[index], values[index])
            if isinstance(entered, Lead):
                leads[index] = entered
            else:
                others[index] = entered

        try:
            await asyncio.gather(*map(enter, range(len(wanted))))
            ours = [(wanted[index], values[index], lead) for index, lead in leads.items()]
            outcomes = await asyncio.gather(
                self._lead(ours, asker, deadline),
                *(
                    self._follow(wanted[index], values[index], run, asker, deadline)
                    for index, run in others.items()
                ),
                return_exceptions=True,
            )
            told: dict[int, Told] = {}
            for indexes, outcome in zip([list(leads), *([index] for index in others)], outcomes, strict=True):
                if isinstance(outcome, BaseException):
                    raise outcome
                if isinstance(outcome, Pending):
                    pending = outcome
                else:
                    told.update(zip(indexes, outcome, strict=True))
            return pending or [told[index] for index in range(len(wanted))]
        finally:
            for lead in leads.values():
                self._claims.leave(lead, promised=pending is not None)

    async def _lead(
        self, ours: Sequence[tuple[Wanted, Values | None, Lead]], asker: Asker, deadline: float
    ) -> list[Told] | Pending:
        """What this process finds out; another may have done so just before it began to lead."""
        found = await asyncio.gather(*(self._found(one, each, frozenset()) for one, each, _ in ours))
        missing = [index for index, each in enumerate(found) if each is None]
        outcome: list[Told] | Pending = []
        if missing:
            wanted, values, _ = zip(*(ours[index] for index in missing), strict=True)
            outcome = await self._here(wanted, values, asker, deadline)
        if isinstance(outcome, Pending):
            return outcome
        for _, _, lead in ours:
            self._claims.end(lead)
        new = iter(outcome)
        return [each or next(new) for each in found]

    async def _follow(
        self, one: Wanted, values: Values | None, run: str, asker: Asker, deadline: float
    ) -> list[Told] | Pending:
        """What another process finds out in that run, or in a later one, or this process should the other give it
        up."""
        began, name, runs = time.monotonic(), digest(shared_key(one)), {run}
        with self._claims.hearing(name) as released, self._withdrawable(asker, released) as withdrawn:
            while True:
                if withdrawn():
                    raise QueryCancelled("The query was cancelled.")
                entered = await self._enter(one, values)
                if isinstance(entered, Lead):
                    return await self._take_over(one, values, entered, runs, asker, deadline)
                runs.add(entered)
                found = await self._found(one, values, runs)
                if found is not None:
                    return [found]
                left = deadline - time.monotonic()
                if left <= 0:
                    await self._claims.promise(name)
                    return Pending("Executing query", time.monotonic() - began)
                await self._claims.follow(name, released, left)

    def withdraw(self, owner: str, request: str) -> None:
        """That owner's request waits no longer for other processes."""
        for stop in self._following.get((owner, request), ()):
            stop()

    @contextmanager
    def _withdrawable(self, asker: Asker, wake: asyncio.Event) -> Iterator[Callable[[], bool]]:
        """Whether the asker's request was withdrawn since; ``wake`` is set then."""
        party, heard = (asker.owner, asker.request), asyncio.Event()

        def stop() -> None:
            heard.set()
            wake.set()

        if asker.request:
            self._following[party].add(stop)
        try:
            yield heard.is_set
        finally:
            self._following[party].discard(stop)
            if not self._following[party]:
                del self._following[party]

    async def _take_over(
        self, one: Wanted, values: Values | None, lead: Lead, runs: set[str], asker: Asker, deadline: float
    ) -> list[Told] | Pending:
        """The other process is done, and has put its answer there, or it has given up."""
        outcome: list[Told] | Pending = []
        try:
            found = await self._found(one, values, runs)
            if found is not None:
                self._claims.end(lead)
                return [found]
            outcome = await self._lead([(one, values, lead)], asker, deadline)
            return outcome
        finally:
            self._claims.leave(lead, promised=isinstance(outcome, Pending))

    async def _enter(self, one: Wanted, values: Values | None) -> Lead | str:
        seconds = sum(source.timeout for source, _ in one.parts)
        return await self._claims.enter(
            digest(shared_key(one)),
            lambda: self._here([one], [values], NOBODY, time.monotonic() + seconds),
        )

    async def _found(
        self, one: Wanted, values: Values | None, runs: set[str] | frozenset[str]
    ) -> Told | None:
        """What is there, if it is good, or comes of one of these runs: who waits for a run is told what it gives."""
        found = await self._shared.get(one)
        if found is None:
            return None
        good = found.kept is not None and one.mode != "no-cache" and self._good(found.kept, values, one)
        if not good and found.run not in runs:
            return None
        if found.kept is not None:
            self._keep(one, found.kept)
        return Told(found.body)
