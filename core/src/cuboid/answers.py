"""Questions to result objects, from the cache where that is fresh enough, else from the data sources.

What a kept answer is kept under is all that shapes it: the statements with their typed parameters, in which policies
and claims are, the data sources, the catalog, the query as it is echoed, and how the rows are written. It is good as
long as no refresh key of the cubes has changed since before its statements were run. Errors are never kept.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson

from cuboid.errors import CuboidError, NotStored
from cuboid.finding import Finding, FindOut
from cuboid.freshness import Freshness
from cuboid.planner import Planner
from cuboid.planning import Parts
from cuboid.query.model import Question
from cuboid.result.answer import Answer
from cuboid.result.envelope import Body, UsedRollup, encode
from cuboid.run.asker import NOBODY, Asker
from cuboid.run.begun import Begun
from cuboid.run.cache import Cache, CacheFigures
from cuboid.run.refresh_keys import Values
from cuboid.run.stored import Refreshed, RollupUse
from cuboid.shared_answers import KEPT_SECONDS, SharedAnswers
from cuboid.types import Pending, Result
from cuboid.wanted import Kept, Told, Wanted

log = logging.getLogger(__name__)

MANY_ROWS = 2000
"""Rows from which encoding moves to a thread: about 2 ms of work."""

Run = Callable[[Parts, Sequence[RollupUse], Asker, float, bool], Awaitable[list[Result] | Pending]]
"""Runs statements, once what they read is stored; waits at most so many seconds. If so told, what is out of date is
built first."""

Stored = Callable[[Sequence[RollupUse], Asker, float, bool], Awaitable[Mapping[str, Refreshed] | Pending]]
"""What is read of rollups, by table."""


class Answers:
    """Answers questions. Used from one event loop.

    :param size: bytes of answers that are kept; 0: none.
    :param counted: told of each result that a data source gave.
    :param shared: where all processes keep answers, if there are several.
    """

    def __init__(
        self,
        size: int,
        freshness: Freshness,
        run: Run,
        stored: Stored,
        counted: Callable[[str, int], None],
        shared: SharedAnswers | None = None,
    ) -> None:
        self._cache: Cache[Kept] = Cache(size)
        self._freshness = freshness
        self._run = run
        self._stored = stored
        self._counted = counted
        self._shared = shared
        self._find_out: FindOut = self._find_out_here
        self._finding: Finding | None = None
        if shared is not None:
            self._finding = Finding(shared, self._find_out_here, self._is_good, self._remember)
            self._find_out = self._finding.find_out
        self._begun = Begun()
        self._encoding: dict[tuple[Hashable, tuple[datetime, ...]], asyncio.Task[Body]] = {}
        self._renewing: dict[Hashable, asyncio.Task[None]] = {}

    def figures(self) -> CacheFigures:
        """Counts of the cache."""
        return self._cache.figures()

    def drop(self, cubes: frozenset[str]) -> int:
        """Forgets the answers that any of the cubes is part of; how many they were."""
        return self._cache.drop(lambda kept: not cubes.isdisjoint(kept.cubes))

    def withdraw(self, owner: str, request: str) -> None:
        """That owner's request waits no longer for what other processes find out."""
        if self._finding is not None:
            self._finding.withdraw(owner, request)

    async def close(self) -> None:
        """Renews nothing any more."""
        tasks = [*self._renewing.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        if self._shared is not None:
            await self._shared.close()

    def at_once(self, wanted: Sequence[Wanted]) -> list[Told] | None:
        """A result object for each question, if all are kept and nothing has to be asked to know that they are good."""
        found: list[Told] = []
        for one in wanted:
            kept = None if one.mode == "no-cache" else self._kept(one)
            if kept is None or not self._is_good(kept, self._value_in_time(one), one):
                return None
            found.append(Told(kept.body))
        self._cache.hits += len(found)
        return found

    async def answer(
        self, wanted: Sequence[Wanted], *, asker: Asker = NOBODY, wait: float
    ) -> list[Told] | Pending:
        """A result object for each question, or :class:`Pending` after ``wait`` seconds.

        Raises :class:`CuboidError`.
        """
        deadline = time.monotonic() + wait
        told: dict[int, Told] = {}
        missing: dict[int, Values | None] = {}
        for index, one in enumerate(wanted):
            found = await self._look(one, asker, deadline)
            if isinstance(found, Pending):
                return found
            if isinstance(found, Told):
                told[index] = found
            else:
                missing[index] = found.values
        if missing:
            found_out = await self._find_out(
                [wanted[index] for index in missing], list(missing.values()), asker, deadline
            )
            if isinstance(found_out, Pending):
                stale = self._stale_ones([wanted[index] for index in missing])
                if stale is None:
                    return found_out
                found_out = stale
            told |= dict(zip(missing, found_out, strict=True))
        return [told[index] for index in range(len(wanted))]

    # ------------------------------------------------------------ what is kept

    async def _look(self, one: Wanted, asker: Asker, deadline: float) -> Told | Missing | Pending:
        """What the cache has for the question, in its mode; else the values of its keys before anything is run."""
        if not self._cache.limit or one.keys is None:
            return Missing(None)
        kept = None if one.mode == "no-cache" else self._kept(one) or await self._fetch(one)
        if kept is not None and one.mode == "stale-while-revalidate":
            if self._is_good(kept, self._value_in_time(one), one):
                self._cache.hits += 1
            else:
                self._cache.stale += 1
                self._renew(one)
            return Told(kept.body)
        lenient = kept is not None and one.mode == "stale-if-slow"
        try:
            values = await self._values(one, asker, deadline)
        except NotStored:
            raise
        except CuboidError as error:
            if lenient:
                log.warning("An answer that may be out of date is told: %s", error)
                return self._stale(kept)
            if one.mode == "no-cache":
                return Missing(None)
            raise
        if isinstance(values, Pending):
            return self._stale(kept, slow=True) if lenient else values
        if kept is not None and self._is_good(kept, values, one):
            self._cache.hits += 1
            return Told(kept.body)
        return Missing(values)

    async def _fetch(self, one: Wanted) -> Kept | None:
        """What another process has found out."""
        found = None if self._shared is None else await self._shared.get(one)
        if found is None or found.kept is None:
            return None
        self._remember(one, found.kept)
        return found.kept

    def _remember(self, one: Wanted, kept: Kept) -> None:
        """From now on it is kept."""
        self._cache.put(one.key, kept, len(kept.body.text) + _size(one.key))

    def _kept(self, one: Wanted) -> Kept | None:
        kept = self._cache.get(one.key)
        return kept if kept is not None and time.monotonic() - kept.written < KEPT_SECONDS else None

    def _is_good(self, kept: Kept, values: Values | None, one: Wanted) -> bool:
        return kept.values == values and time.monotonic() - kept.written < one.renewed

    def _value_in_time(self, one: Wanted) -> Values | None:
        """The values of its refresh keys, if nothing has to be asked for them."""
        return None if one.uses or one.keys is None else self._freshness.values.value_in_time(one.keys)

    def _stale_ones(self, wanted: Sequence[Wanted]) -> list[Told] | None:
        """What is kept of these, though out of date; None unless all may be told so, since what is not takes too
        long."""
        kept = [self._kept(one) if one.mode == "stale-if-slow" else None for one in wanted]
        if any(each is None for each in kept):
            return None
        return [self._stale(each, slow=True) for each in kept]

    def _stale(self, kept: Kept | None, *, slow: bool = False) -> Told:
        assert kept is not None
        self._cache.stale += 1
        return Told(kept.body, slow)

    async def _values(self, one: Wanted, asker: Asker, deadline: float) -> Values | Pending:
        """The values of its refresh keys; for what rollups answer, which rows are read of them."""
        left = deadline - time.monotonic()
        if not one.uses:
            return await self._freshness.values.values(one.keys or (), left)
        stored = await self._stored(one.uses, asker, left, one.mode == "must-revalidate")
        if isinstance(stored, Pending):
            return stored
        told = tuple(encode([name, str(each.at), each.rows]) for name, each in sorted(stored.items()))
        live = await self._freshness.values.values(one.keys, deadline - time.monotonic()) if one.keys else ()
        return live if isinstance(live, Pending) else (*told, *live)

    # ------------------------------------------------------------ what is not

    async def _find_out_here(
        self, wanted: Sequence[Wanted], values: Sequence[Values | None], asker: Asker, deadline: float
    ) -> list[Told] | Pending:
        """Runs what the questions need. The values that count for an answer are those of before its run, which may have
        begun for somebody else, or for an earlier repetition of this request."""
        begun = [
            self._begun.join(one.statements, _keys(one), each)
            for one, each in zip(wanted, values, strict=True)
        ]
        parts = [part for one in wanted for part in one.parts]
        uses = [use for one in wanted for use in one.uses]
        answered = failed = False
        try:
            renew = any(one.mode == "must-revalidate" for one in wanted)
            outcome = await self._run(parts, uses, asker, deadline - time.monotonic(), renew)
            answered = not isinstance(outcome, Pending)
        except CuboidError:
            failed = True
            raise
        finally:
            for run in begun:
                self._begun.leave(run, answered=answered, failed=failed)
        if isinstance(outcome, Pending):
            return outcome
        self._cache.misses += len(wanted)
        results = iter(outcome)
        told: list[Told] = []
        for one, run in zip(wanted, begun, strict=True):
            own = [next(results) for _ in one.parts]
            told.append(Told(await self._encode(one, own, run.values_of(_keys(one), own))))
        return told

    async def _encode(self, one: Wanted, results: Sequence[Result], values: Values | None) -> Body:
        """The result object, made once for all who waited for the same results, and kept."""
        finished = tuple(result.finished_at for result in results)
        kept = self._cache.get(one.key)
        if kept is not None and kept.finished == finished:
            return kept.body
        if sum(len(result.rows) for result in results) <= MANY_ROWS:
            return self._keep(one, results, values, self._result_object(one, results, values))
        name = (one.key, finished)
        task = self._encoding.get(name)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._encode_in_thread(one, results, values))
            self._encoding[name] = task
            task.add_done_callback(lambda _: self._encoding.pop(name, None))
        return await asyncio.shield(task)

    async def _encode_in_thread(self, one: Wanted, results: Sequence[Result], values: Values | None) -> Body:
        body = await asyncio.to_thread(self._result_object, one, results, values)
        return self._keep(one, results, values, body)

    def _keep(self, one: Wanted, results: Sequence[Result], values: Values | None, body: Body) -> Body:
        for (source, _), result in zip(one.parts, results, strict=True):
            self._counted(source.shown, len(result.rows))
        kept = None
        if values is not None:
            finished = tuple(result.finished_at for result in results)
            kept = Kept(body, values, time.monotonic(), finished, one.cubes)
            self._remember(one, kept)
        if self._shared is not None:
            self._shared.put(one, body, kept)
        return body

    def _result_object(self, one: Wanted, results: Sequence[Result], values: Values | None) -> Body:
        source = one.parts[0][0]
        return Answer(
            one.question,
            source.shown,
            source.driver.name,
            results,
            one.blended,
            one.cast_numerics,
            one.planner.transformed(one.question) if one.dev else None,
            values if one.dev else None,
            _used(one, values),
        ).encode(one.planner.catalog)

    def _renew(self, one: Wanted) -> None:
        """Finds the answer out behind the scenes, unless that is being done."""
        if one.key not in self._renewing:
            task = asyncio.get_running_loop().create_task(self._renewed(one))
            self._renewing[one.key] = task
            task.add_done_callback(lambda _: self._renewing.pop(one.key, None))

    async def _renewed(self, one: Wanted) -> None:
        seconds = sum(source.timeout for source, _ in one.parts)
        try:
            values = await self._values(one, NOBODY, time.monotonic() + seconds)
            kept = self._kept(one)
            if isinstance(values, Pending) or (kept is not None and self._is_good(kept, values, one)):
                return
            await self._find_out([one], [values], NOBODY, time.monotonic() + seconds)
        except CuboidError as error:
            log.warning("A kept answer could not be renewed: %s", error)


@dataclass(frozen=True, slots=True)
class Missing:
    """Nothing is kept that may be told; the values of the refresh keys, None if the answer is not to be kept."""

    values: Values | None


def _keys(one: Wanted) -> Hashable:
    """What the values are of: equal rollups stand in equal statements."""
    return ("rollups", one.keys) if one.uses else one.keys


def _used(one: Wanted, values: Values | None) -> list[UsedRollup]:
    """The rollups that it reads, which its keys are then."""
    if not one.uses:
        return []
    tables = {use.stored.table: use.stored for use in one.uses}
    known = {table: at for table, at, _ in map(orjson.loads, (values or ())[: len(tables)])}
    return [
        UsedRollup(
            table,
            stored.name,
            stored.type,
            datetime.fromisoformat(known[table]) if table in known else None,
            not stored.inside,
        )
        for table, stored in tables.items()
    ]


def answer_key(
    question: Question,
    planner: Planner,
    statements: Sequence[tuple[int, str]],
    *,
    cast_numerics: bool,
    blended: bool,
    dev: bool,
) -> Hashable:
    """All that shapes the answer to a question."""
    return (
        planner.serial,
        encode(question.echo),
        question.date_range,
        cast_numerics,
        blended,
        dev,
        *(part for statement in statements for part in statement),
    )


def _size(key: Hashable) -> int:
    assert isinstance(key, tuple)
    return sum(len(part) for part in key if isinstance(part, bytes | str))
