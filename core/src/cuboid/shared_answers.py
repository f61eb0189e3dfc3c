"""Answers that all processes of a deployment share, through an exchange: a second level below the memory of each.

An answer lies there under a digest, beside its whole key: of two questions with one digest neither is told the other's
answer. The key has all that shapes the answer, as far as it means the same in every process: the tenant, the catalog's
content, the data sources' identities, the statements with their typed parameters. Whether it is good the reader
decides, by the refresh keys as the reader knows them; so nothing is told that memory would not have told.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Coroutine, Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from cuboid.planner import Planner
from cuboid.planning import Parts
from cuboid.query.model import Question
from cuboid.result.envelope import Body, encode
from cuboid.run.data_source import statement_key
from cuboid.run.link import Link
from cuboid.run.refresh_keys import Key, Values
from cuboid.run.stored import RollupUse

FORMAT = "1"
"""Of what lies in the exchange; another one is not read."""

KEPT_SECONDS = 24 * 3600.0
"""How long an answer that is out of date may still be told where the request allows it."""

LARGEST = 8 * 1024**2
"""Bytes of an answer that is shared: what an exchange near by takes far less than a question's time for."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A question, planned.

    :param key: all that shapes the answer, in this process.
    :param tenant: of whoever asks, empty for none.
    :param cubes: whose rows it reads.
    :param uses: of rollups; without any, ``keys`` tell whether an answer is out of date. Without either it is not kept.
    :param renewed: seconds after which it is out of date in any case.
    """

    question: Question
    planner: Planner
    parts: Parts
    uses: Sequence[RollupUse]
    cubes: frozenset[str]
    keys: tuple[Key, ...] | None
    renewed: float
    key: Hashable
    tenant: str
    cast_numerics: bool
    blended: bool
    dev: bool

    @property
    def mode(self) -> str:
        """The cache mode."""
        return self.question.query.cache or "stale-if-slow"


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer in the cache.

    :param values: of the refresh keys, before the statements were run.
    :param written: when it was put here, by a clock that never goes back.
    :param finished: when the statements were answered; empty if another process has run them.
    """

    body: Body
    values: Values
    written: float
    finished: tuple[datetime, ...]
    cubes: frozenset[str]


class SharedAnswers:
    """Answers in the exchange. Used from one event loop."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._tasks: set[asyncio.Task[None]] = set()

    async def get(self, one: Wanted) -> Kept | None:
        """What is there for the question, whoever has found it out."""
        key = shared_key(one)
        found = await self._link.ask(lambda exchange: exchange.get(_name(key)), None)
        kept = None if found is None else _read(found, key, one.cubes)
        self._link.figures.answers += kept is not None
        return kept

    def put(self, one: Wanted, kept: Kept) -> None:
        """Keeps the answer for all, soon."""
        if len(kept.body.text) <= LARGEST:
            self._soon(self._put(one, kept))

    async def close(self) -> None:
        """Puts nothing any more."""
        tasks = [*self._tasks]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _put(self, one: Wanted, kept: Kept) -> None:
        key = shared_key(one)
        value = _written(kept, key)
        await self._link.ask(lambda exchange: exchange.put(_name(key), value, KEPT_SECONDS), None)

    def _soon(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def shared_key(one: Wanted) -> bytes:
    """All that shapes the answer to a question, equal in all processes that would answer alike."""
    return encode(
        [
            FORMAT,
            one.tenant,
            one.planner.catalog.content,
            one.question.echo,
            one.question.date_range,
            one.cast_numerics,
            one.blended,
            one.dev,
            [
                [source.name, source.identity, source.driver.name, statement_key(statement)]
                for source, statement in one.parts
            ],
        ]
    )


def _name(key: bytes) -> str:
    return hashlib.blake2b(key, digest_size=20).hexdigest()


def _written(kept: Kept, key: bytes) -> bytes:
    """A line of JSON with the length of the key, the key, and the result object as it is told."""
    age = time.monotonic() - kept.written
    head = {
        "key": len(key),
        "values": [value.decode() for value in kept.values],
        "written": time.time() - age,
        "places": [kept.body.slow, kept.body.named],
    }
    return b"".join((encode(head), b"\n", key, kept.body.text))


def _read(text: bytes, key: bytes, cubes: frozenset[str]) -> Kept | None:
    """None for the answer to another question."""
    line, _, rest = text.partition(b"\n")
    head = orjson.loads(line)
    if head["key"] != len(key) or not rest.startswith(key):
        return None
    age = max(time.time() - head["written"], 0.0)  # clocks of machines differ
    slow, named = head["places"]
    values = tuple(value.encode() for value in head["values"])
    return Kept(Body(rest[len(key) :], slow, named), values, time.monotonic() - age, (), cubes)
