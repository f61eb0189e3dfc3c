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
from dataclasses import dataclass

import orjson

from cuboid.result.envelope import Body, encode
from cuboid.run.claims import Claims
from cuboid.run.data_source import statement_key
from cuboid.run.link import Link
from cuboid.wanted import Kept, Wanted

FORMAT = "1"
"""Of what lies in the exchange; another one is not read."""

KEPT_SECONDS = 24 * 3600.0
"""How long an answer that is out of date may still be told where the request allows it."""

PASSED_SECONDS = 30.0
"""How long one that may not be kept lies there for those who wait for it."""

LARGEST = 8 * 1024**2
"""Bytes of an answer that is shared: what an exchange near by takes far less than a question's time for."""


@dataclass(frozen=True, slots=True)
class Found:
    """What is there.

    :param kept: as it may be kept; None for what is there only for those who waited.
    :param run: of whom it is, as :class:`cuboid.run.claims.Lead` names it.
    """

    body: Body
    kept: Kept | None
    run: str


class SharedAnswers:
    """Answers in the exchange, and who finds them out. Used from one event loop."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._tasks: set[asyncio.Task[None]] = set()
        self.claims = Claims(link)

    async def get(self, one: Wanted) -> Found | None:
        """What is there for the question, whoever has found it out."""
        key = shared_key(one)
        text = await self._link.ask(lambda exchange: exchange.get(digest(key)), None)
        found = None if text is None else _read(text, key, one.cubes)
        self._link.figures.answers += found is not None
        return found

    def put(self, one: Wanted, body: Body, kept: Kept | None) -> None:
        """Keeps the answer for all, soon; without ``kept`` only for those who wait for it."""
        key = shared_key(one)
        lead = self.claims.lead_of(digest(key))
        if len(body.text) > LARGEST or (kept is None and not (lead and lead.wanted)):
            return
        value = _written(Found(body, kept, lead.run if lead else ""), key)
        task = asyncio.create_task(
            self._put(digest(key), value, PASSED_SECONDS if kept is None else KEPT_SECONDS)
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if lead is not None:
            lead.putting = task

    async def close(self) -> None:
        """Puts nothing any more."""
        await self.claims.close()
        tasks = [*self._tasks]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _put(self, name: str, value: bytes, seconds: float) -> None:
        await self._link.ask(lambda exchange: exchange.put(name, value, seconds), None)


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


def digest(key: bytes) -> str:
    """The name under which an answer lies."""
    return hashlib.blake2b(key, digest_size=20).hexdigest()


def _written(found: Found, key: bytes) -> bytes:
    """A line of JSON, the key, and the result object as it is told."""
    kept = found.kept
    head = [
        len(key),
        found.run,
        [found.body.slow, found.body.named],
        None if kept is None else [value.decode() for value in kept.values],
        time.time() - (0.0 if kept is None else time.monotonic() - kept.written),
    ]
    return b"".join((encode(head), b"\n", key, found.body.text))


def _read(text: bytes, key: bytes, cubes: frozenset[str]) -> Found | None:
    """None for the answer to another question, and for what is none."""
    line, _, rest = text.partition(b"\n")
    try:
        size, run, (slow, named), values, written = orjson.loads(line)
    except (ValueError, TypeError):
        return None
    if size != len(key) or not rest.startswith(key):
        return None
    body = Body(rest[len(key) :], slow, named)
    if values is None:
        return Found(body, None, run)
    age = max(time.time() - written, 0.0)  # clocks of machines differ
    known = tuple(value.encode() for value in values)
    return Found(body, Kept(body, known, time.monotonic() - age, (), cubes), run)
